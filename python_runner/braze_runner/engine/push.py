"""One push: from the manifest to the summary."""

import datetime as dt
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from braze_runner.client import RateLimiter, RetryPolicy, Sender, Stop, Transport, braze_transport
from braze_runner.client.api import Api
from braze_runner.config import BrazeConfig
from braze_runner.engine.catalogs import make_catalogs
from braze_runner.engine.deletions import DeletionGuard, Deletions
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.pool import WorkerPool
from braze_runner.engine.pusher import Cap, Pool, Pusher
from braze_runner.engine.reader import LogReader, Reader, SyncTable, open_table
from braze_runner.engine.rehearsal import Rehearsal
from braze_runner.engine.select import select_syncs
from braze_runner.engine.source import Source
from braze_runner.engine.stamps import StampReader
from braze_runner.engine.summary import Counts, Summary
from braze_runner.engine.unknown import Settlement
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.plan import Planner, Step, planner_for, steps_of
from braze_runner.plan.planners import TrackLimit
from braze_runner.project import Project, Sync, read_project
from braze_runner.state import FileTables, Lease, RunRecord, State, Tables, WarehouseTables, utc_now
from braze_runner.state.records import RunStatus
from braze_runner.warehouse import DbtOptions, Warehouse, connect

MAX_WORKERS = 128
# Braze advises to space changes of one user by seconds (POST /users/track).
ORDER_GAP_SECONDS = 5.0


@dataclass(frozen=True)
class PushSettings:
    """What to push and how hard.

    An ``order_gap`` of None is 5 seconds, and 0 on loopback. ``share`` is the part of Braze's allowances to use.
    ``unknown`` says what becomes of objects that may have arrived and count each time. ``state_file`` holds the
    state in place of the warehouse.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workers: int = MAX_WORKERS
    order_gap: float | None = None
    share: float = 1.0
    track_limit: TrackLimit = "total"
    unknown: Literal["hold", "resend"] = "hold"
    guard: DeletionGuard = DeletionGuard()
    dry_run: bool = False
    limit: int | None = None
    max_data_points: int | None = None
    state_file: Path | None = None
    enforce_limits: bool | None = None

    def order_gap_for(self, config: BrazeConfig) -> float:
        """Return the seconds between two steps."""
        if self.order_gap is not None:
            return self.order_gap
        return 0.0 if config.is_loopback or self.dry_run else ORDER_GAP_SECONDS

    @property
    def moves_nothing(self) -> bool:
        """Say whether what is sent stays pending."""
        return self.dry_run or self.limit is not None


def push(
    options: DbtOptions,
    config: BrazeConfig,
    settings: PushSettings | None = None,
    observer: Observer | None = None,
    *,
    stop: Stop | None = None,
    transport: Transport | None = None,
    policy: RetryPolicy | None = None,
    project: Project | None = None,
) -> Summary:
    """Push every pending row of the selected syncs.

    Raises ConfigError, and LeaseTakenError, before anything is sent. What stops the run later is in the summary,
    beside the counts. A ``stop`` ends with the push that it was given to.
    """
    run = _Run(options, config, settings or PushSettings(), observer or Silent(), stop or Stop())
    with ExitStack() as resources:
        run.open(project or read_project(options), resources)
        return run.push(resources, transport, policy)


class _Run:
    """What the parts of one push share, set up in order."""

    def __init__(
        self, options: DbtOptions, config: BrazeConfig, settings: PushSettings, observer: Observer, stop: Stop
    ) -> None:
        self._options = options
        self._config = config
        self._settings = settings
        self._observer = observer
        self._stop = stop
        self._summary = Summary(run_id=uuid.uuid4().hex, is_dry_run=settings.dry_run)

    def open(self, project: Project, resources: ExitStack) -> None:
        """Look at every table before the first request, so that one that can't be pushed stops the run before it."""
        settings = self._settings
        self._project = project
        self._syncs = select_syncs(project.syncs, settings.select, self._observer, settings.exclude)
        if settings.limit is not None and not settings.dry_run:
            _refuse_limit(self._syncs)
        self._warehouse = resources.enter_context(closing(connect(self._options, must_exist=True)))
        self._warehouse.limit_memory()
        self._started = time.monotonic()
        self._planners = {sync.unique_id: planner_for(sync, settings.track_limit) for sync in self._syncs}
        self._tables = {
            sync.unique_id: open_table(self._warehouse, sync, self._planners[sync.unique_id])
            for sync in self._syncs
        }
        self._state = State(self._open_tables(resources), self._config.destination, self._summary.run_id)
        if settings.dry_run:
            self._known = self._state.tables.exist()
            return
        self._known = True
        self._state.prepare()
        self._state.bind(self._config.host)

    def push(self, resources: ExitStack, transport: Transport | None, policy: RetryPolicy | None) -> Summary:
        """Push, and record each sync's run, whatever its end."""
        settings, summary, stop = self._settings, self._summary, self._stop
        limiter = RateLimiter(stop, settings.share, enforce=self._enforces_limits)
        if settings.dry_run:
            pool: Pool = Rehearsal()
        else:
            transport = transport or braze_transport(self._config)
            resources.callback(transport.close)
            lease = Lease(self._state, [sync.unique_id for sync in self._syncs], self._lose)
            resources.enter_context(lease)
            policy = policy or RetryPolicy()
            make_catalogs(self._syncs, Api(transport, stop, policy), self._observer)
            sender = Sender(transport, _with(policy, settings), stop, limiter)
            pool = WorkerPool(
                sender.send, settings.workers, lambda request: limiter.rate(request.envelope.endpoint.bucket)
            )
            resources.enter_context(pool)
            # Runs first on the way out: after an error no worker may go on waiting for its next try.
            resources.callback(stop.set)
        counts = {sync.unique_id: Counts() for sync in self._syncs}
        steps = steps_of(self._sources(counts))
        settlement = Settlement(self._warehouse, self._project, settings.unknown)
        pusher = Pusher(
            pool,
            None if settings.moves_nothing else self._state,
            stop,
            self._observer,
            settlement.decisions,
            settings.order_gap_for(self._config),
            Cap(settings.limit, settings.max_data_points),
            may_repeat_all=settings.dry_run,
        )
        self._pusher = pusher
        self._remember_last_run(pusher)
        started_at = utc_now()
        self._record({sync.unique_id: RunRecord("started", started_at) for sync in self._syncs}, counts)
        pending = {sync.unique_id: 0 for sync in self._syncs}
        for step in steps:
            for source in step.batches:
                pending[source.sync.unique_id] += source.pending.rows
        for sync in self._syncs:
            self._observer.start(sync.name, pending[sync.unique_id])
        try:
            pusher.push(steps)
        finally:
            for sync in self._syncs:
                self._observer.end(sync.name, counts[sync.unique_id])
        self._close(steps, counts, started_at)
        summary.notes += settlement.notes()
        if pusher.is_capped:
            summary.notes.append("The run ended at --max-data-points; what is left stays pending.")
        summary.seconds = time.monotonic() - self._started
        return summary

    def _lose(self, reason: str) -> None:
        self._pusher.fail(StoppedError(reason))

    @property
    def _enforces_limits(self) -> bool:
        if self._settings.enforce_limits is not None:
            return self._settings.enforce_limits
        return not self._config.is_loopback

    def _open_tables(self, resources: ExitStack) -> Tables:
        if self._settings.state_file is None:
            return WarehouseTables(self._warehouse, self._project.state)
        return resources.enter_context(closing(FileTables(self._settings.state_file)))

    def _sources(self, counts: dict[str, Counts]) -> list[Source]:
        """Return every pending batch, minus those that are refused as a whole."""
        sources = []
        deletions = Deletions(self._warehouse, self._project.syncs)
        for sync in self._syncs:
            planner, table = self._planners[sync.unique_id], self._tables[sync.unique_id]
            reader = _reader_for(self._warehouse, sync, table, planner)
            positions = self._state.positions(sync.unique_id) if self._known else {}
            batches = reader.pending(positions)
            if sync.type == "deletes" and self._is_refused(
                sync, sum(each.rows for each in batches), deletions
            ):
                counts[sync.unique_id].rows_read = counts[sync.unique_id].rows_held = sum(
                    each.rows for each in batches
                )
                continue
            for batch in batches:
                dropped: Callable[[], frozenset[str]] = frozenset
                if sync.type == "deletes":
                    dropped = lambda table=table, batch=batch: deletions.of_users_who_returned(table, batch)  # type: ignore[misc]  # noqa: E731
                sources.append(Source(sync, batch, reader, planner, counts[sync.unique_id], dropped))
        return sources

    def _is_refused(self, sync: Sync, rows: int, deletions: Deletions) -> bool:
        problem = self._settings.guard.problem(sync.name, rows, deletions.users_known() if rows else 0)
        if problem:
            self._summary.notes.append(problem)
            self._observer.message(problem)
        return bool(problem)

    def _remember_last_run(self, pusher: Pusher) -> None:
        """Keep the distance to what an earlier run had accepted a moment ago (R2)."""
        newest = self._state.newest_acceptance() if self._known else None
        if newest is not None:
            ago = max(0.0, (utc_now() - newest).total_seconds())
            for lane in ("users", "items"):
                pusher.accepted(lane, ago)

    def _record(self, records: dict[str, RunRecord], counts: dict[str, Counts]) -> None:
        if not self._settings.moves_nothing:
            for sync, record in records.items():
                self._state.record_run(sync, record, counts[sync].as_dict())

    def _close(self, steps: list[Step[Source]], counts: dict[str, Counts], started_at: dt.datetime) -> None:
        summary, error = self._summary, self._pusher.error
        summary.error, summary.signal = str(error) if error else None, self._stop.signal
        newest: dict[str, dt.datetime] = {}
        for step in steps:
            for source in step.batches:
                if source.is_done:
                    name, stamp = source.sync.unique_id, source.pending.newest_updated_at
                    newest[name] = max(stamp, newest.get(name, stamp))
        records = {}
        for sync in self._syncs:
            of_sync = counts[sync.unique_id]
            of_sync.check()
            summary.counts.add(of_sync)
            summary.by_sync[sync.name] = of_sync
            records[sync.unique_id] = RunRecord(
                status=_status(of_sync, summary),
                started_at=started_at,
                ended_at=utc_now(),
                newest_updated_at=newest.get(sync.unique_id),
                error=summary.error,
            )
        # A warehouse that stopped the run may refuse this too; the first error is the one to report.
        with suppress(StoppedError) if error else ExitStack():
            self._record(records, counts)


def _refuse_limit(syncs: list[Sync]) -> None:
    """A run with --limit records nothing, so an event would be sent again by the next one."""
    for sync in syncs:
        if sync.type in ("events", "purchases"):
            raise ConfigError(
                f"Model {sync.name}: --limit records nothing, so {sync.type} would arrive twice; name other syncs with --select."
            )


def _with(policy: RetryPolicy, settings: PushSettings) -> RetryPolicy:
    return replace(policy, resend_unknown=settings.unknown == "resend")


def _reader_for(warehouse: Warehouse, sync: Sync, table: SyncTable, planner: Planner) -> Reader:
    kind = LogReader if table.has_bookkeeping else StampReader
    return kind(warehouse, sync, table, planner)


def _status(counts: Counts, summary: Summary) -> RunStatus:
    if summary.signal is not None:
        return "interrupted"
    if summary.error:
        return "error"
    return "partial" if counts.rows_rejected or counts.rows_held else "success"
