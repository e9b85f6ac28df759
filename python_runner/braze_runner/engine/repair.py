"""Rejects that are sent again or dropped because somebody asked for it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import NamedTuple

from braze_runner.client import RetryPolicy, Stop, Transport
from braze_runner.config import BrazeConfig
from braze_runner.engine.arrivals import Arrivals, payloads_of
from braze_runner.engine.candidates import Candidates
from braze_runner.engine.inputs import Input
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.past import past_of
from braze_runner.engine.retry import RetrySource
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import Place, Session, opened
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.summary import Summary
from braze_runner.project import Project, read_project
from braze_runner.state import OpenReject, State, utc_now
from braze_runner.warehouse import DbtOptions

Chosen = Callable[[OpenReject], bool]


class ByCurrents(NamedTuple):
    """How many objects have arrived, which have not, and of how many Currents says nothing (yet)."""

    arrived: int
    missing: set[tuple[str, str, str]]
    """(sync, braze_batch, braze_row) of each that Currents should hold by now and does not."""
    silent: int


def send_again(
    options: DbtOptions,
    config: BrazeConfig,
    chosen: Chosen,
    settings: PushSettings | None = None,
    observer: Observer | None = None,
    *,
    stop: Stop | None = None,
    transport: Transport | None = None,
    policy: RetryPolicy | None = None,
) -> Summary:
    """Send the open rejects of the selected syncs that ``chosen`` holds for, as far as no later row replaces them.

    Raises ConfigError, and LeaseTakenError, before anything is sent; see ``push`` for the rest.
    """
    settings, observer, stop = settings or PushSettings(), observer or Silent(), stop or Stop()
    project = read_project(options)
    syncs = select_syncs(project.syncs, settings.select, observer, settings.exclude)
    started = time.monotonic()
    with ExitStack() as resources:
        place = resources.enter_context(_opened(options, config, settings, project))
        session = Session(place, syncs, config, settings, observer, stop)
        session.summary.nothing = "There is no such row to send again."
        session.summary.held = "Some rows were not sent: see braze-runner failures list."
        pool = session.pool(resources, transport, policy)
        found = (_source(session, place, each, chosen) for each in session.inputs)
        session.send(pool, [source for source in found if source is not None])
        session.summary.seconds = time.monotonic() - started
    return session.summary


def _opened(
    options: DbtOptions, config: BrazeConfig, settings: PushSettings, project: Project
) -> AbstractContextManager[Place]:
    """Open what rejects were recorded in: a state file that is not there holds none, and is not made."""
    return opened(options, config.destination, settings.state_file, project, must_exist=True)


def _source(session: Session, place: Place, each: Input, chosen: Chosen) -> RetrySource | None:
    """Return the rejects of a sync on their way, None without any."""
    # Read twice, so that only a page of them is ever held; under the lease nobody else settles any.
    found = partial(_open, place.state, each.sync.unique_id, chosen)
    number = sum(1 for _ in found())
    if not number:
        return None
    past = past_of(place.warehouse, each.sync, each.table, each.planner)
    candidates = Candidates(session.inputs.deletions, past, place.state, each.sync, each.table)
    return RetrySource(
        each.sync,
        partial(candidates.of, found()),
        each.planner,
        each.counts,
        number,
        session.summary.notes.append,
    )


def _open(state: State, sync: str, chosen: Chosen) -> Iterator[OpenReject]:
    return filter(chosen, state.open_rejects(sync))


def drop(
    options: DbtOptions, config: BrazeConfig, chosen: Chosen, settings: PushSettings | None = None
) -> int:
    """Settle open rejects without sending them; returns how many."""
    settings = settings or PushSettings()
    project = read_project(options)
    syncs: Sequence[str] = [
        sync.unique_id for sync in select_syncs(project.syncs, settings.select, Silent(), settings.exclude)
    ]
    with _opened(options, config, settings, project) as place:
        place.state.prepare()
        rejects = [reject for sync in syncs for reject in place.state.open_rejects(sync) if chosen(reject)]
        place.state.settle((reject, "dropped") for reject in rejects)
    return len(rejects)


def by_currents(
    options: DbtOptions, config: BrazeConfig, chosen: Chosen, settings: PushSettings | None = None
) -> ByCurrents:
    """Settle the objects that have arrived by Currents."""
    settings, arrived, silent = settings or PushSettings(), 0, 0
    missing: set[tuple[str, str, str]] = set()
    project = read_project(options)
    syncs = select_syncs(project.syncs, settings.select, Silent(), settings.exclude)
    with _opened(options, config, settings, project) as place:
        arrivals = Arrivals(place.warehouse, project, settings.currents_wait)
        for sync in syncs if place.state.tables.exist() else ():
            rejects = {
                f"{each.batch}/{each.braze_row}": each
                for each in place.state.open_rejects(sync.unique_id)
                if chosen(each)
            }
            rows = [(key, each.identifier, (each.payload or "").encode()) for key, each in rejects.items()]
            sent_at = max((each.first_seen for each in rejects.values()), default=utc_now())
            told = arrivals.of(sync.type, payloads_of(rows), sent_at)
            silent += len(rejects) - len(told)
            there = [rejects[key] for key, has_arrived in told.items() if has_arrived]
            place.state.settle((reject, "arrived") for reject in there)
            arrived += len(there)
            gone = [rejects[key] for key, has_arrived in told.items() if not has_arrived]
            missing |= {(reject.sync, reject.batch, reject.braze_row) for reject in gone}
    return ByCurrents(arrived, missing, silent)
