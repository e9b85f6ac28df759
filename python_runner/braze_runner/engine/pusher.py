"""Pushes one sync: reads and plans in this thread, sends in workers, saves progress every few seconds."""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from braze_runner.client import Outcome, Stop
from braze_runner.engine.observer import Observer
from braze_runner.engine.pool import WorkerPool
from braze_runner.engine.reader import Batch, SyncReader
from braze_runner.engine.summary import Counts
from braze_runner.engine.window import Released, Window
from braze_runner.errors import StoppedError
from braze_runner.plan import Packer, Reject, Request, RowPlanner
from braze_runner.project import Sync
from braze_runner.state import LedgerEntry, WarehouseState

# Requests handed out for each worker, one to send and one to go on with, and the bytes of all of them.
_AHEAD = 2
_BYTES = 16_000_000
# Requests for each worker from the oldest unanswered one on: bounds memory and what a crash sends again.
_WINDOW = 8
_SAVE_SECONDS = 2.0
_SAVE_REJECT_BYTES = 8_000_000
# What a reject takes beside its payload, roughly.
_REJECT_BYTES = 1_000
_POLL_SECONDS = 0.2


class SyncPusher:
    """Pushes the pending batches of one sync through a pool of workers."""

    counts: Counts
    error: StoppedError | None
    """What stopped the run, if something did."""
    newest_updated_at: dt.datetime | None
    """Newest stamp of the batches that are done, UTC."""

    def __init__(
        self,
        sync: Sync,
        reader: SyncReader,
        state: WarehouseState,
        pool: WorkerPool,
        workers: int,
        stop: Stop,
        observer: Observer,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sync = sync
        self._reader = reader
        self._state = state
        self._pool = pool
        self._workers = workers
        self._stop = stop
        self._observer = observer
        self._now = now
        self._numbers = itertools.count(1)
        self._planner = RowPlanner(update_existing_only=sync.update_existing_only)
        self.counts = Counts()
        self.error = None
        self.newest_updated_at = None

    def push(self, batches: Sequence[Batch], order_gap: float) -> None:
        """Push batches one after the other.

        Braze promises no order between requests, even consecutive ones (POST /users/track), so a batch starts
        only when each request of the one before is answered and ``order_gap`` seconds have passed (R2).
        """
        for number, batch in enumerate(batches):
            if number:
                self._stop.wait(order_gap)
            if self._stop.is_set() or not self._push_batch(batch):
                return
            self.counts.batches += 1
            self.newest_updated_at = batch.newest_updated_at

    def fail(self, error: StoppedError) -> None:
        """Stop the run for this reason, unless there is one already."""
        self.error = self.error or error
        self._stop.set()

    def _push_batch(self, batch: Batch) -> bool:
        """Push one batch; returns whether each of its rows has its end."""
        self._start_batch(batch)
        handed_out = False
        try:
            with closing(self._requests(batch)) as requests:
                handed_out = self._hand_out(requests)
        finally:
            # Also when reading failed: what Braze has accepted meanwhile must be on record.
            self._drain()
            complete = handed_out and not self._window
            self._save(self._window.leftover(), done=complete)
        return complete and not self.error

    def _start_batch(self, batch: Batch) -> None:
        self._batch = batch
        self._window = Window()
        self._released = Released(batch.mark or "")
        self._saved_mark = self._released.mark
        self._reject_bytes = 0
        self._saved_at = self._now()

    def _requests(self, batch: Batch) -> Generator[Request]:
        packer = Packer(self._sync.type, self._numbers)
        for rows in self._reader.read(batch):
            for row in self._planner.plan_batch(rows):
                full = packer.add(row)
                if full:
                    yield full
        last = packer.flush()
        if last:
            yield last

    def _hand_out(self, requests: Iterator[Request]) -> bool:
        """Give requests to the workers as they have room; returns False when the run stops before the end."""
        for request in requests:
            self._make_room()
            self.counts.rows_read += request.row_count
            if self._stop.is_set():
                self.counts.rows_held += request.row_count
                return False
            self._window.open(request)
            if request.rows:
                self._pool.submit(request)
            else:
                self._settle(Outcome(request))
        return True

    def _make_room(self) -> None:
        while self._collect(0):
            pass
        while self._is_full() and not self._stop.is_set():
            self._collect(_POLL_SECONDS)

    def _is_full(self) -> bool:
        pool = self._pool
        many = pool.in_flight >= _AHEAD * self._workers or pool.bytes_in_flight >= _BYTES
        return many or len(self._window) >= _WINDOW * self._workers

    def _drain(self) -> None:
        while self._pool.in_flight:
            self._collect(_POLL_SECONDS)

    def _collect(self, seconds: float) -> bool:
        """Settle the next outcome, if one comes in time, and save what is due; returns whether one came."""
        outcome = self._pool.take(seconds)
        if outcome is not None:
            self._settle(outcome)
        if self._now() - self._saved_at > _SAVE_SECONDS or self._reject_bytes > _SAVE_REJECT_BYTES:
            self._save()
        return outcome is not None

    def _settle(self, outcome: Outcome) -> None:
        """Count an outcome and move the window; an outcome with an error stops the run."""
        counts = self.counts
        counts.rows_sent += outcome.sent
        counts.rows_rejected += len(outcome.request.rejects) + len(outcome.rejects)
        counts.rows_held += outcome.held
        counts.requests += outcome.requests
        counts.retries += outcome.retries
        counts.attributes_sent += outcome.attributes
        counts.data_points += outcome.data_points
        if outcome.error:
            self.fail(outcome.error)
        self._window.close(outcome)
        self._take(self._window.release())
        self._observer.advance(counts)

    def _take(self, released: Released | None) -> None:
        if released:
            self._released.mark = released.mark
            self._released.rows_sent += released.rows_sent
            self._released.rejects += released.rejects
            self._reject_bytes += sum(_REJECT_BYTES + len(each.payload or b"") for each in released.rejects)

    def _save(self, unpassed: Sequence[Reject] = (), *, done: bool = False) -> None:
        """Write the progress since the last save, with the rejects that it passes and others."""
        step, batch = self._released, self._batch.id
        entries = []
        if done or step.mark != self._saved_mark:
            entries = [LedgerEntry(batch, step.mark, step.rows_sent, len(step.rejects), done)]
        rejects = [*step.rejects, *unpassed]
        self._saved_at = self._now()
        try:
            if entries or rejects:
                self._state.save(self._sync.unique_id, entries, {batch: rejects})
        except StoppedError as exc:
            self.fail(exc)
            return
        self._released = Released(step.mark)
        self._saved_mark = step.mark
        self._reject_bytes = 0
