"""The Thrift service of a SQL warehouse, as far as the adapter's connector asks for it."""

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


class Service:
    """One method a Thrift call; every answer carries its rows, so nothing is fetched later."""

    def __init__(self, sail: Sail) -> None:
        self._sail = sail

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

    def CloseOperation(self, _request: Any) -> Any:  # noqa: N802
        return t.TCloseOperationResp(status=_success())

    def CancelOperation(self, _request: Any) -> Any:  # noqa: N802
        return t.TCancelOperationResp(status=_success())

    def GetOperationStatus(self, _request: Any) -> Any:  # noqa: N802
        return _finished()

    def ExecuteStatement(self, request: Any) -> Any:  # noqa: N802
        return _answer(t.TExecuteStatementResp, lambda: self._sail.run(request.statement), request.statement)

    def GetCatalogs(self, _request: Any) -> Any:  # noqa: N802
        return _answer(t.TGetCatalogsResp, lambda: pa.table({"TABLE_CAT": [CATALOG]}))

    def GetSchemas(self, _request: Any) -> Any:  # noqa: N802
        return _answer(t.TGetSchemasResp, self._schemas)

    def GetTables(self, request: Any) -> Any:  # noqa: N802
        schema = (request.schemaName or "default").replace("\\", "")
        return _answer(t.TGetTablesResp, lambda: self._tables(schema))

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


def _answer(response: Any, run: Callable[[], pa.Table], statement: str = "") -> Any:
    handle = t.TOperationHandle(
        operationId=_handle(), operationType=t.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
    )
    try:
        results = _direct(run())
    except Exception as exc:
        print(f"failed: {exc}\n{statement}\n", file=sys.stderr, flush=True)  # noqa: T201 (the log)
        results = _failed(str(exc)[:4000])
    return response(status=_success(), operationHandle=handle, directResults=results)


def _failed(message: str) -> Any:
    status = t.TGetOperationStatusResp(
        status=_success(),
        operationState=t.TOperationState.ERROR_STATE,
        sqlState="42000",
        errorMessage=message,
        displayMessage=message,
    )
    return t.TSparkDirectResults(operationStatus=status)


def _direct(table: pa.Table) -> Any:
    """All rows, as Arrow batches."""
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    schema = t.TTableSchema(columns=[_column(number, field) for number, field in enumerate(table.schema)])
    metadata = t.TGetResultSetMetadataResp(
        status=_success(),
        schema=schema,
        resultFormat=t.TSparkRowSetType.ARROW_BASED_SET,
        lz4Compressed=False,
        arrowSchema=table.schema.serialize().to_pybytes(),
        isStagingOperation=False,
    )
    arrow = [
        t.TSparkArrowBatch(batch=batch.serialize().to_pybytes(), rowCount=batch.num_rows) for batch in batches
    ]
    rows = t.TRowSet(startRowOffset=0, rows=[], arrowBatches=arrow)
    return t.TSparkDirectResults(
        operationStatus=_finished(),
        resultSetMetadata=metadata,
        resultSet=t.TFetchResultsResp(status=_success(), hasMoreRows=False, results=rows),
        closeOperation=t.TCloseOperationResp(status=_success()),
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
