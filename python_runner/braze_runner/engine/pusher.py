"""Pushes batches in order: reads and plans in this thread, sends in workers, saves progress every few seconds."""

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol

from braze_runner.client import Outcome, Stop
from braze_runner.engine.observer import Observer
from braze_runner.engine.retry import RetrySource
from braze_runner.engine.source import Source
from braze_runner.errors import StoppedError
from braze_runner.plan import Packer, Request, Row, Step
from braze_runner.plan.payloads import without_values
from braze_runner.state import Progress, State

# Requests handed out for each worker, one to send and one to go on with, and the bytes of all of them.
_AHEAD = 2
_BYTES = 16_000_000
# Requests from the oldest unanswered one on: bounds what a crash sends again.
_WINDOW = 1_024
_SAVE_SECONDS = 2.0
_SAVE_REJECT_BYTES = 8_000_000
_POLL_SECONDS = 0.2
# Requests whose intent is put on record at once: what a crash may leave unknown, against a statement each (R3).
_INTENT_REQUESTS = 128
# So many rows that Braze refused, or did not answer for, with none accepted in between, end the run.
_HOPELESS_ROWS = 1_000

Decision = Literal["arrived", "resend", "hold"]
PushSource = Source | RetrySource


class Pool(Protocol):
    """Where requests are sent; see ``WorkerPool``."""

    @property
    def in_flight(self) -> int:
        """Requests that were handed out and not taken back."""

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of their bodies."""

    @property
    def target(self) -> int:
        """Workers that are meant to be at work."""

    def submit(self, request: Request[PushSource]) -> None:
        """Hand out a request."""

    def take(self, seconds: float) -> Outcome | None:
        """Return the next outcome, or None when none comes within so many seconds."""


@dataclass(frozen=True)
class Cap:
    """Where a run ends before everything is pushed: rows of each sync, data points of all; None is no end."""

    rows: int | None = None
    data_points: int | None = None

    @property
    def is_set(self) -> bool:
        """Say whether there is any."""
        return self.rows is not None or self.data_points is not None


class Pusher:
    """Pushes sources in steps; a ``state`` of None records nothing, and so sends nothing that must not repeat."""

    def __init__(
        self,
        pool: Pool,
        state: State | None,
        stop: Stop,
        observer: Observer,
        settle: Callable[[PushSource], Callable[[Row], Decision]],
        order_gap: float,
        cap: Cap | None = None,
        *,
        may_repeat_all: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._state = state
        self._stop = stop
        self._observer = observer
        self._settle_unknown = settle
        self._order_gap = order_gap
        self._cap = cap or Cap()
        self._may_repeat_all = may_repeat_all
        self._now = now
        self._packer: Packer[PushSource] = Packer(itertools.count(1))
        self._active: list[PushSource] = []
        self._chunk: list[Request[PushSource]] = []
        self._accepted_at: dict[str, float] = {}
        self._lane = ""
        self._newest: Row | None = None
        self._saved_at = now()
        self._hopeless = 0
        self._points = 0
        self._taken: Counter[str] = Counter()
        self.error: StoppedError | None = None
        self.is_capped = False

    def accepted(self, lane: str, seconds_ago: float) -> None:
        """Say that an earlier run had something accepted so long ago."""
        self._accepted_at[lane] = self._now() - seconds_ago

    def push(self, steps: Sequence[Step[PushSource]]) -> None:
        """Push steps one after the other, until the end or the stop.

        Braze promises no order between requests, even consecutive ones (POST /users/track), so a step starts only
        when each request of the one before is answered and ``order_gap`` seconds have passed (R2).
        """
        try:
            for step in steps:
                if self._stop.is_set() or self.is_capped:
                    break
                self._wait_for_turn(step.lane)
                self._push_step(step)
            if self.is_capped and not self._stop.is_set():
                self._hand_out_rest()
        except StoppedError as exc:
            self.fail(exc)
        finally:
            # Also when reading failed: what Braze has accepted meanwhile must be on record.
            self._end()

    def fail(self, error: StoppedError) -> None:
        """Stop the run for this reason, unless there is one already."""
        self.error = self.error or error
        self._stop.set()

    def _push_step(self, step: Step[PushSource]) -> None:
        self._lane = step.lane
        for source in step.batches:
            self._active.append(source)
            self._push_source(source)
            if self._stop.is_set() or self.is_capped:
                return
        if step.joins_next:
            self._release_chunk()
        else:
            self._hand_out_rest()
        self._drain()

    def _push_source(self, source: PushSource) -> None:
        decide = self._settle_unknown(source)
        with closing(source.rows(self._keep_up)) as rows:
            for row in rows:
                if not row.repeatable and not self._may_send_once(source, row, decide):
                    continue
                if self._cap.is_set and self._is_over_cap(source, row):
                    source.counts.rows_held += 1
                    return
                full = self._packer.add(source, row)
                if full is not None:
                    self._hand_out(full)
                    if self._stop.is_set():
                        return

    def _keep_up(self) -> None:
        """Settle what was answered while the warehouse keeps us waiting, so that it is on record in time."""
        while self._collect(0):
            pass

    def _is_over_cap(self, source: PushSource, row: Row) -> bool:
        """Count a row that is about to be sent; says whether it would be one too many."""
        cap, sync = self._cap, source.sync.unique_id
        if cap.data_points is not None and self._points + row.data_points > cap.data_points:
            self.is_capped = True
            return True
        if cap.rows is not None and self._taken[sync] >= cap.rows:
            return True
        self._points += row.data_points
        self._taken[sync] += 1
        return False

    def _may_send_once(self, source: PushSource, row: Row, decide: Callable[[Row], Decision]) -> bool:
        """Say of a row that must not arrive twice whether it is to be sent now."""
        if self._state is None and not self._may_repeat_all:
            source.counts.rows_held += 1
            return False
        source.has_intents = True
        if not source.is_unknown(row):
            return True
        decision = decide(row)
        if decision == "arrived":
            source.accept_unknown(row)
        elif decision == "hold":
            source.put_aside(row)
        else:
            source.counts.objects_resent += 1
        return decision == "resend"

    def _hand_out(self, request: Request[PushSource]) -> None:
        """Give a request to the workers; one that must not arrive twice waits until its intent is on record."""
        if self._goes_on(request):
            try:
                self._release_chunk()
            except StoppedError:
                # It is held back with the chunk.
                self._chunk.append(request)
                raise
            self._drain()
            self._wait_for_turn(self._lane)
        self._newest = request.rows[-1]
        if request.repeatable or self._state is None:
            self._submit(request)
            return
        self._chunk.append(request)
        if len(self._chunk) >= _INTENT_REQUESTS or sum(each.size for each in self._chunk) >= _BYTES:
            self._release_chunk()

    def _goes_on(self, request: Request[PushSource]) -> bool:
        """Say whether a request begins with attributes of the user with whom the one before ended (R2).

        A log has each user once in a batch; of a table made by hand what can't be made one row stays two.
        """
        first, before = request.rows[0], self._newest
        return (
            before is not None
            and first.identifier == before.identifier
            and first.array == before.array == b"attributes"
        )

    def _hand_out_rest(self) -> None:
        """Give the workers what is not full either; what an error leaves is held back with the chunk."""
        rest = deque(self._packer.flush())
        try:
            while rest:
                self._hand_out(rest.popleft())
        finally:
            self._chunk += rest
        self._release_chunk()

    def _release_chunk(self) -> None:
        """Record up to which row of each source the chunk goes, and only then send it (R3)."""
        if self._state is not None and not self._stop.is_set():
            rows: dict[PushSource, list[Row]] = {}
            for request in self._chunk:
                for source, start, end in request.parts():
                    rows.setdefault(source, []).extend(request.rows[start:end])
            for source, of_source in rows.items():
                source.intend(self._state, of_source)
        chunk, self._chunk = self._chunk, []
        for request in chunk:
            self._submit(request)

    def _submit(self, request: Request[PushSource]) -> None:
        self._make_room(request.number)
        if self._stop.is_set():
            self._hold_back(request)
        else:
            self._pool.submit(request)

    def _hold_back(self, request: Request[PushSource]) -> None:
        for source, start, end in request.parts():
            source.hold_back(request.number, request.rows[start:end])

    def _make_room(self, number: int) -> None:
        while self._collect(0):
            pass
        while self._is_full(number) and not self._stop.is_set():
            self._collect(_POLL_SECONDS)

    def _is_full(self, number: int) -> bool:
        pool = self._pool
        if pool.in_flight >= _AHEAD * pool.target or pool.bytes_in_flight >= _BYTES:
            return True
        oldest = min((each.oldest for each in self._active if each.oldest is not None), default=number)
        return bool(pool.in_flight) and number - oldest >= _WINDOW

    def _drain(self) -> None:
        while self._pool.in_flight:
            self._collect(_POLL_SECONDS)

    def _end(self) -> None:
        """Bring everything that has begun to its end, and record it."""
        for request in [*self._chunk, *self._packer.flush()]:
            self._hold_back(request)
        self._chunk = []
        self._drain()
        self._save()

    def _collect(self, seconds: float) -> bool:
        """Settle the next outcome, if one comes in time, and save what is due; returns whether one came."""
        outcome = self._pool.take(seconds)
        if outcome is not None:
            self._settle(outcome)
        reject_bytes = sum(source.reject_bytes for source in self._active)
        if self._now() - self._saved_at > _SAVE_SECONDS or reject_bytes > _SAVE_REJECT_BYTES:
            self._save()
        return outcome is not None

    def _settle(self, outcome: Outcome) -> None:
        """Count an outcome and move the windows; an outcome with an error stops the run."""
        request: Request[PushSource] = outcome.request
        if outcome.error:
            self.fail(outcome.error)
        for source, start, end in request.parts():
            source.settle(outcome, start, end)
        first = request.sources[0][0].counts
        first.requests += outcome.requests
        first.retries += outcome.retries
        first.objects_resent += len(outcome.resent)
        if outcome.sent:
            self._accepted_at[self._lane] = self._now()
        self._judge(outcome)
        for source, _, _ in request.parts():
            self._observer.advance(source.sync.name, source.counts)

    def _judge(self, outcome: Outcome) -> None:
        """Stop a run in which everything fails."""
        failed = len(outcome.rejects) + len(outcome.unknown)
        self._hopeless = 0 if outcome.sent else self._hopeless + failed
        if self._hopeless >= _HOPELESS_ROWS:
            last = next(reversed(outcome.rejects.values()), None)
            reason = (
                without_values(last.message, last.identifier, last.payload) if last else "it gave no answer."
            )
            self.fail(
                StoppedError(
                    f"Braze took none of {self._hopeless:,} rows in a row, so the run stopped. The last one: {reason}"
                )
            )

    def _wait_for_turn(self, lane: str) -> None:
        # What was accepted is on record first, or a crash would have it sent again after what follows.
        self._save()
        accepted_at = self._accepted_at.get(lane)
        remaining = 0.0 if accepted_at is None else accepted_at + self._order_gap - self._now()
        if remaining > 0:
            self._stop.wait(remaining)

    def _save(self) -> None:
        """Write the progress of every source since the last time, rejects first (R1)."""
        self._saved_at = self._now()
        if self._state is None:
            for source in self._active:
                source.forget_rejects()
            return
        try:
            steps: dict[str, list[Progress]] = {}
            for source in self._active:
                step = source.save(self._state)
                if step is not None:
                    steps.setdefault(source.sync.unique_id, []).append(step)
            if steps:
                self._state.save(steps)
        except StoppedError as exc:
            self.fail(exc)
            return
        for source in self._active:
            if source.is_done:
                source.counts.batches += 1
        self._active = [source for source in self._active if not source.is_done]
