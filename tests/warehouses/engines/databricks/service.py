"""The Thrift service of a SQL warehouse, as far as the adapter's connector asks for it."""

import re
import sys
import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from databricks.sql.thrift_api.TCLIService import ttypes as t
from sail import Sail

PROTOCOL = t.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7
CATALOG = "hive_metastore"
TYPES: list[tuple[Callable[[pa.DataType], bool], int]] = [
    (pa.types.is_boolean, t.TTypeId.BOOLEAN_TYPE),
    (pa.types.is_int8, t.TTypeId.TINYINT_TYPE),
    (pa.types.is_int16, t.TTypeId.SMALLINT_TYPE),
    (pa.types.is_int32, t.TTypeId.INT_TYPE),
    (pa.types.is_int64, t.TTypeId.BIGINT_TYPE),
    (pa.types.is_float32, t.TTypeId.FLOAT_TYPE),
    (pa.types.is_float64, t.TTypeId.DOUBLE_TYPE),
    (pa.types.is_decimal, t.TTypeId.DECIMAL_TYPE),
    (pa.types.is_date, t.TTypeId.DATE_TYPE),
    (pa.types.is_timestamp, t.TTypeId.TIMESTAMP_TYPE),
    (pa.types.is_binary, t.TTypeId.BINARY_TYPE),
    (pa.types.is_list, t.TTypeId.ARRAY_TYPE),
    (pa.types.is_struct, t.TTypeId.STRUCT_TYPE),
    (pa.types.is_map, t.TTypeId.MAP_TYPE),
]


# What Sail says, and how Databricks begins to say it: docs.databricks.com, Error conditions.
ERRORS = (
    (
        re.compile(r"database not found: (\w\S*)", re.IGNORECASE),
        "[SCHEMA_NOT_FOUND] The schema `{}` cannot be found.",
    ),
    (
        re.compile(r"(?:table or view|table|view) not found: (\w\S*)", re.IGNORECASE),
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `{}` cannot be found.",
    ),
)


class Service:
    """One method a Thrift call; an answer carries as many rows as it may, the others are fetched later."""

    def __init__(self, sail: Sail) -> None:
        self._sail = sail
        self._unread: dict[bytes, pa.Table] = {}

    def OpenSession(self, request: Any) -> Any:  # noqa: N802
        return t.TOpenSessionResp(
            status=_success(),
            serverProtocolVersion=PROTOCOL,
            sessionHandle=t.TSessionHandle(sessionId=_handle(), serverProtocolVersion=PROTOCOL),
            configuration={},
            initialNamespace=request.initialNamespace,
            canUseMultipleCatalogs=True,
        )

    def CloseSession(self, _request: Any) -> Any:  # noqa: N802
        return t.TCloseSessionResp(status=_success())

    def CloseOperation(self, request: Any) -> Any:  # noqa: N802
        self._unread.pop(request.operationHandle.operationId.guid, None)
        return t.TCloseOperationResp(status=_success())

    def CancelOperation(self, _request: Any) -> Any:  # noqa: N802
        return t.TCancelOperationResp(status=_success())

    def GetOperationStatus(self, _request: Any) -> Any:  # noqa: N802
        return _finished()

    def ExecuteStatement(self, request: Any) -> Any:  # noqa: N802
        operation, unread = _answer(
            t.TExecuteStatementResp,
            lambda: self._sail.run(request.statement),
            request.statement,
            request.getDirectResults.maxRows,
        )
        if unread is not None:
            self._unread[operation.operationHandle.operationId.guid] = unread
        return operation

    def FetchResults(self, request: Any) -> Any:  # noqa: N802
        unread = self._unread.pop(request.operationHandle.operationId.guid)
        rows, rest = unread.slice(0, request.maxRows), unread.slice(request.maxRows)
        if rest.num_rows:
            self._unread[request.operationHandle.operationId.guid] = rest
        return _fetched(rows, is_all=not rest.num_rows)

    def GetCatalogs(self, _request: Any) -> Any:  # noqa: N802
        return _answer_at_once(t.TGetCatalogsResp, lambda: pa.table({"TABLE_CAT": [CATALOG]}))

    def GetSchemas(self, _request: Any) -> Any:  # noqa: N802
        return _answer_at_once(t.TGetSchemasResp, self._schemas)

    def GetTables(self, request: Any) -> Any:  # noqa: N802
        schema = (request.schemaName or "default").replace("\\", "")
        return _answer_at_once(t.TGetTablesResp, lambda: self._tables(schema))

    def _schemas(self) -> pa.Table:
        names = self._sail.schemas()
        return pa.table({"TABLE_SCHEM": _texts(names), "TABLE_CATALOG": _texts([CATALOG] * len(names))})

    def _tables(self, schema: str) -> pa.Table:
        tables = self._sail.tables(schema)
        return pa.table(
            {
                "TABLE_CAT": _texts([CATALOG] * len(tables)),
                "TABLE_SCHEM": _texts([schema] * len(tables)),
                "TABLE_NAME": _texts(list(tables)),
                "TABLE_TYPE": _texts(list(tables.values())),
                "REMARKS": _texts([""] * len(tables)),
            }
        )


def _texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _success() -> Any:
    return t.TStatus(statusCode=t.TStatusCode.SUCCESS_STATUS)


def _finished() -> Any:
    return t.TGetOperationStatusResp(status=_success(), operationState=t.TOperationState.FINISHED_STATE)


def _handle() -> Any:
    return t.THandleIdentifier(guid=uuid.uuid4().bytes, secret=uuid.uuid4().bytes)


def _answer_at_once(response: Any, run: Callable[[], pa.Table]) -> Any:
    return _answer(response, run)[0]


def _answer(
    response: Any, run: Callable[[], pa.Table], statement: str = "", most_rows: int | None = None
) -> tuple[Any, pa.Table | None]:
    """Return the answer, and the rows that are left."""
    handle = t.TOperationHandle(
        operationId=_handle(), operationType=t.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
    )
    unread = None
    try:
        table = run()
        if most_rows and table.num_rows > most_rows:
            unread, table = table.slice(most_rows), table.slice(0, most_rows)
        results = _direct(table, is_all=unread is None)
    except Exception as exc:
        print(f"failed: {exc}\n{statement}\n", file=sys.stderr, flush=True)  # noqa: T201 (the log)
        results = _failed(_as_databricks(str(exc))[:4000])
    return response(status=_success(), operationHandle=handle, directResults=results), unread


def _as_databricks(message: str) -> str:
    for words, said in ERRORS:
        if match := words.search(message):
            return said.format(match[1].replace(".", "`.`"))
    return message


def _failed(message: str) -> Any:
    status = t.TGetOperationStatusResp(
        status=_success(),
        operationState=t.TOperationState.ERROR_STATE,
        sqlState="42000",
        errorMessage=message,
        displayMessage=message,
    )
    return t.TSparkDirectResults(operationStatus=status)


def _direct(table: pa.Table, *, is_all: bool) -> Any:
    """The rows that the statement's own answer carries."""
    return t.TSparkDirectResults(
        operationStatus=_finished(),
        resultSetMetadata=_metadata(table),
        resultSet=_fetched(table, is_all=is_all),
        closeOperation=t.TCloseOperationResp(status=_success()) if is_all else None,
    )


def _metadata(table: pa.Table) -> Any:
    schema = t.TTableSchema(columns=[_column(number, field) for number, field in enumerate(table.schema)])
    return t.TGetResultSetMetadataResp(
        status=_success(),
        schema=schema,
        resultFormat=t.TSparkRowSetType.ARROW_BASED_SET,
        lz4Compressed=False,
        arrowSchema=table.schema.serialize().to_pybytes(),
        isStagingOperation=False,
    )


def _fetched(table: pa.Table, *, is_all: bool) -> Any:
    """Rows as Arrow batches."""
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    arrow = [
        t.TSparkArrowBatch(batch=batch.serialize().to_pybytes(), rowCount=batch.num_rows) for batch in batches
    ]
    return t.TFetchResultsResp(
        status=_success(),
        hasMoreRows=not is_all,
        resultSetMetadata=_metadata(table),
        results=t.TRowSet(startRowOffset=0, rows=[], arrowBatches=arrow),
    )


def _column(number: int, field: pa.Field) -> Any:
    qualifiers = None
    if pa.types.is_decimal(field.type):
        precision = t.TTypeQualifierValue(i32Value=field.type.precision)
        scale = t.TTypeQualifierValue(i32Value=field.type.scale)
        qualifiers = t.TTypeQualifiers(qualifiers={"precision": precision, "scale": scale})
    kind = next((kind for test, kind in TYPES if test(field.type)), t.TTypeId.STRING_TYPE)
    entry = t.TTypeEntry(primitiveEntry=t.TPrimitiveTypeEntry(type=kind, typeQualifiers=qualifiers))
    return t.TColumnDesc(columnName=field.name, position=number + 1, typeDesc=t.TTypeDesc(types=[entry]))
