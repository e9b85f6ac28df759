"""What the warehouses have in common that a client reaches over the network."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa

from braze_runner.warehouse.connections import Connections
from braze_runner.warehouse.inserts import Row
from braze_runner.warehouse.refusals import refusals


class AdapterWarehouse(ABC):
    """A warehouse behind a dbt profile; see ``Warehouse`` for what each method promises."""

    adapter_type: str
    label: ClassVar[str]
    """The warehouse's name in an error."""
    types: ClassVar[dict[str, str]]
    quote: ClassVar[str]
    now_sql: ClassVar[str]
    structured: ClassVar[tuple[str, ...]] = ()
    """How the types begin, in lower case, whose text is not what a cast gives."""
    structured_text: ClassVar[str] = ""
    """The SQL of their text."""

    def __init__(self, open_handle: Callable[[], Any], credentials: Any) -> None:
        self.database: str = credentials.database
        self.schema: str = credentials.schema
        self._open_handle = open_handle
        self._connections = Connections(self._open)
        # What is wrong with the profile shows now.
        self._connections.own()

    def limit_memory(self) -> None:  # noqa: B027 (nothing to do)
        """No more than some batches are fetched at once, as it is."""

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        with self._statement(sql) as handle:
            self._execute(handle, sql)

    def fetch_all(self, sql: str) -> list[Row]:
        """Run one query whose result is known to be small."""
        with self._statement(sql) as handle:
            return self._fetch(handle, sql)

    def stream(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run one query and hand out its rows in Arrow batches, read by a connection that nothing else uses."""
        with refusals(self.label, sql), self._connections.borrowed() as handle:
            yield from self._stream(handle, sql, batch_rows)

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows into an existing table, matching columns by name."""
        head = f"insert into {table} ({', '.join(rows.column_names)}) values "  # noqa: S608 (quoted, our own names)
        with self._statement(head) as handle:
            self._insert(handle, head, rows)

    def now(self) -> dt.datetime:
        """Return the warehouse's own time, UTC."""
        moment: dt.datetime = self.fetch_all(f"select {self.now_sql}")[0][0]
        return moment

    def create_schema(self, schema: str) -> None:
        """Create a schema unless it is there."""
        # To ask IF NOT EXISTS may need the right to create one too.
        if not self._has_schema(schema):
            self.execute(f"create schema if not exists {schema}")

    def relation(self, schema: str, name: str, database: str | None = None) -> str:
        """Return the quoted name of a table."""
        parts = [database, schema, name] if database else [schema, name]
        return ".".join(self.quote + part.replace(self.quote, self.quote * 2) + self.quote for part in parts)

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal; a backslash escapes."""
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def as_text(self, column: str, column_type: str) -> str:
        """Return the SQL of a column as text; of what is not text the JSON."""
        if column_type.lower().startswith(self.structured):
            return self.structured_text.format(column=column)
        return f"cast({column} as {self.types['text']})"

    def md5(self, text: str) -> str:
        """Return the SQL of a text's hash."""
        return f"md5({text})"

    @abstractmethod
    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    @abstractmethod
    def _has_schema(self, schema: str) -> bool: ...

    def _open(self) -> Any:
        return self._open_handle()

    @abstractmethod
    def _execute(self, handle: Any, sql: str) -> None: ...

    @abstractmethod
    def _fetch(self, handle: Any, sql: str) -> list[Row]: ...

    @abstractmethod
    def _stream(self, handle: Any, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]: ...

    @abstractmethod
    def _insert(self, handle: Any, head: str, rows: pa.Table) -> None:
        """Insert rows; ``head`` is the statement up to its values."""

    @contextmanager
    def _statement(self, said: str) -> Iterator[Any]:
        """Lend this thread's connection; after an error it gets another, as this one may be gone."""
        with refusals(self.label, said):
            try:
                yield self._connections.own()
            except BaseException:
                self._connections.drop_own()
                raise
