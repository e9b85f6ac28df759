"""ZetaSQL, Google's implementation of the language, set up as BigQuery has it."""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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


def write_bytes(self: wasm_client.WasmClient, start: int, data: bytes) -> None:
    """Write at once, where the package writes byte by byte."""
    ctypes.memmove(address(self) + start, data, len(data))


def read_bytes(self: wasm_client.WasmClient, start: int, size: int) -> bytes:
    """Read at once, where the package reads byte by byte."""
    return ctypes.string_at(address(self) + start, size)


def address(client: wasm_client.WasmClient) -> int:
    """Return where the module's memory is."""
    return ctypes.addressof(client.memory.data_ptr().contents)


wasm_client.Module = KeptModule
wasm_client.WasmClient.write_bytes = write_bytes
wasm_client.WasmClient.read_bytes = read_bytes

from zetasql import types  # noqa: E402 (after the module that loads it is replaced)
from zetasql.api import PreparedQuery  # noqa: E402
from zetasql.core import ZetaSqlLocalService  # noqa: E402
from zetasql.types import parse_proto  # noqa: E402
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2  # noqa: E402

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
# Other names of INT64 that BigQuery takes: docs.cloud.google.com/bigquery, Data types, Integer type.
ALIASES = ("INT", "SMALLINT", "INTEGER", "BIGINT", "TINYINT", "BYTEINT")
# Name and type of each column, by the path of the table.
Tables = Mapping[tuple[str, ...], Sequence[tuple[str, Any]]]


def catalogue(tables: Tables) -> Any:
    """Return the built-in functions, and the tables in a catalogue for each part of their paths."""
    functions = types.ZetaSQLBuiltinFunctionOptions(language_options=LANGUAGE)
    integer = types.Type(type_kind=types.TypeKind.TYPE_INT64)
    aliases = [types.SimpleCatalog.NamedType(name=alias, type=integer) for alias in ALIASES]
    root = types.SimpleCatalog(
        name="root", builtin_function_options=functions, named_type=aliases, table=[], catalog=[]
    )
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


class Resolved(NamedTuple):
    """What the judge needs of a resolved statement; to turn all of it into objects takes longer than to analyze it."""

    kind: str
    path: tuple[str, ...]
    columns: list[tuple[str, Any]]
    functions: set[str]


def analyzed(sql: str, tables: Tables) -> Resolved:
    """Return the resolved statement, or raise what ZetaSQL says against it."""
    request = types.AnalyzeRequest(sql_statement=sql, options=OPTIONS, simple_catalog=catalogue(tables))
    answer = ZetaSqlLocalService.get_instance().wasm_client.call_grpc_func(
        "ZetaSqlLocalService_Analyze", request.to_proto(), local_service_pb2.AnalyzeResponse
    )
    path: tuple[str, ...] = ()
    columns, functions = [], set()
    for message in messages(answer.resolved_statement):
        name = message.DESCRIPTOR.name
        if name == "ResolvedColumnDefinitionProto":
            columns.append((message.name, parse_proto(message.type).as_type(types.Type)))
        elif name == "FunctionRefProto":
            functions.add(message.name.split(":")[-1].lower())
        path = path or tuple(getattr(message, "name_path", ()))
    return Resolved(answer.resolved_statement.WhichOneof("node"), path, columns, functions)


def messages(message: Any) -> Iterator[Any]:
    """Yield a message of the protocol and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                yield from messages(part)


def executed(sql: str) -> str | None:
    """Return what the reference implementation gives for a query of one text."""
    query = (
        PreparedQuery.builder()
        .set_sql(sql)
        .set_analyzer_options(OPTIONS)
        .set_catalog(catalogue({}))
        .prepare()
    )
    value: str | None = query.execute().content.table_data.row[0].cell[0].string_value
    return value
