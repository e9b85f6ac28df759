"""Rows and batches of the drivers as the Arrow batches that the runner reads."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json

TIME = pa.timestamp("us")


def naive_utc(value: Any) -> Any:
    """Return a moment in UTC without a zone; anything else as it is."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def batches_of_rows(
    rows: Iterable[Sequence[Any]], schema: pa.Schema, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Gather rows of a driver into batches; a value that has no type of its own in the schema comes as text."""
    rows = iter(rows)
    while taken := list(islice(rows, batch_rows)):
        columns = [
            pa.array(map(_text if field.type == pa.string() else naive_utc, column), field.type)
            for column, field in zip(zip(*taken, strict=True), schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def table_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; a key that is missing is null.

    By way of JSON lines: ``pa.array`` and all that is built on it import pandas where it is installed, which takes
    more memory than everything that a push holds.
    """
    lines = b"\n".join(
        orjson.dumps({name: naive_utc(row[name]) for name in schema.names if name in row}) for row in rows
    )
    if not lines:
        return schema.empty_table()
    return pyarrow.json.read_json(
        pa.BufferReader(lines),
        # One block: a line can't go over the edge of one.
        pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines)),
        pyarrow.json.ParseOptions(explicit_schema=schema),
    )


def plain_batches(batch: pa.RecordBatch | pa.Table, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Cut what a driver gives as Arrow into batches of texts and of moments in UTC without a zone."""
    table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
    columns = [_plain(column) for column in table.columns]
    plain = pa.Table.from_arrays(columns, names=table.column_names)
    yield from (each for each in plain.to_batches(max_chunksize=batch_rows) if each.num_rows)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return (column.cast(pa.timestamp("us", "UTC")) if kind.tz else column).cast(TIME)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    return column
