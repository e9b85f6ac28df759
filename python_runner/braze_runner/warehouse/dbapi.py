"""What the adapters have in common whose connection is one of Python's DB-API (PEP 249)."""

from contextlib import closing
from typing import Any, ClassVar

import pyarrow as pa

from braze_runner.warehouse.adapter import AdapterWarehouse
from braze_runner.warehouse.arrow import naive_utc
from braze_runner.warehouse.inserts import Row, bytes_of, chunks, values_of
from braze_runner.warehouse.refusals import refusals

# Of one insert; a row that is larger stands alone. Snowflake recommends 1 MB at most and takes more, Redshift 16 MB:
# docs.snowflake.com, Limits on query text size; docs.aws.amazon.com/redshift, Redshift SQL.
INSERT_ROWS = 500
INSERT_BYTES = 750_000


class DbApiWarehouse(AdapterWarehouse):
    """Statements by cursors, rows to append as literals."""

    session: ClassVar[tuple[str, ...]] = ()
    """The statements that each new connection begins with."""

    def _open(self) -> Any:
        handle = self._open_handle()
        try:
            self._prepare(handle)
        except BaseException:
            handle.close()
            raise
        return handle

    def _prepare(self, handle: Any) -> None:
        for statement in self.session:
            with refusals(self.label, statement):
                self._execute(handle, statement)

    def _cursor(self, handle: Any) -> Any:
        return handle.cursor()

    def _execute(self, handle: Any, sql: str) -> None:
        with closing(self._cursor(handle)) as cursor:
            cursor.execute(sql)

    def _fetch(self, handle: Any, sql: str) -> list[Row]:
        with closing(self._cursor(handle)) as cursor:
            cursor.execute(sql)
            return [tuple(map(naive_utc, row)) for row in cursor.fetchall()]

    def _insert(self, handle: Any, head: str, rows: pa.Table) -> None:
        with closing(self._cursor(handle)) as cursor:
            for chunk in chunks(rows, bytes_of, INSERT_ROWS, INSERT_BYTES):
                self._insert_rows(cursor, head, chunk)

    def _insert_rows(self, cursor: Any, head: str, rows: list[Row]) -> None:
        cursor.execute(head + values_of(rows, self.literal, self.types["time"]))
