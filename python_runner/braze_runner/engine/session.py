"""What every command that sends rows sets up: tables, state, lease, workers, and the record of the run."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from braze_runner.client import RateLimiter, RetryPolicy, Sender, Stop, Transport, braze_transport
from braze_runner.client.api import Api
from braze_runner.config import BrazeConfig
from braze_runner.engine.arrivals import Arrivals
from braze_runner.engine.catalogs import make_catalogs
from braze_runner.engine.garbage import collected_rarely
from braze_runner.engine.inputs import Inputs
from braze_runner.engine.observer import Observer
from braze_runner.engine.pool import WorkerPool
from braze_runner.engine.pusher import Cap, Pool, Pusher, PushSource
from braze_runner.engine.rehearsal import Rehearsal
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.source import Source
from braze_runner.engine.summary import Summary
from braze_runner.engine.unknown import Settlement
from braze_runner.errors import StoppedError
from braze_runner.plan import steps_of
from braze_runner.project import Project, Sync, read_project
from braze_runner.state import FileTables, Lease, Position, RunRecord, State, WarehouseTables, utc_now
from braze_runner.state.records import RunStatus
from braze_runner.warehouse import DbtOptions, Warehouse, connect

_LANES = ("users", "items")


@dataclass(frozen=True)
class Place:
    """A project, its warehouse, and the state of one destination."""

    project: Project
    warehouse: Warehouse
    state: State


@contextmanager
def opened(
    options: DbtOptions,
    destination: str,
    state_file: Path | None = None,
    project: Project | None = None,
    *,
    read_only: bool = False,
    must_exist: bool = False,
) -> Iterator[Place]:
    """Connect to the warehouse and to the state of a destination; raises ConfigError for what is missing.

    With ``read_only`` or ``must_exist`` a state file has to be there; with the first it is not written.
    """
    project = project or read_project(options)
    with ExitStack() as resources:
        warehouse = resources.enter_context(closing(connect(options, must_exist=True)))
        warehouse.limit_memory()
        tables = (
            WarehouseTables(warehouse, project.state)
            if state_file is None
            else resources.enter_context(
                closing(FileTables(state_file, read_only=read_only, must_exist=must_exist))
            )
        )
        yield Place(project, warehouse, State(tables, destination, uuid.uuid4().hex))


class Session:
    """One run over some syncs, in the order in which its parts are set up.

    Every table is looked at before the first request, so that one that can't be pushed stops the run before it.
    """

    def __init__(
        self,
        place: Place,
        syncs: Sequence[Sync],
        config: BrazeConfig,
        settings: PushSettings,
        observer: Observer,
        stop: Stop,
    ) -> None:
        self._state = place.state
        self._syncs = syncs
        self._config = config
        self._settings = settings
        self._observer = observer
        self._stop = stop
        self._pusher: Pusher | None = None
        self._lost: StoppedError | None = None
        arrivals = Arrivals(place.warehouse, place.project, settings.currents_wait)
        self._settlement = Settlement(place.state, arrivals, settings.unknown)
        self.inputs = Inputs(place.warehouse, place.project, syncs, settings.track_limit)
        self.summary = Summary(is_dry_run=settings.dry_run, run_id=place.state.run_id)
        self._has_state = True
        if settings.dry_run:
            self._has_state = self._state.tables.exist()
        else:
            self._state.prepare()
            self._state.bind(config.host)

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
            Sender(transport, policy, stop, limiter, settings.order_gap_for(self._config)).send,
            settings.workers,
            lambda request: limiter.rate(request.envelope.endpoint.bucket),
        )
        resources.enter_context(pool)
        # Runs first on the way out: after an error no worker may go on waiting for its next try.
        resources.callback(stop.set)
        return pool

    def send(self, pool: Pool, sources: Sequence[PushSource]) -> None:
        """Push the sources, and record each sync's run, whatever its end."""
        settings = self._settings
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
        if self._lost:
            pusher.fail(self._lost)
        self._keep_distance(pusher)
        started_at = utc_now()
        self._record({sync.unique_id: RunRecord("started", started_at) for sync in self._syncs})
        for each in self.inputs:
            pending = sum(source.pending_rows for source in sources if source.sync is each.sync)
            self._observer.start(each.sync.name, pending)
        try:
            with collected_rarely():
                pusher.push(steps_of(sources))
        finally:
            for each in self.inputs:
                self._observer.end(each.sync.name, each.counts)
        self._close(pusher, sources, started_at)

    def positions(self, sync: str) -> Mapping[str, Position]:
        """Return how far the destination has come in each batch of a sync."""
        return self._state.positions(sync) if self._has_state else {}

    def _lose(self, reason: str) -> None:
        """Stop: from now on another run may push the same syncs."""
        self._lost = StoppedError(reason)
        if self._pusher:
            self._pusher.fail(self._lost)
        self._stop.set()

    def _keep_distance(self, pusher: Pusher) -> None:
        """Keep the distance to what an earlier run had accepted a moment ago too (R2)."""
        ago = self._state.seconds_since_acceptance() if self._has_state else None
        if ago is not None:
            for lane in _LANES:
                pusher.accepted(lane, ago)

    def _record(self, records: dict[str, RunRecord]) -> None:
        if not self._settings.moves_nothing:
            for each in self.inputs:
                name = each.sync.unique_id
                self._state.record_run(name, records[name], each.counts.as_dict())

    def _close(self, pusher: Pusher, sources: Sequence[PushSource], started_at: dt.datetime) -> None:
        summary = self.summary
        summary.error = str(pusher.error) if pusher.error else None
        summary.signal = self._stop.signal
        summary.notes += self._settlement.notes()
        if self._settings.dry_run:
            summary.notes += _would_be_rejected(sources)
        if pusher.is_capped:
            summary.notes.append("The run ended at --max-data-points; what is left stays pending.")
        if self._settings.limit is not None and not self._settings.dry_run:
            summary.notes.append("With --limit nothing is recorded: what was sent stays pending too.")
        records = {}
        for each in self.inputs:
            each.counts.check()
            summary.counts.add(each.counts)
            summary.by_sync[each.sync.name] = each.counts
            of_sync = [source.newest_updated_at for source in sources if source.sync is each.sync]
            stamps = [stamp for stamp in of_sync if stamp is not None]
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


def _would_be_rejected(sources: Sequence[PushSource]) -> Iterator[str]:
    """Yield a sentence for each reason of a sync for which rows can't be sent."""
    reasons: Counter[tuple[str, str]] = Counter()
    for source in sources:
        if isinstance(source, Source):
            reasons.update({(source.sync.name, reason): number for reason, number in source.reasons.items()})
    for (sync, reason), number in reasons.most_common():
        yield f"{sync}: {number:,} rows would be rejected: {reason}"


def _status(left: int, summary: Summary) -> RunStatus:
    if summary.signal is not None:
        return "interrupted"
    if summary.error:
        return "error"
    return "partial" if left else "success"
