"""ZetaSQL, Google's implementation of the language, set up as BigQuery has it."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wasmtime
from zetasql.core import wasm_client

# To compile the WASM module takes 15 seconds, to load what was compiled half of one: it is kept in the environment.
COMPILED = Path(sys.prefix) / "zetasql.compiled"


class KeptModule:
    """Stands in for wasmtime.Module where ZetaSQL loads its own."""

    @staticmethod
    def from_file(engine: wasmtime.Engine, path: str) -> wasmtime.Module:
        """Load what an earlier process compiled, or compile and keep it."""
        if COMPILED.exists():
            try:
                return wasmtime.Module.deserialize_file(engine, str(COMPILED))
            except wasmtime.WasmtimeError:  # of another version, or for another processor
                COMPILED.unlink(missing_ok=True)
        module = wasmtime.Module.from_file(engine, path)
        unfinished = COMPILED.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(module.serialize())
        unfinished.replace(COMPILED)
        return module


wasm_client.Module = KeptModule

from zetasql import types  # noqa: E402 (after the module that loads it is replaced)
from zetasql.api import Analyzer, PreparedQuery  # noqa: E402

# Parts of the language that ZetaSQL has and BigQuery's reference does not list.
NOT_IN_BIGQUERY = (
    "AGGREGATE_FILTERING",
    "ALLOW_CONSECUTIVE_ON",
    "ARRAY_AGGREGATION_FUNCTIONS",
    "ARRAY_EQUALITY",
    "ARRAY_FIND_FUNCTIONS",
    "ARRAY_GREATEST_LEAST",
    "ARRAY_ORDERING",
    "ARRAY_ZIP",
    "CONCAT_MIXED_TYPES",
    "DML_UPDATE_WITH_JOIN",
    "FOR_UPDATE",
    "INLINE_LAMBDA_ARGUMENT",
    "INSERT_ON_CONFLICT_CLAUSE",
    "JSON_CONTAINS_FUNCTION",
    "JSON_TYPE_COMPARISON",
    "LATERAL_JOIN",
    "LIMIT_OFFSET_EXPRESSIONS",
    "MULTILEVEL_AGGREGATION",
    "MULTIWAY_UNNEST",
    "NULLIFZERO_ZEROIFNULL",
    "PI_FUNCTIONS",
    "STRUCT_POSITIONAL_ACCESSOR",
    "TYPEOF_FUNCTION",
    "UUID_TYPE",
)


def language() -> Any:
    """Return the options of the language."""
    options = types.LanguageOptions.maximum_features()
    options.product_mode = types.ProductMode.PRODUCT_EXTERNAL
    off = {f"FEATURE_{name}" for name in NOT_IN_BIGQUERY}
    options.enabled_language_features = [
        feature
        for feature in options.enabled_language_features
        if types.LanguageFeature(feature).name not in off
    ]
    return options


LANGUAGE = language()
OPTIONS = types.AnalyzerOptions(
    language_options=LANGUAGE,
    default_timezone="UTC",
    error_message_mode=types.ErrorMessageMode.ERROR_MESSAGE_ONE_LINE,
)
# Name and type of each column, by the path of the table.
Tables = Mapping[tuple[str, ...], Sequence[tuple[str, Any]]]


def catalogue(tables: Tables) -> Any:
    """Return the built-in functions, and the tables in a catalogue for each part of their paths."""
    functions = types.ZetaSQLBuiltinFunctionOptions(language_options=LANGUAGE)
    root = types.SimpleCatalog(name="root", builtin_function_options=functions, table=[], catalog=[])
    folders: dict[tuple[str, ...], Any] = {(): root}
    for path, columns in tables.items():
        parent = root
        for depth in range(1, len(path)):
            if path[:depth] not in folders:
                folders[path[:depth]] = types.SimpleCatalog(name=path[depth - 1], table=[], catalog=[])
                parent.catalog.append(folders[path[:depth]])
            parent = folders[path[:depth]]
        parent.table.append(
            types.SimpleTable(
                name=path[-1],
                column=[types.SimpleColumn(name=name, type=kind) for name, kind in columns],
            )
        )
    return root


def analyzed(sql: str, tables: Tables) -> Any:
    """Return the resolved statement, or raise what ZetaSQL says against it."""
    return Analyzer(OPTIONS, catalogue(tables)).analyze_statement(sql)


def executed(sql: str) -> Any:
    """Return what the reference implementation gives for a query of one value: a text, an array of texts, or null."""
    query = (
        PreparedQuery.builder()
        .set_sql(sql)
        .set_analyzer_options(OPTIONS)
        .set_catalog(catalogue({}))
        .prepare()
    )
    value = query.execute().content.table_data.row[0].cell[0]
    if value.array_value is not None:
        return [item.string_value for item in value.array_value.element]
    return value.string_value
