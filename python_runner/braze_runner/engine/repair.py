"""Rejects that are sent again or dropped because somebody asked for it."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from braze_runner.client import RetryPolicy, Stop, Transport
from braze_runner.config import BrazeConfig
from braze_runner.engine.arrivals import Arrivals, payloads_of
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.retry import Candidates, RetrySource
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import Session, opened
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.summary import Summary
from braze_runner.project import read_project
from braze_runner.state import OpenReject, utc_now
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
        place = resources.enter_context(opened(options, config.destination, settings.state_file, project))
        session = Session(place, syncs, config, settings, observer, stop)
        pool = session.pool(resources, transport, policy)
        sources = []
        for each in session.inputs:
            rejects = [reject for reject in place.state.open_rejects(each.sync.unique_id) if chosen(reject)]
            if rejects:
                candidates = Candidates(
                    session.inputs.deletions, place.state, each.sync, each.table, each.planner
                )
                sources.append(
                    RetrySource(
                        each.sync,
                        partial(candidates.of, rejects),
                        each.planner,
                        each.counts,
                        len(rejects),
                        session.summary.notes.append,
                    )
                )
        session.send(pool, sources)
        session.summary.seconds = time.monotonic() - started
    return session.summary


def drop(
    options: DbtOptions, config: BrazeConfig, chosen: Chosen, settings: PushSettings | None = None
) -> int:
    """Settle open rejects without sending them; returns how many."""
    settings = settings or PushSettings()
    project = read_project(options)
    syncs: Sequence[str] = [
        sync.unique_id for sync in select_syncs(project.syncs, settings.select, Silent(), settings.exclude)
    ]
    with opened(options, config.destination, settings.state_file, project) as place:
        place.state.prepare()
        rejects = [reject for sync in syncs for reject in place.state.open_rejects(sync) if chosen(reject)]
        for reject in rejects:
            place.state.settle(reject, "dropped")
    return len(rejects)


def by_currents(
    options: DbtOptions, config: BrazeConfig, chosen: Chosen, settings: PushSettings | None = None
) -> ByCurrents:
    """Settle the objects that have arrived by Currents."""
    settings, arrived, silent = settings or PushSettings(), 0, 0
    missing: set[tuple[str, str, str]] = set()
    project = read_project(options)
    syncs = select_syncs(project.syncs, settings.select, Silent(), settings.exclude)
    with opened(options, config.destination, settings.state_file, project) as place:
        arrivals = Arrivals(place.warehouse, project, settings.currents_wait)
        for sync in syncs if place.state.tables.exist() else ():
            rejects = {
                f"{each.batch}/{each.braze_row}": each
                for each in place.state.open_rejects(sync.unique_id)
                if chosen(each)
            }
            rows = [(key, each.identifier, (each.payload or "").encode()) for key, each in rejects.items()]
            sent_at = max((each.first_seen for each in rejects.values()), default=utc_now())
            answers = arrivals.of(sync.type, payloads_of(rows), sent_at)
            silent += len(rejects) - len(answers)
            for key, has_arrived in answers.items():
                reject = rejects[key]
                if has_arrived:
                    arrived += 1
                    place.state.settle(reject, "arrived")
                else:
                    missing.add((reject.sync, reject.batch, reject.braze_row))
    return ByCurrents(arrived, missing, silent)
