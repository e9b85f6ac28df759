"""Takes made-up events and writes them as Currents would: by hour of queueing, some late, some twice."""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro

from braze_runner.currents import catalogue, layout

DAY = 86_400
HOUR = 3_600
FLUSH_EVENTS = 15_000
LATE_SHARE = 0.01
TWICE_SHARE = 0.005
FUTURE_FIELD = "example_future_field"

# Hours that go into one file: few for busy types, a day for the rest, to keep the number of files sane.
BUSY = {
    "users.messages.email.Send": 4,
    "users.messages.email.Delivery": 4,
    "users.messages.email.Open": 4,
    "users.messages.email.Click": 6,
    "users.behaviors.app.SessionStart": 4,
    "users.behaviors.app.SessionEnd": 4,
    "users.behaviors.CustomEvent": 6,
    "users.behaviors.Purchase": 6,
}


@dataclass(slots=True)
class Summary:
    """What was written; ``events`` counts duplicates too."""

    files: int = 0
    events: int = 0
    duplicates: int = 0
    late: int = 0
    by_type: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Holds events until the day they are queued has passed, then writes that day's files."""

    def __init__(self, root: Path, start: int, days: int, rng: random.Random) -> None:
        self.summary = Summary()
        self.start = start
        self.days = days
        self._root = root
        self._rng = rng
        self._queued: dict[int, dict[tuple[str, int], list[dict[str, Any]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._schemas: dict[tuple[str, int], Any] = {}
        self._offset = 0

    def emit(self, event_type: str, at: int, *parts: Mapping[str, Any]) -> None:
        """Record one event of the time ``at`` (Unix seconds); what is queued after the last day is lost."""
        rng = self._rng
        row: dict[str, Any] = {"id": unique_id(rng), "time": at}
        for part in parts:
            row.update(part)
        queued = at
        if rng.random() < LATE_SHARE:
            queued += int(HOUR + 71 * HOUR * rng.random() ** 3)
            self.summary.late += 1
        self._put(event_type, queued, row)
        if rng.random() < TWICE_SHARE:
            self._put(
                event_type, queued if rng.random() < 0.5 else queued + int(30 * HOUR * rng.random()), row
            )
            self.summary.duplicates += 1

    def finish_day(self, day: int) -> None:
        """Write the files of a day for which no event can come any more."""
        for (event_type, hour), rows in sorted(self._queued.pop(day, {}).items()):
            version = self._version(day, hour)
            for first in range(0, len(rows), FLUSH_EVENTS):
                self._write(event_type, hour, version, rows[first : first + FLUSH_EVENTS])

    def _put(self, event_type: str, queued: int, row: dict[str, Any]) -> None:
        day, second = divmod(queued - self.start, DAY)
        if 0 <= day < self.days:
            width = BUSY.get(event_type, 24) * HOUR
            # A file carries the hour in which its last event was queued.
            hour = self.start + day * DAY + second // width * width + width - HOUR
            self._queued[day][event_type, hour].append(row)

    def _version(self, day: int, hour: int) -> int:
        """Return the Currents version of a file: three releases, and in a few files one yet unknown."""
        newest = catalogue.newest_version()
        if day >= self.days - 2 and hour // HOUR % 24 < 4:
            return newest + 1
        return (newest - 4, newest - 1, newest)[min(2, 3 * day // self.days)]

    def _schema(self, event_type: str, version: int) -> Any:
        key = (event_type, version)
        if key not in self._schemas:
            schema = catalogue.events()[event_type].avro_schema(version)
            if version > catalogue.newest_version():
                future = {"name": FUTURE_FIELD, "type": ["null", "string"], "default": None}
                schema["fields"].append(future)
            self._schemas[key] = fastavro.parse_schema(schema)
        return self._schemas[key]

    def _write(self, event_type: str, hour: int, version: int, rows: list[dict[str, Any]]) -> None:
        self._offset += 1
        path = self._root / layout.build(
            event_type, datetime.fromtimestamp(hour, UTC), version, 0, self._offset
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        # Both codecs that are common; the level is zlib's lowest, for speed.
        codec, level = ("deflate", 1) if version < catalogue.newest_version() - 1 else ("snappy", None)
        with path.open("wb") as stream:
            fastavro.writer(
                stream,
                self._schema(event_type, version),
                rows,
                codec=codec,
                codec_compression_level=level,
                sync_marker=self._rng.randbytes(16),
            )
        self.summary.files += 1
        self.summary.events += len(rows)
        self.summary.by_type[event_type] = self.summary.by_type.get(event_type, 0) + len(rows)


def unique_id(rng: random.Random) -> str:
    """Return an id of the form of a UUID, from the generator's own randomness."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
