"""Rejects that are sent again or dropped because somebody asked for it."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from braze_runner.client import RetryPolicy, Stop, Transport
from braze_runner.config import BrazeConfig
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.retry import Candidates, RetrySource
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import Session, opened
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.summary import Summary
from braze_runner.project import read_project
from braze_runner.state import OpenReject
from braze_runner.warehouse import DbtOptions

Chosen = Callable[[OpenReject], bool]


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
                candidates = Candidates(session.inputs.deletions, each.sync, each.table, each.planner)
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
