"""Reads profiles back from Braze and compares them with what the log of a sync says that they hold."""

from braze_runner.verify.report import Report
from braze_runner.verify.run import VerifySettings, verify

__all__ = ["Report", "VerifySettings", "verify"]
