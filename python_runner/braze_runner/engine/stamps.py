"""Reads a CDI table that was made by hand, by Cloud Data Ingestion's own rule on ``UPDATED_AT``.

Braze docs, Cloud Data Ingestion: the newest stamp that was read is kept with the number of rows that had it. The
next run takes what is newer, and the rows with that very stamp too once there are more of them. What appears later
with an older stamp is never read, as in Cloud Data Ingestion.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from braze_runner.engine.reader import Batch, SyncTable, selected, streamed
from braze_runner.errors import ConfigError
from braze_runner.plan import Planner
from braze_runner.project import Sync
from braze_runner.state import Position
from braze_runner.warehouse import Warehouse

BATCH = "updated_at"
"""The one batch of such a table; it never ends."""
_FORM = "%Y-%m-%dT%H:%M:%S.%f"


class StampReader:
    """Reads by stamp; a row's key is its stamp, so progress stands between stamps."""

    unique_keys = False

    def __init__(self, warehouse: Warehouse, sync: Sync, table: SyncTable, planner: Planner) -> None:
        self._warehouse = warehouse
        self._table = table.name
        self._name = sync.name
        self._time = f"cast(updated_at as {warehouse.types['time']})"
        self._columns = ", ".join([f"{self._time} as stamp", *selected(warehouse, table, planner)])

    def pending(self, positions: Mapping[str, Position]) -> list[Batch]:
        """Return what is new as one batch, or nothing."""
        position = positions.get(BATCH, Position())
        after = position.mark
        rows_known = _rows_at(position.detail, after)
        if after and rows_known and self._count(f"= {self._literal(after)}") > rows_known:
            # All rows of that stamp again: which of them are the new ones, nobody can say.
            after = _before(after)
        condition = f"where updated_at > {self._literal(after)}" if after else ""
        [(rows, oldest, newest, without)] = self._warehouse.fetch_all(
            f"select count(*), min({self._time}), max({self._time}), "  # noqa: S608 (quoted)
            f"sum(case when updated_at is null then 1 else 0 end) from {self._table} {condition}"
        )
        if without:
            raise ConfigError(f"Model {self._name}: rows without UPDATED_AT can't be pushed.")
        if not rows:
            return []
        newest_rows = self._count(f"= {self._literal(newest.strftime(_FORM))}")
        # Padded, so that the newest of several texts is the greatest.
        known = {"stamp": newest.strftime(_FORM), "rows": f"{newest_rows:015d}"}
        detail = orjson.dumps(known).decode()
        behind = Position(after, intents=position.intents)
        return [Batch(BATCH, rows, oldest, newest, behind, detail=detail)]

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Stream the rows behind the mark, up to the newest stamp of when they were counted."""
        condition = f"updated_at <= {self._literal(batch.newest_updated_at.strftime(_FORM))}"
        if batch.position.mark:
            condition += f" and updated_at > {self._literal(batch.position.mark)}"
        rows = f"{self._table} where {condition} order by updated_at"
        for each in streamed(self._warehouse, f"select {self._columns} from {rows}"):  # noqa: S608 (quoted)
            yield _keyed(each)

    def _count(self, condition: str) -> int:
        rows = self._warehouse.fetch_all(
            f"select count(*) from {self._table} where updated_at {condition}"  # noqa: S608 (quoted)
        )
        return int(rows[0][0])

    def _literal(self, stamp: str) -> str:
        return f"cast({self._warehouse.literal(stamp.replace('T', ' '))} as {self._warehouse.types['time']})"


def _keyed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put the stamp's text in as ``braze_row``, which sorts like the stamp, and as the time of an event."""
    stamps = pc.strftime(batch.column("stamp").cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
    others: list[Any] = [name for name in batch.schema.names if name != "stamp"]
    times = pc.binary_join_element_wise(stamps, "Z", "")
    columns = [stamps, times, *(batch.column(name) for name in others)]
    return pa.RecordBatch.from_arrays(columns, names=["braze_row", "time_of_row", *others])


def _rows_at(detail: str | None, stamp: str | None) -> int:
    """Return how many rows had the stamp when it was read to the end; 0 if that is not known."""
    known = orjson.loads(detail) if detail else {}
    return int(known["rows"]) if known and known["stamp"] == stamp else 0


def _before(stamp: str) -> str:
    moment = dt.datetime.strptime(stamp, _FORM) - dt.timedelta(microseconds=1)  # noqa: DTZ007 (UTC without a zone)
    return moment.strftime(_FORM)
