"""Reads a sync table batch by batch, in ranges of ``braze_row`` that each fit in memory (R8)."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import pyarrow as pa

from braze_runner.errors import ConfigError
from braze_runner.plan import Planner
from braze_runner.project import Sync
from braze_runner.state import Position
from braze_runner.warehouse import Warehouse

# What the warehouse sorts at once, each time searching the whole batch for it; and the rows of one Arrow batch.
RANGE_ROWS = 150_000
RANGE_CHARACTERS = 12_000_000
ARROW_ROWS = 2_048
USER = 32
"""Digits of a user's hash, with which the keys of a table made by hand begin."""
_BOOKKEEPING = {"braze_batch", "braze_row"}
_NO_IDENTIFIERS = {"payload", "deleted", "time_of_row"}


@dataclass(frozen=True)
class Batch:
    """A batch that the destination has not acknowledged; ``rows`` counts those behind the mark.

    ``ranges`` is the number of equal parts of all hashes that it is read in, ``condition`` the SQL of its rows.
    Batches of several tables with the same ``run`` are put in order by their type.
    """

    id: str
    rows: int
    written_at: dt.datetime
    newest_updated_at: dt.datetime
    position: Position = field(default_factory=Position)
    ranges: int = 1
    condition: str = ""
    run: str = ""


class Reader(Protocol):
    """Reads one sync table."""

    def pending(self, positions: Mapping[str, Position]) -> Sequence[Batch]:
        """Return the batches to push, oldest first."""

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Stream the rows behind the batch's mark, ordered by the column ``braze_row``."""


@dataclass(frozen=True)
class SyncTable:
    """The table of one sync: its quoted name, and column -> type in lower case."""

    name: str
    columns: Mapping[str, str]

    @property
    def has_bookkeeping(self) -> bool:
        """Say whether a dbt run of this package wrote it."""
        return self.columns.keys() >= _BOOKKEEPING


def open_table(warehouse: Warehouse, sync: Sync, planner: Planner | None = None) -> SyncTable:
    """Look at a sync's table; raises ConfigError when it is missing, or lacks a column that it needs."""
    name = sync.table.relation_in(warehouse)
    columns = {column.lower(): type_ for column, type_ in warehouse.column_types(name).items()}
    if not columns:
        raise ConfigError(f"Model {sync.name}: there is no table {name}: run dbt first, with this target.")
    required = ("updated_at", *(planner.required if planner else ()))
    kept = columns.keys() & _BOOKKEEPING
    missing = [column for column in required if column not in columns]
    # With one of the two it is a log that something has damaged, and no table made by hand.
    missing += sorted(_BOOKKEEPING - kept) if kept else []
    if missing:
        raise ConfigError(f"Model {sync.name}: its table has no column {', '.join(missing)}.")
    return SyncTable(name, columns)


def selected(warehouse: Warehouse, table: SyncTable, planner: Planner) -> list[str]:
    """Return the select list for a planner: every column as text but the flag ``deleted``."""
    listed = []
    for column in planner.columns:
        if column == "deleted" and column in table.columns:
            listed.append(column)
        elif column in table.columns:
            listed.append(f"{warehouse.as_text(column, table.columns[column])} as {column}")
    return listed


def identifiers_of(table: SyncTable, planner: Planner) -> list[str]:
    """Return the columns of a table that name a user, or an item."""
    return [name for name in planner.columns if name in table.columns and name not in _NO_IDENTIFIERS]


def user_key(warehouse: Warehouse, table: SyncTable, identifiers: Sequence[str]) -> str:
    """Return the SQL of a user's hash."""
    texts = (f"coalesce({warehouse.as_text(name, table.columns[name])}, '')" for name in identifiers)
    return warehouse.md5(" || '/' || ".join(texts))


class LogReader:
    """Reads a log that this package's models wrote."""

    def __init__(self, warehouse: Warehouse, sync: Sync, table: SyncTable, planner: Planner) -> None:
        self._warehouse = warehouse
        self._table = table.name
        self._name = sync.name
        self._columns = ", ".join(["braze_row", *selected(warehouse, table, planner)])
        payload = "payload" in planner.required
        text = warehouse.as_text("payload", table.columns["payload"]) if payload else "''"
        self._size = f"sum(length({text}))"

    def pending(self, positions: Mapping[str, Position]) -> list[Batch]:
        """Return the batches to push, oldest first: by their first stamp, then by id."""
        time = self._warehouse.types["time"]
        rows = self._warehouse.fetch_all(
            "select braze_batch, count(*), count(braze_row), "  # noqa: S608 (quoted)
            f"cast(min(updated_at) as {time}) as oldest, cast(max(updated_at) as {time}) "
            f"from {self._table} group by braze_batch order by oldest, braze_batch"
        )
        batches = []
        for batch, all_rows, named_rows, oldest, newest in rows:
            if batch is None or named_rows != all_rows:
                raise ConfigError(
                    f"Model {self._name}: rows without a braze_batch or braze_row can't be pushed."
                )
            position = positions.get(batch, Position())
            if not position.done:
                left, characters = self._measure(batch, position.mark)
                ranges = max(-(-all_rows // RANGE_ROWS), -(-characters // RANGE_CHARACTERS), 1)
                condition = f"braze_batch = {self._warehouse.literal(batch)}"
                batches.append(Batch(batch, left, oldest, newest, position, ranges, condition, batch))
        return batches

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Stream the rows behind the batch's mark, ordered by ``braze_row``."""
        mark, condition = batch.position.mark, batch.condition
        if mark:
            condition += f" and braze_row > {self._warehouse.literal(mark)}"
        for interval in intervals("braze_row", batch.ranges, mark):
            rows = f"{self._table} where {condition}{interval} order by braze_row"
            yield from streamed(self._warehouse, f"select {self._columns} from {rows}")  # noqa: S608 (quoted)

    def _measure(self, batch: str, mark: str | None) -> tuple[int, int]:
        """Return the rows behind the mark, and the characters of the whole batch's payloads."""
        literal = self._warehouse.literal
        behind = f"braze_row > {literal(mark)}" if mark else "1 = 1"
        counted = f"count(case when {behind} then 1 end), {self._size}"
        where = f"where braze_batch = {literal(batch)}"
        rows = self._warehouse.fetch_all(f"select {counted} from {self._table} {where}")  # noqa: S608 (quoted)
        return rows[0][0], int(rows[0][1] or 0)


def streamed(warehouse: Warehouse, sql: str) -> Iterator[pa.RecordBatch]:
    """Stream a query with its columns' names in lower case."""
    stream = warehouse.stream(sql, ARROW_ROWS)
    with closing(cast("Any", stream)):
        for batch in stream:
            names = [name.lower() for name in batch.schema.names]
            yield batch if names == batch.schema.names else batch.rename_columns(names)


def intervals(column: str, ranges: int, mark: str | None) -> Iterator[str]:
    """Yield conditions that together hold for every hash: equal parts of 2^32, as hashes spread evenly."""
    edges = [f"{part * 2**32 // ranges:08x}" for part in range(1, ranges)]
    for low, high in zip(["", *edges], [*edges, ""], strict=True):
        if mark and high and high <= mark:
            continue
        yield (f" and {column} >= '{low}'" if low else "") + (f" and {column} < '{high}'" if high else "")
