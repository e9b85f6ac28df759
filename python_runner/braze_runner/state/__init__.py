"""What a destination has acknowledged, what it rejected, each run, and who may push: insert-only tables."""

from braze_runner.state.file import FileTables
from braze_runner.state.lease import Claim, Lease, LeaseTakenError, holders
from braze_runner.state.records import LastRun, OpenReject, Position, Progress, Range, RunRecord
from braze_runner.state.store import State, utc_now
from braze_runner.state.tables import Tables, WarehouseTables

__all__ = [
    "Claim",
    "FileTables",
    "LastRun",
    "Lease",
    "LeaseTakenError",
    "OpenReject",
    "Position",
    "Progress",
    "Range",
    "RunRecord",
    "State",
    "Tables",
    "WarehouseTables",
    "holders",
    "utc_now",
]
