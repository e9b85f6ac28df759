"""Starts bqemulator so that it answers as BigQuery does: emulator.py PORT PROJECT."""

import sys
from pathlib import Path
from typing import Any

import functions
from bqemulator.catalog import ddl_sync
from bqemulator.config import Settings
from bqemulator.jobs import executor
from bqemulator.server import run_forever
from bqemulator.sql import inner_query, translator
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage import engine
from rewrite import rewritten

# Name, function, DuckDB's types of the arguments and of the result.
FUNCTIONS: tuple[tuple[str, Any, list[str], str], ...] = (
    ("bqx_to_json_of", functions.to_json, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_to_json_string_of", functions.to_json_string, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_string_of", functions.string_text, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_numeric_of", functions.numeric_text, ["DOUBLE"], "VARCHAR"),
    ("bqx_parse_json", functions.parse_json, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_safe_parse_json", functions.safe_parse_json, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_strip_nulls", functions.strip_nulls, ["VARCHAR", "BOOLEAN", "BOOLEAN"], "VARCHAR"),
    ("bqx_json_query_of", functions.json_query, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    ("bqx_json_query_array", functions.json_query_array, ["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    ("bqx_json_keys", functions.json_keys, ["VARCHAR", "BIGINT"], "VARCHAR[]"),
    ("bqx_format_timestamp", functions.format_timestamp, ["VARCHAR", "TIMESTAMPTZ", "VARCHAR"], "VARCHAR"),
)
# What depends on the type of a value, which only a macro can ask for.
PRELUDE = Path(__file__).with_name("prelude.ddl")


def add_functions(duck: engine.DuckDBEngine) -> None:
    """Add our functions to the emulator's own."""
    own_functions(duck)
    for name, function, arguments, result in FUNCTIONS:
        duck.connection.create_function(name, function, arguments, result, null_handling="special")
    duck.connection.execute(PRELUDE.read_text())


def translate(self: SQLTranslator, bq_sql: str, **settings: Any) -> Any:
    """Translate a statement after our own rewriting."""
    return own_translate(self, rewritten(bq_sql), **settings)


def schema_with_json(*names: Any) -> Any:
    """The schema of a new table; the emulator's own takes JSON columns for texts."""
    schema = own_schema(*names)
    columns = (
        names[-1].engine.execute(f"pragma table_info({ddl_sync.quoted_table_ref(*names[:3])})").fetchall()
    )
    json = {column[1] for column in columns if column[2] == "JSON"}
    fields = [f.model_copy(update={"type": "JSON"}) if f.name in json else f for f in schema.fields]
    return schema.model_copy(update={"fields": tuple(fields)})


def qualify(tree: Any, *, dialect: str, **settings: Any) -> Any:
    """Resolve columns, for their types, without making names lower case: BigQuery gives them as they are written."""
    as_written = f"{dialect}, normalization_strategy=case_sensitive"
    return own_qualify(tree, dialect=as_written, validate_qualify_columns=False, **settings)


async def no_snapshot(*_: Any) -> None:
    """Keep no earlier state of a table."""


if __name__ == "__main__":
    own_functions = engine.DuckDBEngine._register_builtin_udfs
    own_translate = SQLTranslator.translate
    own_qualify = translator.qualify
    engine.DuckDBEngine._register_builtin_udfs = add_functions
    # Geography would need an extension from the network.
    engine.DuckDBEngine._load_spatial = lambda _self: None
    SQLTranslator.translate = translate
    translator.qualify = qualify
    own_schema = ddl_sync._introspect_schema
    ddl_sync._introspect_schema = schema_with_json
    inner_query.rewrite_unnest_offset = lambda sql: sql
    # Time travel would copy each table that a statement writes to.
    executor._capture_dml_snapshots = no_snapshot
    run_forever(
        Settings(
            rest_port=int(sys.argv[1]),
            grpc_port=0,
            default_project_id=sys.argv[2],
            enable_format_extensions=False,
            log_level="warning",
        )
    )
