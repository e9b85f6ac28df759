"""What the runner needs from a warehouse."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class Warehouse(Protocol):
    """One open connection of the user's own dbt adapter.

    ``stream`` may be consumed while ``execute``, ``append`` and ``fetch_all`` are called from other threads.
    """

    adapter_type: str
    """dbt's name of the adapter, such as ``duckdb``."""
    database: str
    """Database of the dbt target."""
    schema: str
    """Schema of the dbt target."""
    types: Mapping[str, str]
    """This warehouse's names of the types that the runner creates and casts to: text, integer, time."""

    def limit_memory(self) -> None:
        """Keep what the warehouse's client holds in this process small, whatever the size of what is read."""

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one query whose result is known to be small."""

    def stream(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run one query and hand out its rows in Arrow batches of ``batch_rows`` at most, not all at once."""

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows into an existing table (``schema.name``, already quoted), matching columns by name."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make one transaction of what this thread executes and appends inside; an error undoes all of it."""

    def relation(self, schema: str, name: str, database: str | None = None) -> str:
        """Return the quoted name of a table, in this warehouse's own way."""

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal, in this warehouse's own way."""

    def column_types(self, schema: str, name: str) -> dict[str, str]:
        """Return column name -> type of an existing table, in order; empty when there is no such table."""

    def close(self) -> None:
        """Close the connection."""
