"""One push: from the manifest to the summary."""

import datetime as dt
import time
import uuid
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from braze_runner.client import Pause, RetryPolicy, Sender, Stop, Transport, braze_transport
from braze_runner.config import BrazeConfig
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.pool import WorkerPool
from braze_runner.engine.pusher import SyncPusher
from braze_runner.engine.reader import Batch, SyncReader
from braze_runner.engine.select import select_syncs
from braze_runner.engine.summary import Counts, Summary
from braze_runner.errors import StoppedError
from braze_runner.project import Project, Sync, read_project
from braze_runner.state import RunRecord, WarehouseState
from braze_runner.state.records import RunStatus
from braze_runner.warehouse import DbtOptions, Warehouse, connect

MAX_WORKERS = 128
# Braze advises to space changes of one user by seconds (POST /users/track).
ORDER_GAP_SECONDS = 5.0


@dataclass(frozen=True)
class PushSettings:
    """What to push and how hard; an ``order_gap`` of None is 5 seconds, and 0 on loopback."""

    select: tuple[str, ...] = ()
    workers: int = 48
    order_gap: float | None = None

    def order_gap_for(self, config: BrazeConfig) -> float:
        """Return the seconds between two batches of a sync."""
        if self.order_gap is not None:
            return self.order_gap
        return 0.0 if config.is_loopback else ORDER_GAP_SECONDS


@dataclass(frozen=True)
class _Run:
    """What the syncs of one push share."""

    state: WarehouseState
    pool: WorkerPool
    workers: int
    stop: Stop
    observer: Observer
    order_gap: float


def push(
    options: DbtOptions,
    config: BrazeConfig,
    settings: PushSettings | None = None,
    observer: Observer | None = None,
    *,
    stop: Stop | None = None,
    transport: Transport | None = None,
    policy: RetryPolicy | None = None,
) -> Summary:
    """Push every pending row of the selected syncs.

    Raises ConfigError before anything is sent. What stops the run later is in the summary, beside the counts.
    A ``stop`` ends with the push that it was given to.
    """
    settings, observer, stop = settings or PushSettings(), observer or Silent(), stop or Stop()
    project = read_project(options)
    syncs = select_syncs(project.syncs, settings.select, observer)
    with ExitStack() as resources:
        warehouse = resources.enter_context(closing(connect(options, must_exist=True)))
        warehouse.limit_memory()
        started = time.monotonic()
        readers = [(sync, SyncReader(warehouse, sync)) for sync in syncs]
        state = _open_state(warehouse, project, config)
        # All of it before the first request, so that a table that can't be pushed stops the run before it.
        pending = [reader.pending(state.positions(sync.unique_id)) for sync, reader in readers]
        transport = transport or braze_transport(config)
        resources.callback(transport.close)
        sender = Sender(transport, policy or RetryPolicy(), stop, Pause(stop.wait))
        pool = resources.enter_context(WorkerPool(sender.send, settings.workers))
        # Runs first on the way out: after an error no worker may go on waiting for its next try.
        resources.callback(stop.set)
        run = _Run(state, pool, settings.workers, stop, observer, settings.order_gap_for(config))
        summary = Summary()
        for (sync, reader), batches in zip(readers, pending, strict=True):
            _push_sync(sync, reader, batches, run, summary)
            if stop.is_set():
                break
        summary.seconds, summary.signal = time.monotonic() - started, stop.signal
    return summary


def _open_state(warehouse: Warehouse, project: Project, config: BrazeConfig) -> WarehouseState:
    """Return the destination's state for a new run; raises ConfigError when it is bound to another host."""
    state = WarehouseState(warehouse, project.state, config.destination, uuid.uuid4().hex)
    state.prepare()
    state.bind(config.host)
    return state


def _push_sync(sync: Sync, reader: SyncReader, batches: list[Batch], run: _Run, summary: Summary) -> None:
    """Push one sync and record the run, whatever its end."""
    started_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    run.state.record_run(sync.unique_id, RunRecord("started", started_at), Counts().as_dict())
    run.observer.start(sync.name, sum(batch.rows for batch in batches))
    pusher = SyncPusher(sync, reader, run.state, run.pool, run.workers, run.stop, run.observer)
    try:
        pusher.push(batches, run.order_gap)
    except StoppedError as exc:
        pusher.fail(exc)
    finally:
        run.observer.end(pusher.counts)
    counts, error = pusher.counts, str(pusher.error) if pusher.error else None
    record = RunRecord(
        status=_status(counts, error, run.stop),
        started_at=started_at,
        ended_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
        newest_updated_at=pusher.newest_updated_at,
        error=error,
    )
    # A warehouse that stopped the run may refuse this too; the first error is the one to report.
    with suppress(StoppedError) if error else ExitStack():
        run.state.record_run(sync.unique_id, record, counts.as_dict())
    counts.check()
    summary.counts.add(counts)
    summary.by_sync[sync.name] = counts
    summary.error = error


def _status(counts: Counts, error: str | None, stop: Stop) -> RunStatus:
    if stop.signal is not None:
        return "interrupted"
    if error:
        return "error"
    return "partial" if counts.rows_rejected or counts.rows_held else "success"
