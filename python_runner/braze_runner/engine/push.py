"""One push: from the manifest to the summary."""

import time
from contextlib import ExitStack
from dataclasses import replace

from braze_runner.client import RetryPolicy, Stop, Transport
from braze_runner.config import BrazeConfig
from braze_runner.engine.observer import Observer, Silent
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import Session, opened
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.summary import Summary
from braze_runner.errors import ConfigError
from braze_runner.project import Project, Sync, read_project
from braze_runner.warehouse import DbtOptions


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
    settings, observer, stop = settings or PushSettings(), observer or Silent(), stop or Stop()
    project = project or read_project(options)
    syncs = _selected(project, settings, observer)
    started = time.monotonic()
    with ExitStack() as resources:
        place = resources.enter_context(opened(options, config.destination, settings.state_file, project))
        session = Session(place, syncs, config, settings, observer, stop)
        pool = session.pool(resources, transport, policy)
        # Read under the lease: what is pending before it is taken, another run may be pushing.
        notes = session.summary.notes
        session.send(pool, session.inputs.sources(session.positions, settings.guard, notes.append))
        session.summary.seconds = time.monotonic() - started
    return session.summary


def _selected(project: Project, settings: PushSettings, observer: Observer) -> list[Sync]:
    """Return the syncs that a push is about, with what the settings change of them."""
    syncs = select_syncs(project.syncs, settings.select, observer, settings.exclude)
    for sync in syncs:
        # Nothing is recorded with --limit, so the next run would send them again.
        if settings.limit is not None and not settings.dry_run and sync.type in ("events", "purchases"):
            raise ConfigError(
                f"Model {sync.name}: --limit records nothing, so {sync.type} would arrive twice; "
                "choose other syncs with --select."
            )
    return [replace(sync, on_invalid=settings.on_invalid or sync.on_invalid) for sync in syncs]
