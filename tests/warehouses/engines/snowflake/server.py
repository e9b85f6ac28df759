"""Serve fakesnow on a port, with what dbt and this package need beyond it."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import fakesnow.arrow
import fakesnow.cursor
import fakesnow.macros
import fakesnow.server
import fakesnow.transforms
import functions
import pyarrow as pa
import snowflake.connector.errors
import sqlglot
import uvicorn
from sqlglot import exp
from starlette.requests import Request
from starlette.responses import JSONResponse

CREATE_TABLE_AS = fakesnow.transforms.create_table_as
INTEGER_PRECISION = fakesnow.transforms.integer_precision
MERGE = fakesnow.transforms.merge
MACROS = fakesnow.macros.creation_sql
EXECUTE_TRANSFORMED = fakesnow.cursor.FakeSnowflakeCursor._execute
TIMESTAMP_TO_SF_STRUCT = fakesnow.arrow.timestamp_to_sf_struct
TRANSFORM = fakesnow.cursor.FakeSnowflakeCursor._transform
FLATTEN = fakesnow.transforms.flatten


def create_table_as(expression: exp.Expr, connection: duckdb.DuckDBPyConnection) -> exp.Expr:
    """Make temporary tables and views lasting ones: DuckDB has no schema for them, and dbt names one."""
    if isinstance(expression, exp.Create) and expression.args.get("properties"):
        kept = [
            p for p in expression.args["properties"].expressions if not isinstance(p, exp.TemporaryProperty)
        ]
        expression.set("properties", exp.Properties(expressions=kept) if kept else None)
    return CREATE_TABLE_AS(expression, connection)


def merge(expression: exp.Expr) -> list[exp.Expr]:
    """Hand MERGE to DuckDB; fakesnow's way of doing it fails inside a transaction and on dbt's snapshots."""
    if not isinstance(expression, exp.Merge):
        statements: list[exp.Expr] = MERGE(expression)
        return statements
    source = expression.args["using"].alias_or_name
    for insert in expression.args["whens"].find_all(exp.Insert):
        for column in insert.expression.find_all(exp.Column) if insert.expression else []:
            if not column.table:
                column.set("table", exp.to_identifier(source))
    counts = 'select 0 as "number of rows inserted", 0 as "number of rows updated"'
    return [expression, sqlglot.parse_one(counts)]


def integer_precision(expression: exp.Expr) -> exp.Expr:
    """Leave a NUMBER its 38 digits; fakesnow makes it an integer of 64 bits."""
    if isinstance(expression, exp.DataType) and expression.this == exp.DataType.Type.DECIMAL:
        return expression if expression.expressions else exp.DataType.build("decimal(38, 0)")
    integer: exp.Expr = INTEGER_PRECISION(expression)
    return integer


def flatten(expression: exp.Expr) -> exp.Expr:
    """An alias of FLATTEN names no columns; sqlglot's list of them is not what fakesnow's function gives."""
    flattened: exp.Expr = FLATTEN(expression)
    if flattened is not expression and (alias := flattened.args.get("alias")):
        alias.set("columns", None)
    return flattened


def session_settings(cursor: Any, expression: exp.Expr) -> bool:
    """Set the zone of a session; what only concerns the size of its answers changes nothing here."""
    items = expression.find(exp.AlterSession) if isinstance(expression, exp.Alter) else None
    pairs = {pair.this.name.upper(): pair.expression.name for pair in items.find_all(exp.EQ)} if items else {}
    if not pairs or pairs.keys() - {"TIMEZONE", "CLIENT_RESULT_CHUNK_SIZE"}:
        return False
    if zone := pairs.get("TIMEZONE"):
        cursor._duck_conn.execute(f"set session TimeZone = '{zone}'")
    return True


def transform(cursor: Any, expression: exp.Expr, params: Any) -> exp.Expr:
    """Bend casts and names before fakesnow sees them."""
    if session_settings(cursor, expression):
        return fakesnow.transforms.SUCCESS_NOP
    for bend in (functions.cast_to_varchar, functions.quoted_keyword):
        expression = expression.transform(bend, copy=False)
    bent: exp.Expr = TRANSFORM(cursor, expression, params)
    return bent


def execute_transformed(cursor: Any, transformed: exp.Expr, params: Any = None) -> Any:
    """A failed statement ends its transaction in DuckDB; what comes after it works again."""
    try:
        return EXECUTE_TRANSFORMED(cursor, transformed, params)
    except Exception:
        with contextlib.suppress(duckdb.Error):
            cursor._duck_conn.rollback()
            cursor._conn._in_transaction = False
        raise


def without_retries(function: Callable[..., Any]) -> Callable[..., Any]:
    """Fail with an error of Snowflake's: a failure of the server would be tried again for minutes."""

    def guarded(*arguments: Any, **settings: Any) -> Any:
        try:
            return function(*arguments, **settings)
        except snowflake.connector.errors.Error:
            raise
        except Exception as error:
            raise snowflake.connector.errors.ProgrammingError(
                msg=f"{type(error).__name__}: {error}", errno=100038, sqlstate="22018"
            ) from error

    return guarded


async def failed(_: Request, error: Exception) -> JSONResponse:
    """Whatever fails besides, in a form that is not tried again either."""
    message = f"{type(error).__name__}: {error}"
    return JSONResponse(
        {"data": {"errorCode": "000001"}, "code": "000001", "message": message, "success": False}
    )


def timestamp_to_sf_struct(moments: pa.Array | pa.ChunkedArray) -> Any:
    """Hand on moments that have a zone in UTC, whatever the session's, and nulls as nulls."""
    if moments.type.tz:
        moments = moments.cast(pa.timestamp(moments.type.unit, "UTC"))
    if isinstance(moments, pa.ChunkedArray):
        moments = moments.combine_chunks()
    parts = TIMESTAMP_TO_SF_STRUCT(moments)
    filled = [parts.field(n).fill_null(0) for n in range(parts.type.num_fields)]
    return pa.StructArray.from_arrays(filled, fields=list(parts.type), mask=moments.is_null())


def creation_sql(catalog: str) -> str:
    """The macros of every database; to Snowflake's FLATTEN a JSON null is a value."""
    return MACROS(catalog).replace(
        "e.v AS VALUE", "coalesce(e.v, 'null'::JSON) AS VALUE"
    ) + functions.MACROS.format(catalog=catalog)


def main() -> None:
    """Bend fakesnow, then serve until the process is ended."""
    fakesnow.transforms.create_table_as = create_table_as
    fakesnow.transforms.integer_precision = integer_precision
    fakesnow.transforms.merge = merge
    fakesnow.transforms.flatten = flatten
    fakesnow.macros.creation_sql = creation_sql
    fakesnow.cursor.FakeSnowflakeCursor.execute = without_retries(fakesnow.cursor.FakeSnowflakeCursor.execute)
    fakesnow.server.parse_one = without_retries(fakesnow.server.parse_one)
    fakesnow.cursor.FakeSnowflakeCursor._execute = execute_transformed
    # It would look for session variables inside of texts, and nothing here uses any.
    fakesnow.cursor.FakeSnowflakeCursor._inline_variables = lambda _, command: command
    fakesnow.arrow.timestamp_to_sf_struct = timestamp_to_sf_struct
    fakesnow.cursor.FakeSnowflakeCursor._transform = transform
    connection = fakesnow.server.shared_fs.duck_conn
    # A session's zone where nobody has set one: docs.snowflake.com, Parameters.
    connection.execute("set global TimeZone = 'America/Los_Angeles'")
    functions.install(connection)
    app = fakesnow.server.app
    app.debug = False
    app.add_exception_handler(Exception, failed)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="info")


if __name__ == "__main__":
    main()
