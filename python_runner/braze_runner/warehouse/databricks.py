"""Databricks: its connector hands out Arrow, a number of rows at a time."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, ClassVar

import pyarrow as pa

from braze_runner.errors import StoppedError
from braze_runner.warehouse.arrow import plain_batches
from braze_runner.warehouse.dbapi import DbApiWarehouse
from braze_runner.warehouse.inserts import Row

# What one answer may hold, and how many files of a large result are fetched ahead.
ANSWER_ROWS = 10_000
_ANSWER_BYTES = 8_000_000
_FILES_AHEAD = 1
# docs.databricks.com, Error conditions.
_MISSING = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")


class DatabricksWarehouse(DbApiWarehouse):
    """A catalog of Databricks."""

    adapter_type = "databricks"
    label = "Databricks"
    types: ClassVar[dict[str, str]] = {
        "text": "string",
        "integer": "bigint",
        "time": "timestamp",
        "boolean": "boolean",
    }
    quote = "`"
    session = ("set time zone 'UTC'",)
    now_sql = "current_timestamp()"
    # docs.databricks.com, to_json function.
    structured = ("struct", "map", "array", "variant")
    structured_text = "to_json({column})"

    def __init__(self, open_handle: Callable[[], Any], credentials: Any) -> None:
        parameters = credentials.connection_parameters or {}
        credentials.connection_parameters = {"max_download_threads": _FILES_AHEAD} | parameters
        super().__init__(open_handle, credentials)

    def literal(self, text: str) -> str:
        r"""Return a text as a quoted literal: two quotes are none here, and ``${`` would name a variable."""
        for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("${", "$\\{"), ("\0", "\\u0000")):
            text = text.replace(plain, escaped)
        return f"'{text}'"

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""
        columns = {}
        for column, column_type, *_ in self._describe(f"table {relation}") or []:
            # What follows the columns repeats those that the table is partitioned by.
            if not column or column.startswith("#"):
                break
            columns[column] = column_type
        return columns

    def _has_schema(self, schema: str) -> bool:
        return self._describe(f"schema {schema}") is not None

    def _describe(self, what: str) -> list[Row] | None:
        """Return what is known of a table or schema, None when there is none; hive_metastore has no other catalogue."""
        try:
            return self.fetch_all(f"describe {what}")
        except StoppedError as exc:
            if any(missing in str(exc) for missing in _MISSING):
                return None
            raise

    def _cursor(self, handle: Any) -> Any:
        # What dbt has around its connection knows no Arrow.
        connection = handle._conn  # noqa: SLF001
        return connection.cursor(arraysize=ANSWER_ROWS, buffer_size_bytes=_ANSWER_BYTES)

    def _stream(self, handle: Any, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        with closing(self._cursor(handle)) as cursor:
            cursor.execute(sql)
            while (fetched := cursor.fetchmany_arrow(batch_rows)).num_rows:
                yield from plain_batches(fetched, batch_rows)
