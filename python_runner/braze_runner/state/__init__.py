"""What a destination has acknowledged, what it rejected, and each run: insert-only tables."""

from braze_runner.state.records import LedgerEntry, Position, RunRecord
from braze_runner.state.warehouse import WarehouseState

__all__ = ["LedgerEntry", "Position", "RunRecord", "WarehouseState"]
