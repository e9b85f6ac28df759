"""Rejects that are sent again, on their way through the pusher."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import pyarrow as pa

from braze_runner.client import Outcome
from braze_runner.engine.candidates import NEWER, Candidate
from braze_runner.engine.summary import Counts
from braze_runner.plan import Planner, Reject, Row, rejected
from braze_runner.project import Sync
from braze_runner.state import OpenReject, State, utc_now
from braze_runner.state.records import RejectStatus

_NOT_SENT = "{:,} not sent again ({}): {}."
_SETTLED = "{:,} settled unsent ({}): later rows replace them, or their users were deleted."


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
        first: dict[str, str] = {}
        left: Counter[str] = Counter()
        try:
            for reject, columns, problem in self._candidates():
                if problem:
                    first.setdefault(problem, reject.braze_row)
                    left[problem] += 1
                if problem == NEWER:
                    self._settled.append((reject, "superseded"))
                    continue
                self.counts.rows_read += 1
                if problem:
                    self.counts.rows_held += 1
                else:
                    yield from self._planned(reject, columns)
        finally:
            for problem, number in left.items():
                which = f"row {first[problem]}" + (" and others" if number > 1 else "")
                sentence = _SETTLED if problem == NEWER else _NOT_SENT
                self._message(f"{self.sync.name}: {sentence.format(number, which, problem)}")

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
        once = [self._under_way[row.braze_row] for row in rows if not row.repeatable]
        state.settle((reject, "unknown") for reject in once if reject.status != "unknown")

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
        again: dict[tuple[str, RejectStatus], list[Reject]] = {}
        for reject, once_more, status in self._again:
            again.setdefault((reject.batch, status), []).append(once_more)
        for (batch, status), rejects in again.items():
            state.reject(self.sync.unique_id, batch, rejects, status)
        state.settle(self._settled)
        self.forget_rejects()

    def forget_rejects(self) -> None:
        """Drop what is on record."""
        self._again, self._settled = [], []


def _batch_of(columns: dict[str, Any]) -> pa.RecordBatch:
    """Return one row of a sync table as a planner reads it: every column text but the flag ``deleted``."""
    shown = {name: value for name, value in columns.items() if name not in ("braze_batch", "stamp")}
    # The flag may be text in a table made by hand.
    arrays = [pa.array([value], None if name == "deleted" else pa.string()) for name, value in shown.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(shown))
