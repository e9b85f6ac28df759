"""From rows to requests, without any I/O: validate, count, pack."""

from braze_runner.plan.pack import Packer, Request
from braze_runner.plan.rows import Identifiers, Reject, Row, RowPlanner

__all__ = ["Identifiers", "Packer", "Reject", "Request", "Row", "RowPlanner"]
