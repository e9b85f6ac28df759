"""From rows to requests, without any I/O: validate, count, pack, order."""

from braze_runner.plan.pack import Packer, Request
from braze_runner.plan.planner import Planner
from braze_runner.plan.planners import planner_for
from braze_runner.plan.rows import Identifiers, Reject, Row, rejected
from braze_runner.plan.schedule import Step, steps_of

__all__ = [
    "Identifiers",
    "Packer",
    "Planner",
    "Reject",
    "Request",
    "Row",
    "Step",
    "planner_for",
    "rejected",
    "steps_of",
]
