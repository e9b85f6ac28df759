"""What has to be right before a push: the warehouse, the tables, the key. Looks, and changes nothing."""

from braze_runner.checks.report import Check, Report
from braze_runner.checks.run import check

__all__ = ["Check", "Report", "check"]
