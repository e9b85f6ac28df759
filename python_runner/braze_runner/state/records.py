"""The rows of the state tables; they are users' data, so columns are only ever added."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

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
        "seq": _INTEGER,
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
        "rows_unknown": _INTEGER,
        "objects_resent": _INTEGER,
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
RejectStatus = Literal["rejected", "unknown", "retried", "arrived", "dropped", "superseded"]
# Of these the last two words are still open; every other status ends a reject.
OPEN: tuple[RejectStatus, ...] = ("rejected", "unknown")


class Range(NamedTuple):
    """Rows of a batch: behind ``after`` ("" for the first row), up to and with ``to``."""

    after: str
    to: str


@dataclass(slots=True)
class Progress:
    """What is new about one batch since the last time.

    ``mark``: every row up to it, inclusive, is accepted or in rejects. ``ended`` are such rows behind the mark,
    ``unsent`` rows of this run's intents that were certainly not sent. The counts are of this step alone; ``done``
    says that the batch holds no further row, ``detail`` is for the next run; ``is_recorded`` that the ledger has it.
    """

    batch: str
    mark: str = ""
    rows_sent: int = 0
    rows_rejected: int = 0
    ended: list[Range] = field(default_factory=list)
    unsent: list[Range] = field(default_factory=list)
    done: bool = False
    detail: str | None = None
    is_recorded: bool = False


@dataclass(slots=True)
class Position:
    """How far a destination has come in a batch.

    ``mark`` is None before its first row. ``intents`` are, by run, the last rows that a run meant to send and may
    have sent, ``intended_at`` is when the newest intent was recorded; ``ended`` and ``unsent`` (by run) say of which
    of them more is known.
    """

    mark: str | None = None
    done: bool = False
    detail: str | None = None
    intents: dict[str, str] = field(default_factory=dict)
    intended_at: dt.datetime | None = None
    ended: list[Range] = field(default_factory=list)
    unsent: dict[str, list[Range]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """One run of one sync, as it starts or as it ends."""

    status: RunStatus
    started_at: dt.datetime
    ended_at: dt.datetime | None = None
    newest_updated_at: dt.datetime | None = None
    error: str | None = None


class LastRun(NamedTuple):
    """What is on record of a run of one sync; without ``ended_at`` it is at work, or was killed."""

    run_id: str
    status: RunStatus
    started_at: dt.datetime
    ended_at: dt.datetime | None
    rows_read: int
    rows_sent: int
    rows_rejected: int
    rows_held: int
    error: str | None


@dataclass(frozen=True, slots=True)
class OpenReject:
    """A reject that nobody has settled yet, with the first and the last time that it was met."""

    sync: str
    batch: str
    braze_row: str
    status: RejectStatus
    identifier: str
    payload: str | None
    reason: str
    message: str
    http_status: int | None
    request_number: int | None
    first_seen: dt.datetime
    last_seen: dt.datetime
