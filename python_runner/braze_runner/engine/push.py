"""One push: from the manifest to the summary."""

import datetime as dt
import time
import uuid
from contextlib import ExitStack, closing, suppress
from dataclasses import replace

from braze_runner.client import RateLimiter, RetryPolicy, Sender, Stop, Transport, braze_transport
from braze_runner.client.api import Api
from braze_runner.config import BrazeConfig
from braze_runner.engine.catalogs import make_catalogs
from braze_runner.engine.inputs import Inputs
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.pool import WorkerPool
from braze_runner.engine.pusher import Cap, Pool, Pusher
from braze_runner.engine.rehearsal import Rehearsal
from braze_runner.engine.select import select_syncs
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.source import Source
from braze_runner.engine.summary import Summary
from braze_runner.engine.unknown import Settlement
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.plan import steps_of
from braze_runner.project import Project, Sync, read_project
from braze_runner.state import FileTables, Lease, Position, RunRecord, State, WarehouseTables, utc_now
from braze_runner.state.records import RunStatus
from braze_runner.warehouse import DbtOptions, Warehouse, connect

_LANES = ("users", "items")


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
    run = _Run(config, settings or PushSettings(), observer or Silent(), stop or Stop())
    started = time.monotonic()
    with ExitStack() as resources:
        project = project or read_project(options)
        syncs = run.select(project)
        warehouse = resources.enter_context(closing(connect(options, must_exist=True)))
        warehouse.limit_memory()
        run.open(project, warehouse, syncs, resources)
        run.send(run.pool(resources, transport, policy))
        run.summary.seconds = time.monotonic() - started
    return run.summary


def open_state(
    warehouse: Warehouse, project: Project, settings: PushSettings, destination: str, run_id: str
) -> tuple[State, ExitStack]:
    """Return a destination's state, and what closes it."""
    resources = ExitStack()
    if settings.state_file is None:
        return State(WarehouseTables(warehouse, project.state), destination, run_id), resources
    tables = resources.enter_context(closing(FileTables(settings.state_file)))
    return State(tables, destination, run_id), resources


class _Run:
    """The parts of one push, in the order in which they are set up."""

    def __init__(self, config: BrazeConfig, settings: PushSettings, observer: Observer, stop: Stop) -> None:
        self._config = config
        self._settings = settings
        self._observer = observer
        self._stop = stop
        self._pusher: Pusher | None = None
        self.summary = Summary(is_dry_run=settings.dry_run, run_id=uuid.uuid4().hex)

    def select(self, project: Project) -> list[Sync]:
        """Return the syncs that this push is about."""
        settings = self._settings
        syncs = select_syncs(project.syncs, settings.select, self._observer, settings.exclude)
        for sync in syncs:
            # Nothing is recorded with --limit, so the next run would send them again.
            if settings.limit is not None and not settings.dry_run and sync.type in ("events", "purchases"):
                raise ConfigError(
                    f"Model {sync.name}: --limit records nothing, so {sync.type} would arrive twice; "
                    "choose other syncs with --select."
                )
        if settings.on_invalid:
            syncs = [replace(sync, on_invalid=settings.on_invalid) for sync in syncs]
        return syncs

    def open(self, project: Project, warehouse: Warehouse, syncs: list[Sync], resources: ExitStack) -> None:
        """Look at every table before the first request, so that one that can't be pushed stops the run before it."""
        self._syncs = syncs
        self._settlement = Settlement(warehouse, project, self._settings.unknown)
        self._inputs = Inputs(warehouse, project, syncs, self._settings.track_limit)
        self._state, closing_state = open_state(
            warehouse, project, self._settings, self._config.destination, self.summary.run_id
        )
        resources.enter_context(closing_state)
        if self._settings.dry_run:
            self._has_state = self._state.tables.exist()
            return
        self._state.prepare()
        self._state.bind(self._config.host)
        self._has_state = True

    def pool(self, resources: ExitStack, transport: Transport | None, policy: RetryPolicy | None) -> Pool:
        """Take the lease, and return the workers; of a dry run, what stands in for them."""
        settings, stop = self._settings, self._stop
        if settings.dry_run:
            return Rehearsal()
        transport = transport or braze_transport(self._config)
        resources.callback(transport.close)
        resources.enter_context(Lease(self._state, [sync.unique_id for sync in self._syncs], self._lose))
        policy = replace(policy or RetryPolicy(), resend_unknown=settings.unknown == "resend")
        make_catalogs(self._syncs, Api(transport, stop, policy), self._observer)
        limiter = RateLimiter(stop, settings.share, enforce=settings.enforces_limits_of(self._config))
        pool = WorkerPool(
            Sender(transport, policy, stop, limiter).send,
            settings.workers,
            lambda request: limiter.rate(request.envelope.endpoint.bucket),
        )
        resources.enter_context(pool)
        # Runs first on the way out: after an error no worker may go on waiting for its next try.
        resources.callback(stop.set)
        return pool

    def send(self, pool: Pool) -> None:
        """Push what is pending, and record each sync's run, whatever its end."""
        settings = self._settings
        sources = self._inputs.sources(self._positions, settings.guard, self._refuse)
        pusher = self._pusher = Pusher(
            pool,
            None if settings.moves_nothing else self._state,
            self._stop,
            self._observer,
            self._settlement.decisions,
            settings.order_gap_for(self._config),
            Cap(settings.limit, settings.max_data_points),
            may_repeat_all=settings.dry_run,
        )
        self._keep_distance(pusher)
        started_at = utc_now()
        self._record({sync.unique_id: RunRecord("started", started_at) for sync in self._syncs})
        for each in self._inputs:
            pending = sum(source.pending.rows for source in sources if source.sync is each.sync)
            self._observer.start(each.sync.name, pending)
        try:
            pusher.push(steps_of(sources))
        finally:
            for each in self._inputs:
                self._observer.end(each.sync.name, each.counts)
        self._close(pusher, sources, started_at)

    def _positions(self, sync: str) -> dict[str, Position]:
        return self._state.positions(sync) if self._has_state else {}

    def _refuse(self, problem: str) -> None:
        self.summary.notes.append(problem)

    def _lose(self, reason: str) -> None:
        """Stop: from now on another run may push the same syncs."""
        if self._pusher:
            self._pusher.fail(StoppedError(reason))
        self._stop.set()

    def _keep_distance(self, pusher: Pusher) -> None:
        """Keep the distance to what an earlier run had accepted a moment ago too (R2)."""
        newest = self._state.newest_acceptance() if self._has_state else None
        if newest is not None:
            ago = max(0.0, (utc_now() - newest).total_seconds())
            for lane in _LANES:
                pusher.accepted(lane, ago)

    def _record(self, records: dict[str, RunRecord]) -> None:
        if not self._settings.moves_nothing:
            for each in self._inputs:
                name = each.sync.unique_id
                self._state.record_run(name, records[name], each.counts.as_dict())

    def _close(self, pusher: Pusher, sources: list[Source], started_at: dt.datetime) -> None:
        summary = self.summary
        summary.error = str(pusher.error) if pusher.error else None
        summary.signal = self._stop.signal
        summary.notes += self._settlement.notes()
        if pusher.is_capped:
            summary.notes.append("The run ended at --max-data-points; what is left stays pending.")
        records = {}
        for each in self._inputs:
            each.counts.check()
            summary.counts.add(each.counts)
            summary.by_sync[each.sync.name] = each.counts
            stamps = [
                source.pending.newest_updated_at
                for source in sources
                if source.sync is each.sync and source.is_done
            ]
            records[each.sync.unique_id] = RunRecord(
                status=_status(each.counts.rows_rejected + each.counts.rows_held, summary),
                started_at=started_at,
                ended_at=utc_now(),
                newest_updated_at=max(stamps, default=None),
                error=summary.error,
            )
        # A warehouse that stopped the run may refuse this too; the first error is the one to report.
        with suppress(StoppedError) if summary.error else ExitStack():
            self._record(records)


def _status(left: int, summary: Summary) -> RunStatus:
    if summary.signal is not None:
        return "interrupted"
    if summary.error:
        return "error"
    return "partial" if left else "success"
