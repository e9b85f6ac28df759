"""What would be sent, to look at: the first objects of each sync, values and all."""

from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

from braze_runner.engine.inputs import Inputs
from braze_runner.engine.observer import Observer
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import opened
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.source import Source
from braze_runner.plan import Packer, steps_of
from braze_runner.warehouse import DbtOptions


class Shown(NamedTuple):
    """One request as it would go out; ``body`` is its JSON text."""

    sync: str
    method: str
    path: str
    body: str


def preview(
    options: DbtOptions, destination: str, settings: PushSettings, objects: int, observer: Observer
) -> Iterator[Shown]:
    """Yield requests with the first so many pending objects of each sync; nothing is sent or recorded."""
    with opened(options, destination, settings.state_file) as place:
        syncs = select_syncs(place.project.syncs, settings.select, observer, settings.exclude)
        inputs = Inputs(place.warehouse, place.project, syncs, settings.track_limit)
        exists = place.state.tables.exist()
        sources = inputs.sources(
            lambda sync: place.state.positions(sync) if exists else {}, settings.guard, observer.message
        )
        left = {sync.unique_id: objects for sync in syncs}
        for step in steps_of(sources):
            for source in step.batches:
                packer = Packer[Source](count(1))
                full = []
                for row in islice(source.rows(), left[source.sync.unique_id]):
                    left[source.sync.unique_id] -= 1
                    full.append(packer.add(source, row))
                for request in [*filter(None, full), *packer.flush()]:
                    envelope = request.envelope
                    body = request.body().decode(errors="backslashreplace")
                    yield Shown(source.sync.name, envelope.endpoint.method, envelope.path, body)
