"""Reads a sync table batch by batch, in ranges of ``braze_row`` that each fit in memory (R8)."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from braze_runner.errors import ConfigError
from braze_runner.plan import Identifiers
from braze_runner.project import Sync
from braze_runner.state import Position
from braze_runner.warehouse import Warehouse

# What the warehouse sorts at once, and the rows of one Arrow batch.
RANGE_ROWS = 100_000
RANGE_CHARACTERS = 8_000_000
ARROW_ROWS = 2_048
_REQUIRED = ("updated_at", "payload", "braze_batch", "braze_row")


@dataclass(frozen=True)
class Batch:
    """A batch that the destination has not acknowledged; ``rows`` counts those behind ``mark``.

    ``ranges`` is the number of equal parts of all hashes that it is read in.
    """

    id: str
    rows: int
    ranges: int
    newest_updated_at: dt.datetime
    mark: str | None = None


class SyncReader:
    """Reads one sync table."""

    def __init__(self, warehouse: Warehouse, sync: Sync) -> None:
        self._warehouse = warehouse
        place = sync.table
        schema = place.schema or warehouse.schema
        self._table = warehouse.relation(schema, place.name, place.database)
        types = warehouse.column_types(schema, place.name, place.database)
        present = {name.lower(): column_type for name, column_type in types.items()}
        if not present:
            raise ConfigError(f"Model {sync.name}: there is no table {self._table}: run dbt first.")
        missing = [name for name in _REQUIRED if name not in present]
        if missing:
            raise ConfigError(f"Model {sync.name}: its table has no column {', '.join(missing)}.")
        columns = ("braze_row", "payload", *(name for name in Identifiers._fields if name in present))
        texts = {name: warehouse.as_text(name, present[name]) for name in columns}
        self._columns = ", ".join(f"{text} as {name}" for name, text in texts.items())
        self._payload = texts["payload"]
        self._name = sync.name

    def pending(self, positions: Mapping[str, Position]) -> list[Batch]:
        """Return the batches to push, oldest first: by their first stamp, then by id."""
        time = self._warehouse.types["time"]
        rows = self._warehouse.fetch_all(
            f"select braze_batch, count(*), count(braze_row), cast(max(updated_at) as {time}), "  # noqa: S608 (quoted)
            f"min(updated_at) as oldest from {self._table} group by braze_batch order by oldest, braze_batch"
        )
        batches = []
        for batch, all_rows, named_rows, newest, _ in rows:
            if batch is None or named_rows != all_rows:
                raise ConfigError(
                    f"Model {self._name}: rows without a braze_batch or braze_row can't be pushed."
                )
            position = positions.get(batch, Position(None, done=False))
            if not position.done:
                rows_left, characters = self._measure(batch, position.mark)
                ranges = max(-(-all_rows // RANGE_ROWS), -(-characters // RANGE_CHARACTERS))
                batches.append(Batch(batch, rows_left, ranges, newest, position.mark))
        return batches

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Stream the rows behind the batch's mark, ordered by ``braze_row``."""
        condition = f"braze_batch = {self._warehouse.literal(batch.id)}"
        if batch.mark:
            condition += f" and braze_row > {self._warehouse.literal(batch.mark)}"
        for interval in _intervals(batch):
            rows = f"{self._table} where {condition}{interval} order by braze_row"
            stream = self._warehouse.stream(f"select {self._columns} from {rows}", ARROW_ROWS)  # noqa: S608
            with closing(cast("Any", stream)):
                yield from stream

    def _measure(self, batch: str, mark: str | None) -> tuple[int, int]:
        """Return the rows behind the mark, and the characters of the whole batch's payloads."""
        literal = self._warehouse.literal
        behind = f"braze_row > {literal(mark)}" if mark else "1 = 1"
        counted = f"count(case when {behind} then 1 end), sum(length({self._payload}))"
        where = f"where braze_batch = {literal(batch)}"
        rows = self._warehouse.fetch_all(f"select {counted} from {self._table} {where}")  # noqa: S608 (quoted)
        return rows[0][0], int(rows[0][1] or 0)


def _intervals(batch: Batch) -> Iterator[str]:
    """Yield conditions that together hold for every hash: equal parts of 2^32, as hashes spread evenly."""
    edges = [f"{part * 2**32 // batch.ranges:08x}" for part in range(1, batch.ranges)]
    for low, high in zip(["", *edges], [*edges, ""], strict=True):
        if batch.mark and high and high <= batch.mark:
            continue
        yield (f" and braze_row >= '{low}'" if low else "") + (f" and braze_row < '{high}'" if high else "")
