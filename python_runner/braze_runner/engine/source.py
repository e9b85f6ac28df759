"""One pending batch of one sync on its way: its rows, its progress, and what is not on record yet."""

import datetime as dt
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain

from braze_runner.client import Outcome
from braze_runner.engine.prefetch import prefetched
from braze_runner.engine.reader import Batch, Reader
from braze_runner.engine.summary import Counts
from braze_runner.engine.window import Window, merged, ranges_of
from braze_runner.errors import StoppedError
from braze_runner.plan import Planner, Reject, Row, rejected
from braze_runner.plan.rows import REASONS
from braze_runner.project import Sync
from braze_runner.state import Position, Progress, Range, State

# What a reject takes beside its payload, roughly.
_REJECT_BYTES = 1_000


class Source:
    """A batch while it is pushed; see ``plan.schedule.Pending`` for how it is put in order.

    ``dropped`` gives, once the batch's turn has come, the keys of rows that must not be sent any more.
    """

    def __init__(
        self,
        sync: Sync,
        pending: Batch,
        reader: Reader,
        planner: Planner,
        counts: Counts,
        dropped: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.sync = sync
        self.pending = pending
        self.counts = counts
        self._reader = reader
        self._planner = planner
        self._dropped = dropped
        self._window = Window(pending.position.mark or "")
        self._earlier = _EarlierRuns(pending.position)
        self._rejects: list[Reject] = []
        self._unknown: list[Reject] = []
        # What is new since the step that was last handed out to be recorded, and the mark on record.
        self._step = Progress(pending.id)
        self._handed: Progress | None = None
        self._recorded_mark = pending.position.mark or ""
        self._is_last = False
        self.has_intents = False
        self.is_read = False
        self.reject_bytes = 0
        # Sentence -> rows that were not sent for it: all that a run without a state tells of them.
        self.reasons: Counter[str] = Counter()

    @property
    def batch(self) -> str:
        """Id of the dbt run that wrote it, or what stands for it."""
        return self.pending.run or self.pending.id

    @property
    def type(self) -> str:
        """Type of the sync."""
        return self.sync.type

    @property
    def updates_only(self) -> bool:
        """Whether the model says that no user is created."""
        return self.sync.update_existing_only is True

    @property
    def written_at(self) -> dt.datetime:
        """First stamp of the batch, UTC."""
        return self.pending.written_at

    @property
    def is_done(self) -> bool:
        """Say whether it is on record that each row has its end."""
        return self._is_last and self._handed is not None and self._handed.is_recorded

    @property
    def pending_rows(self) -> int:
        """Rows behind the mark when the run began."""
        return self.pending.rows

    @property
    def newest_updated_at(self) -> dt.datetime | None:
        """Newest stamp of the batch once it is done, UTC; None before."""
        return self.pending.newest_updated_at if self.is_done else None

    @property
    def oldest(self) -> int | None:
        """Return the number of the oldest request with rows that have no end yet."""
        return self._window.oldest

    def rows(self, idle: Callable[[], None] = lambda: None) -> Generator[Row]:
        """Yield the rows to send, in order; those that can't be sent become rejects on the way.

        ``idle`` is called now and then while the warehouse keeps them waiting. Raises StoppedError at such a row where
        the model says ``on_invalid: stop``. A row that was handed out last, before the rest was left, counts as not
        taken: progress never passes it by itself.
        """
        dropped, earlier, take = self._dropped(), self._earlier, self._window.take
        last = None
        with closing(prefetched(partial(self._reader.read, self.pending), idle)) as batches:
            for row in chain.from_iterable(map(self._planner.plan_batch, batches)):
                key = row[0]
                if key == last:
                    self._reject_planned(row, "duplicate_row")
                    continue
                last = key
                take(key)
                if not earlier.is_empty and earlier.have_ended(key):
                    continue
                # Of a table made by hand the user's hash is told, with which the key begins.
                if dropped and key.partition("/")[0] in dropped:
                    self._reject_planned(row, "user_returned")
                elif type(row) is Row:
                    self.counts.rows_read += 1
                    try:
                        yield row
                    except GeneratorExit:
                        self._window.put_back()
                        raise
                else:
                    self._reject_planned(row)
        self.is_read = True

    @property
    def doubtful_since(self) -> dt.datetime | None:
        """When an earlier run last meant to send rows of which nothing more is known, UTC; None without any."""
        return self.pending.position.intended_at if self.pending.position.intents else None

    def doubtful_rows(self) -> Iterator[Row]:
        """Yield the rows that an earlier run may have sent and that must not arrive twice."""
        last = max(self.pending.position.intents.values(), default="")
        for batch in self._reader.read(self.pending):
            for row in self._planner.plan_batch(batch):
                if row[0] > last:
                    return
                if type(row) is Row and self.is_unknown(row) and not self._earlier.have_ended(row[0]):
                    yield row

    def is_unknown(self, row: Row) -> bool:
        """Say whether an earlier run may have sent the row, which must not arrive twice."""
        return (
            not self._earlier.is_empty and not row.repeatable and self._earlier.may_have_sent(row.braze_row)
        )

    def entered(self, number: int) -> None:
        """Note that the newest row has entered a request."""
        self._window.enter(number)

    def intend(self, state: State, rows: Sequence[Row]) -> None:
        """Record up to which row the next requests go, before they are sent (R3)."""
        state.intend(self.sync.unique_id, self.pending.id, rows[-1].braze_row)

    def settle(self, outcome: Outcome, start: int, end: int) -> None:
        """Take what became of its rows in a request: those from ``start`` to before ``end``."""
        request = outcome.request
        rows, number = request.rows[start:end], request.number
        if len(outcome.sent) == len(request.rows):
            self._accept(rows)
            if self.has_intents:
                self._ended(number, rows, [True] * len(rows))
            self._window.leave(number)
            return
        sent, unknown, held = set(outcome.sent), set(outcome.unknown), set(outcome.held)
        self._accept([request.rows[index] for index in range(start, end) if index in sent])
        for index in range(start, end):
            if index in outcome.rejects:
                self.add_reject(outcome.rejects[index])
            elif index in unknown:
                self._keep_unknown(request.rows[index])
        is_held = [index in held for index in range(start, end)]
        self.counts.rows_held += sum(is_held)
        if self.has_intents:
            self._ended(number, rows, [not flag for flag in is_held])
            self._not_sent(number, rows, is_held)
        if not any(is_held):
            self._window.leave(number)

    def hold_back(self, number: int, rows: list[Row]) -> None:
        """Take back rows of a request that was not sent."""
        self.counts.rows_held += len(rows)
        if self.has_intents:
            self._not_sent(number, rows, [True] * len(rows))

    def put_aside(self, row: Row) -> None:
        """Keep the newest row, of which nobody can say whether it arrived, until that is decided (R3)."""
        self._keep_unknown(row)
        self._newest_has_ended()

    def accept_unknown(self, row: Row) -> None:
        """Count the newest row, which an earlier run did send."""
        self._accept([row])
        self._newest_has_ended()

    def add_reject(self, reject: Reject) -> None:
        """Take a row that can't be sent, or that Braze refused."""
        self.counts.rows_rejected += 1
        self._step.rows_rejected += 1
        self._rejects.append(reject)
        self.reject_bytes += _REJECT_BYTES + len(reject.payload or b"")

    def save(self, state: State) -> Progress | None:
        """Record the rejects, and return the progress that is not on record, if there is some.

        A step that the state refused is part of the next one: what Braze has accepted must not be forgotten.
        """
        sync, rejects, unknown = self.sync.unique_id, self._rejects, self._unknown
        state.reject(sync, self.pending.id, rejects)
        state.reject(sync, self.pending.id, unknown, "unknown")
        self.forget_rejects()
        if self.is_done:
            return None
        self._take_back()
        step, mark, at_end = self._step, self._window.mark(), self.is_read and self._window.is_empty
        is_new = at_end or mark != self._recorded_mark or step.rows_rejected or step.ended or step.unsent
        if not is_new:
            return None
        step.mark = mark
        step.ended = [each for each in merged(step.ended) if each.to > mark]
        step.unsent = [each for each in merged(step.unsent) if each.to > mark]
        if at_end:
            self._is_last = step.done = True
        self._handed, self._step = step, Progress(self.pending.id)
        return step

    def _take_back(self) -> None:
        """Look what became of the step that was handed out last."""
        handed, self._handed = self._handed, None
        if handed is None:
            return
        if handed.is_recorded:
            self._recorded_mark = handed.mark
            return
        self._step.rows_sent += handed.rows_sent
        self._step.rows_rejected += handed.rows_rejected
        self._step.ended += handed.ended
        self._step.unsent += handed.unsent

    def forget_rejects(self) -> None:
        """Drop what is on record, or is not to be."""
        self._rejects, self._unknown, self.reject_bytes = [], [], 0

    def _keep_unknown(self, row: Row) -> None:
        self.counts.rows_held += 1
        self.counts.rows_unknown += 1
        self._unknown.append(rejected(row, "maybe_sent"))
        self.reject_bytes += _REJECT_BYTES + len(row.payload or b"")

    def _newest_has_ended(self) -> None:
        """Note for the ledger that it has, or the next run would ask once more what became of it."""
        self._step.ended.append(Range(self._window.before, self._window.last))

    def _accept(self, rows: list[Row]) -> None:
        counts = self.counts
        counts.rows_sent += len(rows)
        self._step.rows_sent += len(rows)
        for row in rows:
            counts.attributes_sent += row[6]
            counts.data_points += row[7]

    def _ended(self, number: int, rows: list[Row], flags: list[bool]) -> None:
        self._step.ended += ranges_of(self._window.first_of(number), zip(rows, flags, strict=True))

    def _not_sent(self, number: int, rows: list[Row], flags: list[bool]) -> None:
        self._step.unsent += ranges_of(self._window.first_of(number), zip(rows, flags, strict=True))

    def _reject_planned(self, row: Row | Reject, reason: str = "") -> None:
        """Take a row that can't be sent, for its own reason or for another."""
        self.counts.rows_read += 1
        if isinstance(row, Row):
            row = rejected(row, reason)
        elif reason:
            row = row._replace(reason=reason, message=REASONS[reason])
        if self.sync.on_invalid == "stop" and row.reason != "user_returned":
            self.counts.rows_held += 1
            self._window.put_back()
            raise StoppedError(
                f"{self.sync.name} has a row that can't be sent, and stops at one: {row.message}"
            )
        self.reasons[row.message] += 1
        self.add_reject(row)


class _EarlierRuns:
    """What the ledger says of rows behind the mark: sent, rejected, or perhaps sent."""

    def __init__(self, position: Position) -> None:
        self._ended = merged(position.ended)
        self._starts = [each.after for each in self._ended]
        self._intents = position.intents
        self._unsent = position.unsent
        self.is_empty = not (position.ended or position.intents)

    def have_ended(self, key: str) -> bool:
        """Say whether the row is accepted, or in the rejects."""
        place = bisect_left(self._starts, key) - 1
        return place >= 0 and key <= self._ended[place].to

    def may_have_sent(self, key: str) -> bool:
        """Say whether some run meant to send the row and did not say that it had not."""
        return any(
            key <= to and not any(each.after < key <= each.to for each in self._unsent.get(run, ()))
            for run, to in self._intents.items()
        )
