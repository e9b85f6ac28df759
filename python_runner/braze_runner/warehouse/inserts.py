"""Rows to append, in pieces that a statement can hold."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

Row = tuple[Any, ...]


def chunks(
    rows: pa.Table, size_of: Callable[[Any], int], most_rows: int, most_size: int
) -> Iterator[list[Row]]:
    """Yield the rows in order, in lists of bounded size; a row that is larger alone stands alone."""
    chunk: list[Row] = []
    size = 0
    for batch in rows.to_batches(max_chunksize=most_rows):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row_size = sum(map(size_of, row))
            if chunk and (len(chunk) >= most_rows or size + row_size > most_size):
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += row_size
    if chunk:
        yield chunk


def values_of(rows: Sequence[Row], literal: Callable[[str], str], time: str) -> str:
    """Return the rows as a VALUES list of literals; ``time`` is the type that moments are cast to."""

    def sql(value: Any) -> str:
        if value is None:
            return "null"
        if isinstance(value, dt.datetime):
            return f"cast('{value.isoformat(sep=' ', timespec='microseconds')}' as {time})"
        return literal(value) if isinstance(value, str) else str(value)

    return ", ".join(f"({', '.join(map(sql, row))})" for row in rows)


def bytes_of(value: Any) -> int:
    """Return about how many bytes a value takes in a statement."""
    return len(value.encode()) if isinstance(value, str) else 40
