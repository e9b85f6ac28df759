"""DuckDB: one native cursor a thread, results streamed in Arrow batches."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import duckdb
import pyarrow as pa

from braze_runner.warehouse.names import parts_of
from braze_runner.warehouse.refusals import refusals

# The first is enough to sort one range of rows (engine/reader.py) unless payloads are huge: DuckDB decodes
# 2,048 rows at a time, whatever the range. Each limit is tried in turn, DuckDB's own last.
READER_MEMORY = ("40MB", "192MB", "768MB")
# Each thread sorts in memory of its own, and one reads several times faster than Braze takes rows.
READER_THREADS = 1

LABEL = "DuckDB"
T = TypeVar("T")


class DuckDBWarehouse:
    """A DuckDB database behind a dbt profile; see ``Warehouse`` for what each method promises."""

    adapter_type = "duckdb"
    types: ClassVar[dict[str, str]] = {
        "text": "varchar",
        "integer": "bigint",
        "time": "timestamp",
        "boolean": "boolean",
    }

    def __init__(self, open_handle: Callable[[], Any], credentials: Any) -> None:
        self.database: str = credentials.database
        self.schema: str = credentials.schema
        self._has_own_limit = any(
            "memory_limit" in (options or {})
            for options in (credentials.settings, credentials.config_options)
        )
        self._larger_limits: list[str] = []
        self._open_handle = open_handle
        self._handles: list[Any] = []
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._thread.cursor = self._new_cursor()

    def limit_memory(self) -> None:
        """Bound DuckDB's buffers, which would cache the whole file, unless the profile has a limit."""
        if not self._has_own_limit:
            self._larger_limits = [*READER_MEMORY[1:], ""]
            self.execute(f"set memory_limit = '{READER_MEMORY[0]}'")
            self.execute(f"set threads = {READER_THREADS}")

    def execute(self, sql: str) -> None:
        """Run one statement for its effect."""
        with refusals(LABEL, sql):
            self._cursor().execute(sql)

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one query whose result is known to be small."""
        with refusals(LABEL, sql):
            return self._with_room(lambda: self._fetch(sql))

    def stream(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run one query and hand out its rows in Arrow batches, read by a cursor of its own."""
        # A thread's own cursor would drop this result with its next statement.
        handle = self._new_handle()
        try:
            with refusals(LABEL, sql):
                first, rest = self._with_room(lambda: _start(handle.cursor(), sql, batch_rows))
                if first is not None:
                    yield first
                    yield from rest
        finally:
            self._release(handle)

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows into an existing table, matching columns by name."""
        cursor = self._cursor()
        with refusals(LABEL, table):
            cursor.register("braze_runner_rows", rows)
            try:
                cursor.execute(f"insert into {table} by name select * from braze_runner_rows")  # noqa: S608 (quoted name)
            finally:
                cursor.unregister("braze_runner_rows")

    def now(self) -> dt.datetime:
        """Return the time of this machine, which is DuckDB's, in UTC without a zone."""
        moment: dt.datetime = self.fetch_all("select cast(now() as timestamp)")[0][0]
        return moment

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what this thread does inside one transaction."""
        cursor = self._cursor()
        with refusals(LABEL, ""):
            cursor.begin()
        try:
            yield
            with refusals(LABEL, ""):
                cursor.commit()
        except BaseException:
            with refusals(LABEL, ""):
                cursor.rollback()
            raise

    def create_schema(self, schema: str) -> None:
        """Create a schema unless it is there."""
        self.execute(f"create schema if not exists {schema}")

    def relation(self, schema: str, name: str, database: str | None = None) -> str:
        """Return the quoted name of a table."""
        parts = [database, schema, name] if database else [schema, name]
        return ".".join('"' + part.replace('"', '""') + '"' for part in parts)

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal; a backslash means itself in DuckDB."""
        return "'" + text.replace("'", "''") + "'"

    def as_text(self, column: str, column_type: str) -> str:
        """Return the SQL of a column as text; of what is nested the JSON."""
        is_nested = column_type.upper().startswith(("STRUCT", "MAP")) or column_type.endswith("]")
        return f"cast({f'to_json({column})' if is_nested else column} as varchar)"

    def md5(self, text: str) -> str:
        """Return the SQL of a text's hash."""
        return f"md5({text})"

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""
        names = [part.text for part in parts_of(relation)][-3:]
        database, schema, name = [self.database, self.schema][: 3 - len(names)] + names
        conditions = {"table_catalog": database, "table_schema": schema, "table_name": name}
        where = " and ".join(
            f"lower({column}) = lower({self.literal(value)})" for column, value in conditions.items()
        )
        rows = self.fetch_all(
            "select column_name, data_type from information_schema.columns "  # noqa: S608 (literals are quoted)
            f"where {where} order by ordinal_position"
        )
        return dict(rows)

    def close(self) -> None:
        """Close every cursor; the last one closes the file."""
        with self._lock:
            handles, self._handles = self._handles, []
        for handle in handles:
            handle.close()

    def _with_room(self, run: Callable[[], T]) -> T:
        """Run something again with more memory as long as it fails for want of it."""
        while True:
            try:
                return run()
            except duckdb.OutOfMemoryException:
                if not self._larger_limits:
                    raise
                limit = self._larger_limits.pop(0)
                self._cursor().execute(f"set memory_limit = '{limit}'" if limit else "reset memory_limit")

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._cursor().execute(sql).fetchall()
        return rows

    def _cursor(self) -> Any:
        cursor = getattr(self._thread, "cursor", None)
        if cursor is None:
            cursor = self._thread.cursor = self._new_cursor()
        return cursor

    def _new_cursor(self) -> Any:
        return self._new_handle().cursor()

    def _new_handle(self) -> Any:
        handle = self._open_handle()
        handle.cursor().execute("set TimeZone = 'UTC'")
        with self._lock:
            self._handles.append(handle)
        return handle

    def _release(self, handle: Any) -> None:
        with self._lock:
            known = handle in self._handles
            if known:
                self._handles.remove(handle)
        if known:
            handle.close()


def _start(cursor: Any, sql: str, batch_rows: int) -> tuple[pa.RecordBatch | None, Iterator[pa.RecordBatch]]:
    """Run a query as far as its first batch, where a sort needs its memory; returns it and the rest."""
    relation = cursor.sql(sql)
    # The second is the older name.
    reader = (getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader)(batch_rows)
    return next(reader, None), reader
