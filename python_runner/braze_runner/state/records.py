"""The rows of the state tables; the formats are final, parts of them are used by later features."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

_TEXT, _INTEGER, _TIME = pa.string(), pa.int64(), pa.timestamp("us")

LEDGER = pa.schema(
    {
        "destination": _TEXT,
        "sync": _TEXT,
        "entry": _TEXT,
        "run_id": _TEXT,
        "seq": _INTEGER,
        "fence": _INTEGER,
        "braze_batch": _TEXT,
        "braze_row": _TEXT,
        "rows_sent": _INTEGER,
        "rows_rejected": _INTEGER,
        "rest_host": _TEXT,
        "detail": _TEXT,
        "recorded_at": _TIME,
    }
)
REJECTS = pa.schema(
    {
        "destination": _TEXT,
        "sync": _TEXT,
        "run_id": _TEXT,
        "braze_batch": _TEXT,
        "braze_row": _TEXT,
        "status": _TEXT,
        "identifier": _TEXT,
        "payload": _TEXT,
        "reason": _TEXT,
        "message": _TEXT,
        "http_status": _INTEGER,
        "request_number": _INTEGER,
        "recorded_at": _TIME,
    }
)
RUNS = pa.schema(
    {
        "destination": _TEXT,
        "sync": _TEXT,
        "run_id": _TEXT,
        "status": _TEXT,
        "started_at": _TIME,
        "ended_at": _TIME,
        "batches": _INTEGER,
        "rows_read": _INTEGER,
        "rows_sent": _INTEGER,
        "rows_rejected": _INTEGER,
        "rows_held": _INTEGER,
        "requests": _INTEGER,
        "retries": _INTEGER,
        "attributes_sent": _INTEGER,
        "data_points": _INTEGER,
        "newest_updated_at": _TIME,
        "error": _TEXT,
        "runner_version": _TEXT,
        "recorded_at": _TIME,
    }
)
SCHEMAS = {"braze_sync_ledger": LEDGER, "braze_sync_rejects": REJECTS, "braze_sync_runs": RUNS}

# An Arrow type -> the key of Warehouse.types.
COLUMN_TYPES = {_TEXT: "text", _INTEGER: "integer", _TIME: "time"}

RunStatus = Literal["started", "success", "partial", "error", "interrupted"]


@dataclass(frozen=True)
class LedgerEntry:
    """One step forward in a batch: every row up to ``mark``, inclusive, is accepted or in rejects.

    The counts are those of this step alone. ``done`` says that the batch holds no further row.
    """

    batch: str
    mark: str
    rows_sent: int
    rows_rejected: int
    done: bool = False


@dataclass(frozen=True)
class Position:
    """How far a destination has come in a batch: ``mark`` is None before its first row."""

    mark: str | None
    done: bool


@dataclass(frozen=True)
class RunRecord:
    """One run of one sync, as it starts or as it ends."""

    status: RunStatus
    started_at: dt.datetime
    ended_at: dt.datetime | None = None
    newest_updated_at: dt.datetime | None = None
    error: str | None = None
