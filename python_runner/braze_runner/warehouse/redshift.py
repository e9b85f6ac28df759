"""Redshift: its driver fetches a result as a whole, so a query is read through a cursor of the server."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, ClassVar

import pyarrow as pa
from redshift_connector.utils.oids import RedshiftOID

from braze_runner.warehouse.arrow import TIME, batches_of_rows
from braze_runner.warehouse.dbapi import DbApiWarehouse
from braze_runner.warehouse.inserts import Row
from braze_runner.warehouse.names import parts_of

# All that a cluster of a single node gives at once: docs.aws.amazon.com/redshift, FETCH.
_FETCH_ROWS = 1_000
_TYPES = {
    RedshiftOID.BIGINT: pa.int64(),
    RedshiftOID.INTEGER: pa.int64(),
    RedshiftOID.SMALLINT: pa.int64(),
    RedshiftOID.FLOAT: pa.float64(),
    RedshiftOID.BOOLEAN: pa.bool_(),
    RedshiftOID.DATE: pa.date32(),
    RedshiftOID.TIMESTAMP: TIME,
    RedshiftOID.TIMESTAMPTZ: TIME,
}


class RedshiftWarehouse(DbApiWarehouse):
    """A Redshift database."""

    adapter_type = "redshift"
    label = "Redshift"
    types: ClassVar[dict[str, str]] = {
        "text": "varchar(65535)",
        "integer": "bigint",
        "time": "timestamp",
        "boolean": "boolean",
    }
    quote = '"'
    session = ("set timezone to 'UTC'",)
    # GETDATE has no fraction of a second: docs.aws.amazon.com/redshift, SYSDATE function.
    now_sql = "sysdate"
    # A cast takes only a SUPER that holds a scalar: docs.aws.amazon.com/redshift, JSON_SERIALIZE function.
    structured = ("super",)
    structured_text = "nullif(json_serialize({column}), 'null')"

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""
        *databases, schema, name = (part.text for part in parts_of(relation))
        database = databases[0] if databases else self.database
        # Late-binding views are in the one, other databases in the other: docs.aws.amazon.com/redshift, SVV_COLUMNS,
        # SVV_ALL_COLUMNS.
        is_own = database.lower() == self.database.lower()
        view = "svv_columns" if is_own else "svv_all_columns"
        names = ("table_catalog", "table_schema") if is_own else ("database_name", "schema_name")
        place = zip((*names, "table_name"), (database, schema, name), strict=True)
        where = " and ".join(f"lower({column}) = {self.literal(value.lower())}" for column, value in place)
        columns = self.fetch_all(
            f"select column_name, data_type from {view} where {where} order by ordinal_position"  # noqa: S608 (quoted)
        )
        return dict(columns)

    def create_schema(self, schema: str) -> None:
        """Create a schema unless it is there, in the database of the profile: CREATE SCHEMA takes no other."""
        super().create_schema(parts_of(schema)[-1].written)

    def _has_schema(self, schema: str) -> bool:
        where = f"lower(nspname) = {self.literal(parts_of(schema)[-1].text.lower())}"
        return bool(self.fetch_all(f"select 1 from pg_namespace where {where}"))  # noqa: S608 (quoted)

    def _prepare(self, handle: Any) -> None:
        super()._prepare(handle)
        # A profile may say otherwise, and nothing here commits.
        handle.commit()
        handle.autocommit = True

    def _stream(self, handle: Any, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        fetched_rows = min(batch_rows, _FETCH_ROWS)
        with closing(handle.cursor()) as cursor:
            cursor.execute("begin")
            cursor.execute(f"declare braze_runner cursor for {sql}")
            while True:
                cursor.execute(f"fetch forward {fetched_rows} from braze_runner")
                schema = pa.schema([(column[0], _arrow_type(column)) for column in cursor.description])
                rows = cursor.fetchall()
                yield from batches_of_rows(rows, schema, batch_rows)
                if len(rows) < fetched_rows:
                    break
            cursor.execute("rollback")

    def _insert_rows(self, cursor: Any, head: str, rows: list[Row]) -> None:
        """Insert rows as parameters: the driver keeps the text of every statement for as long as it is connected."""
        row = f"({', '.join(['%s'] * len(rows[0]))})"
        values = [_storable(value) for each in rows for value in each]
        cursor.execute(head + ", ".join([row] * len(rows)), values)


def _arrow_type(column: Any) -> pa.DataType:
    return _TYPES.get(column[1], pa.string())


def _storable(value: Any) -> Any:
    """Replace the one character that a text of Redshift can't hold."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
