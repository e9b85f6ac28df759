"""What the runner needs from a warehouse."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class Warehouse(Protocol):
    """The user's own dbt adapter, connected.

    Every method may be called from several threads at once, also while the rows of ``stream`` are taken; each thread
    has a connection of its own. What the warehouse refuses, and a connection that is lost, raises StoppedError, in
    whose text there is no value of the data. Texts come as ``pa.string()`` or str, moments as UTC without a zone;
    column names may come in upper case.
    """

    adapter_type: str
    """dbt's name of the adapter, such as ``duckdb``."""
    database: str
    """Database of the dbt target."""
    schema: str
    """Schema of the dbt target."""
    types: Mapping[str, str]
    """This warehouse's names of the types that the runner creates and casts to: text, integer, time, boolean."""

    def limit_memory(self) -> None:
        """Keep what the warehouse's client holds in this process small, whatever the size of what is read."""

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one query whose result is known to be small."""

    def stream(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run one query and hand out its rows in Arrow batches of ``batch_rows`` at most, not all at once."""

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows into an existing table (a ``relation``), matching columns by name.

        The columns are texts, 64-bit integers, booleans and times in microseconds. All rows are there once this
        returns; what an error leaves may be some of them, from the first on.
        """

    def now(self) -> dt.datetime:
        """Return the time of the warehouse's own clock, in UTC without a zone."""

    def create_schema(self, schema: str) -> None:
        """Create a schema, named as SQL has it, unless it is there; the right to create one is needed only then."""

    def relation(self, schema: str, name: str, database: str | None = None) -> str:
        """Return the name of a table as dbt writes it where nobody says otherwise."""

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal, in this warehouse's own way."""

    def as_text(self, column: str, column_type: str) -> str:
        """Return the SQL of a column as text, given its type of ``column_types``: of what is no text, its JSON."""

    def md5(self, text: str) -> str:
        """Return the SQL of a text's hash, 32 hex digits in lower case, given the SQL of the text."""

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, named as SQL has it, in order; empty without it."""

    def close(self) -> None:
        """Close the connection."""


class Transactional(Warehouse, Protocol):
    """A warehouse with transactions over several statements: of those that have a module, DuckDB alone."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make one transaction of what this thread executes and appends inside; an error undoes all of it."""
