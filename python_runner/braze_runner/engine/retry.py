"""Sends rejects again, and never an old value over a new one (R11)."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from braze_runner.client import Outcome
from braze_runner.engine.deletions import Deletions
from braze_runner.engine.history import History
from braze_runner.engine.reader import SyncTable
from braze_runner.engine.summary import Counts
from braze_runner.plan import Planner, Reject, Row, rejected
from braze_runner.plan.remainder import remainder
from braze_runner.project import Sync
from braze_runner.state import OpenReject, State, utc_now
from braze_runner.state.records import RejectStatus

T = TypeVar("T")

# Rejects that are looked up in the log at once.
PAGE = 500
NEWER = "newer_row"
"""The problem of a reject that a later row replaces, or whose user was deleted since: it is settled unsent."""
_HELD = "{:,} rejects are not sent again: {}."
_NOTES = {NEWER: "{:,} rejects are settled unsent: later rows replace them, or their users were deleted."}
# Types of which each row stands for itself: it is sent as it was, whatever came later.
_AS_THEY_WERE = (
    "events",
    "purchases",
    "aliases",
    "alias_updates",
    "identifies",
    "merges",
    "external_id_renames",
    "external_id_removals",
)


class Candidate(NamedTuple):
    """A reject with its row as it may be sent now, or the reason why it must not be."""

    reject: OpenReject
    row: dict[str, Any]
    problem: str = ""


class Candidates:
    """What may be sent again of one sync's rejects, by what its log says."""

    def __init__(
        self, deletions: Deletions, state: State, sync: Sync, table: SyncTable, planner: Planner
    ) -> None:
        self._deletions = deletions
        self._state = state
        self._sync = sync
        self._table = table
        self._history = History(deletions.warehouse, table, planner)

    def of(self, rejects: Iterable[OpenReject]) -> Iterator[Candidate]:
        """Yield each reject with what is left of it."""
        for page in batched(rejects, PAGE):
            if self._table.has_bookkeeping:
                keys = {reject.braze_row for reject in page}
                history, deleted = self._history.of(keys), self._deleted(keys)
                for reject in page:
                    if (reject.batch, reject.braze_row) in deleted:
                        yield Candidate(reject, {}, NEWER)
                    else:
                        yield self._judge(reject, history.get(reject.braze_row, []))
            else:
                for reject in page:
                    yield Candidate(reject, {}, "the table was made by hand: give the row a new UPDATED_AT")

    def _deleted(self, keys: set[str]) -> set[tuple[str, str]]:
        """Return (braze_batch, braze_row) of rows that a deletion has made void.

        A user who came back has all attributes in the rows since: what they lack, the user has no more.
        """
        if self._sync.type == "attributes":
            return self._deletions.done_after(self._table, keys, self._state.dropped_deletions) | (
                self._deletions.after_rows(self._table, keys)
            )
        return self._deletions.after_rows(self._table, keys)

    def _judge(self, reject: OpenReject, rows: list[dict[str, Any]]) -> Candidate:
        own = next((row for row in rows if row["braze_batch"] == reject.batch), None)
        if own is None:
            return Candidate(
                reject, {}, "the batch was pruned, so nobody knows what came later: use braze_reemit"
            )
        later = [row for row in rows if row["stamp"] > own["stamp"]]
        if self._sync.type in _AS_THEY_WERE or not later:
            return Candidate(reject, own)
        if self._sync.type != "attributes":
            return Candidate(reject, {}, NEWER)
        try:
            left = remainder(own["payload"] or "{}", [row["payload"] or "{}" for row in later])
        except (ValueError, IndexError):
            # What is no JSON object was rejected for that, and is again.
            return Candidate(reject, own)
        if left.payload:
            return Candidate(reject, own | {"payload": left.payload})
        if left.lost:
            return Candidate(reject, {}, f"later rows change {', '.join(left.lost)} too: use braze_reemit")
        return Candidate(reject, {}, NEWER)


class RetrySource:
    """Rejects of one sync on their way; for the pusher what ``Source`` is for a batch."""

    batch = "retry"
    oldest = None
    has_intents = False
    is_done = False
    reject_bytes = 0
    newest_updated_at = None

    def __init__(
        self,
        sync: Sync,
        candidates: Callable[[], Iterator[Candidate]],
        planner: Planner,
        counts: Counts,
        pending_rows: int,
        message: Callable[[str], None],
    ) -> None:
        self.sync = sync
        self.type = sync.type
        self.updates_only = sync.update_existing_only is True
        self.written_at = utc_now()
        self.counts = counts
        self.pending_rows = pending_rows
        self._candidates = candidates
        self._planner = planner
        self._message = message
        self._under_way: dict[str, OpenReject] = {}
        self._settled: list[tuple[OpenReject, RejectStatus]] = []
        self._again: list[tuple[OpenReject, Reject, RejectStatus]] = []

    def rows(self, idle: Callable[[], None] = lambda: None) -> Generator[Row]:  # noqa: ARG002 (the signature of Source)
        """Yield what is to be sent; what must not be is settled or held back, and told in a sentence for each reason.

        What is settled unsent needs nothing more, so it counts neither as read nor as rejected.
        """
        unsent: Counter[str] = Counter()
        for reject, columns, problem in self._candidates():
            if problem == NEWER:
                self._settled.append((reject, "superseded"))
            else:
                self.counts.rows_read += 1
                self.counts.rows_held += bool(problem)
            if problem:
                unsent[problem] += 1
            else:
                yield from self._planned(reject, columns)
        for problem, number in unsent.items():
            self._message(f"{self.sync.name}: {_NOTES.get(problem, _HELD).format(number, problem)}")

    def _planned(self, reject: OpenReject, columns: dict[str, Any]) -> Iterator[Row]:
        for row in self._planner.plan_batch(_batch_of(columns)):
            if isinstance(row, Reject):
                self._reject(reject, row)
            else:
                # A row's key is unique in its batch alone.
                key = f"{reject.batch}/{reject.braze_row}"
                self._under_way[key] = reject
                yield row._replace(braze_row=key)

    def _reject(self, reject: OpenReject, again: Reject, status: RejectStatus = "rejected") -> None:
        self.counts.rows_rejected += status == "rejected"
        self._again.append((reject, again._replace(braze_row=reject.braze_row), status))

    def is_unknown(self, row: Row) -> bool:  # noqa: ARG002 (the signature of Source)
        """Say no: what an earlier run may have sent is what somebody has asked to be sent again."""
        return False

    def entered(self, number: int) -> None:
        """Need nothing of it: progress is by row."""

    def intend(self, state: State, rows: Sequence[Row]) -> None:
        """Record of rows that count each time that they may have been sent, before they are (R3)."""
        for row in rows:
            reject = self._under_way[row.braze_row]
            if not row.repeatable and reject.status != "unknown":
                state.settle(reject, "unknown")

    def settle(self, outcome: Outcome, start: int, end: int) -> None:
        """Take what became of its rows in a request."""
        sent, unknown = set(outcome.sent), set(outcome.unknown)
        for index in range(start, end):
            row = outcome.request.rows[index]
            reject = self._under_way.pop(row.braze_row)
            if index in sent:
                self.counts.rows_sent += 1
                self.counts.attributes_sent += row.attributes
                self.counts.data_points += row.data_points
                self._settled.append((reject, "retried"))
            elif index in outcome.rejects:
                self._reject(reject, outcome.rejects[index])
            elif index in unknown:
                self.counts.rows_held += 1
                self.counts.rows_unknown += 1
                self._reject(reject, rejected(row, "maybe_sent"), "unknown")
            else:
                self._hold(row, reject)

    def hold_back(self, number: int, rows: list[Row]) -> None:  # noqa: ARG002 (the signature of Source)
        """Take back rows of a request that was not sent."""
        for row in rows:
            self._hold(row, self._under_way.pop(row.braze_row))

    def _hold(self, row: Row, reject: OpenReject) -> None:
        self.counts.rows_held += 1
        if not row.repeatable:
            # Its intent may be on record, and it was certainly not sent.
            self._settled.append((reject, reject.status))

    def put_aside(self, row: Row) -> None:
        """Need nothing of it: see ``is_unknown``."""

    def accept_unknown(self, row: Row) -> None:
        """Need nothing of it: see ``is_unknown``."""

    def save(self, state: State) -> None:
        """Record what became of the rejects since the last time."""
        for reject, again, status in self._again:
            state.reject(reject.sync, reject.batch, [again], status)
        for reject, settled in self._settled:
            state.settle(reject, settled)
        self.forget_rejects()

    def forget_rejects(self) -> None:
        """Drop what is on record."""
        self._again, self._settled = [], []


def _batch_of(columns: dict[str, Any]) -> pa.RecordBatch:
    """Return one row of a sync table as a planner reads it: every column text but the flag ``deleted``."""
    shown = {name: value for name, value in columns.items() if name not in ("braze_batch", "stamp")}
    types = {name: pa.bool_() if name == "deleted" else pa.string() for name in shown}
    return pa.RecordBatch.from_pydict(
        {name: [value] for name, value in shown.items()}, schema=pa.schema(types)
    )


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of so many items."""
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page
