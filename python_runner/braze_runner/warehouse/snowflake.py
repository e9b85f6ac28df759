"""Snowflake: a result comes in pieces, which are downloaded one at a time."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

import pyarrow as pa
from snowflake.connector.constants import FIELD_ID_TO_NAME

from braze_runner.warehouse.arrow import TIME, batches_of_rows
from braze_runner.warehouse.dbapi import DbApiWarehouse
from braze_runner.warehouse.names import Part, parts_of

# docs.snowflake.com, Identifier requirements: what needs no quotes, and is upper case then.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
# In MB, of a piece; Snowflake makes them 160 otherwise: docs.snowflake.com, Parameters, CLIENT_RESULT_CHUNK_SIZE.
_PIECE_MB = 48
# The connector would try to reach Snowflake again for ever; this also ends a statement that takes longer.
PATIENCE_SECONDS = 900


class SnowflakeWarehouse(DbApiWarehouse):
    """A Snowflake database."""

    adapter_type = "snowflake"
    label = "Snowflake"
    types: ClassVar[dict[str, str]] = {
        "text": "varchar",
        "integer": "number(38, 0)",
        "time": "timestamp_ntz",
        "boolean": "boolean",
    }
    quote = '"'
    session = (f"alter session set timezone = 'UTC', client_result_chunk_size = {_PIECE_MB}",)
    # SYSDATE is the one that gives UTC whatever the session: docs.snowflake.com, SYSDATE.
    now_sql = "sysdate()"

    def __init__(self, open_handle: Callable[[], Any], credentials: Any) -> None:
        if not credentials.query_tag:
            credentials.query_tag = "braze-runner"
        super().__init__(open_handle, credentials)

    def relation(self, schema: str, name: str, database: str | None = None) -> str:
        """Return the name of a table as dbt writes it: without quotes, unless it can't be otherwise."""
        parts = [database, schema, name] if database else [schema, name]
        return ".".join(map(_written, parts))

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""
        *databases, schema, name = parts_of(relation)
        catalogue = f"{self._database(databases)}.information_schema.columns"
        where = f"table_schema = {self._stored(schema)} and table_name = {self._stored(name)}"
        return dict(
            self.fetch_all(
                f"select column_name, data_type from {catalogue} "  # noqa: S608 (literals are quoted)
                f"where {where} order by ordinal_position"
            )
        )

    def _has_schema(self, schema: str) -> bool:
        *databases, name = parts_of(schema)
        catalogue = f"{self._database(databases)}.information_schema.schemata"
        where = f"schema_name = {self._stored(name)}"
        return bool(self.fetch_all(f"select 1 from {catalogue} where {where}"))  # noqa: S608 (quoted)

    def _prepare(self, handle: Any) -> None:
        # A setting of the connector that dbt has no name for.
        handle._network_timeout = PATIENCE_SECONDS  # noqa: SLF001
        super()._prepare(handle)

    def _database(self, named: Sequence[Part]) -> str:
        return named[0].written if named else _written(self.database)

    def _stored(self, part: Part) -> str:
        """Return the literal of a name as the catalogue has it: in upper case, unless it stands in quotes."""
        return self.literal(part.text if part.is_quoted else part.text.upper())

    def _stream(self, handle: Any, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        # Rows and not Arrow, which the connector gives only where pandas is installed. A cursor that is iterated
        # would download several pieces ahead.
        with handle.cursor() as cursor:
            cursor.execute(sql)
            schema = pa.schema([(column.name, _arrow_type(column)) for column in cursor.description])
            pieces = (_rows(piece.create_iter(connection=handle)) for piece in cursor.get_result_batches())
            yield from batches_of_rows(chain.from_iterable(pieces), schema, batch_rows)


def _written(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _arrow_type(column: Any) -> pa.DataType:
    name = FIELD_ID_TO_NAME[column.type_code]
    if name == "FIXED":
        return pa.int64() if not column.scale else pa.decimal128(38, column.scale)
    if name.startswith("TIMESTAMP"):
        return TIME
    return {"REAL": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32()}.get(name, pa.string())


def _rows(rows: Iterator[Any]) -> Iterator[Any]:
    """Raise what the connector hands out in place of a row that it can't convert."""
    for row in rows:
        if isinstance(row, Exception):
            raise row
        yield row
