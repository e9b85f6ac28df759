"""BigQuery: its client reads a result page by page, and inserts are jobs like any other."""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pyarrow as pa
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from braze_runner.warehouse.adapter import AdapterWarehouse
from braze_runner.warehouse.arrow import naive_utc, plain_batches
from braze_runner.warehouse.inserts import Row, chunks
from braze_runner.warehouse.names import parts_of

# The text of a query may have 1 MB, which a payload fills alone; its parameters do not count there, but in the
# request, which may have 10 MB. There may be 10,000 parameters. cloud.google.com/bigquery/quotas, Query jobs.
_INSERT_BYTES = 5_000_000
_INSERT_PARAMETERS = 5_000
PAGE_ROWS = 10_000
RETRY_SECONDS = 120.0
_PARAMETER_TYPES = {pa.string(): "STRING", pa.int64(): "INT64", pa.bool_(): "BOOL"}


class BigQueryWarehouse(AdapterWarehouse):
    """A project of BigQuery.

    Rows are appended by INSERT: they are there when it ends, together, and may be changed and deleted at once, which
    those of a streaming insert may not; and a load job would count against the table's loads a day.
    """

    adapter_type = "bigquery"
    label = "BigQuery"
    types: ClassVar[dict[str, str]] = {
        "text": "string",
        "integer": "int64",
        "time": "timestamp",
        "boolean": "bool",
    }
    quote = "`"
    now_sql = "current_timestamp()"
    structured = ("json", "record", "struct", "repeated")
    # A JSON null is no payload, as in the package's own models.
    structured_text = "nullif(to_json_string({column}), 'null')"

    def __init__(self, open_handle: Callable[[], Any], credentials: Any) -> None:
        self._priority = "BATCH" if str(credentials.priority).lower().endswith("batch") else "INTERACTIVE"
        self._bytes_billed = credentials.maximum_bytes_billed
        self._timeout = credentials.job_execution_timeout_seconds
        # What dbt calls a deadline of retries bounds them here too.
        deadline = credentials.job_retry_deadline_seconds or RETRY_SECONDS
        self._retry = DEFAULT_RETRY.with_timeout(deadline)
        super().__init__(open_handle, credentials)

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal, on one line."""
        for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
            text = text.replace(plain, escaped)
        return f"'{text}'"

    def md5(self, text: str) -> str:
        """Return the SQL of a text's hash, which MD5 gives as bytes."""
        return f"to_hex(md5({text}))"

    def column_types(self, relation: str) -> dict[str, str]:
        """Return column name -> type of a table or view, in order; empty without it."""
        place = self._place(relation, 3)
        table = self._found(lambda client: client.get_table(place, retry=self._retry), place)
        fields = table.schema if table else []
        return {field.name: "REPEATED" if field.mode == "REPEATED" else field.field_type for field in fields}

    def _has_schema(self, schema: str) -> bool:
        place = self._place(schema, 2)
        return bool(self._found(lambda client: client.get_dataset(place, retry=self._retry), place))

    def _place(self, relation: str, parts: int) -> str:
        """Return a name with its project as the API has it."""
        texts = [part.text for part in parts_of(relation)]
        return ".".join(texts if len(texts) >= parts else [self.database, *texts])

    def _found(self, get: Callable[[Any], Any], place: str) -> Any:
        """Return what the API says of a place, None when there is no such place."""
        with self._statement(place) as client:
            try:
                return get(client)
            except NotFound:
                return None

    def _execute(self, handle: Any, sql: str) -> None:
        self._result(handle, sql)

    def _fetch(self, handle: Any, sql: str) -> list[Row]:
        return [tuple(map(naive_utc, row.values())) for row in self._result(handle, sql)]

    def _stream(self, handle: Any, sql: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        # By the REST API, in pages and in order; the Storage API would need a package and a right of its own.
        for page in self._result(handle, sql).to_arrow_iterable():
            yield from plain_batches(page, batch_rows)

    def _insert(self, handle: Any, head: str, rows: pa.Table) -> None:
        types = [_PARAMETER_TYPES.get(field.type, "TIMESTAMP") for field in rows.schema]
        row = f"({', '.join('?' * len(types))})"
        for chunk in chunks(rows, _bytes_of, _INSERT_PARAMETERS // len(types), _INSERT_BYTES):
            parameters = [
                bigquery.ScalarQueryParameter(None, kind, value)
                for each in chunk
                for kind, value in zip(types, each, strict=True)
            ]
            self._result(handle, head + ", ".join([row] * len(chunk)), parameters)

    def _result(self, handle: Any, sql: str, parameters: list[Any] | None = None) -> Any:
        """Run a job to its end and return its rows, page by page."""
        settings = {"maximum_bytes_billed": self._bytes_billed} if self._bytes_billed else {}
        config = bigquery.QueryJobConfig(
            labels={"application": "braze-runner"},
            priority=self._priority,
            query_parameters=parameters or [],
            **settings,
        )
        # Requests are tried again, but no job is: with that on, the client ignores the deadline.
        job = handle.query(sql, job_config=config, retry=self._retry, job_retry=None)
        return job.result(page_size=PAGE_ROWS, retry=self._retry, timeout=self._timeout)


def _bytes_of(value: Any) -> int:
    """Return how many bytes a value takes in the JSON of a request."""
    return 120 + (len(json.dumps(value)) if isinstance(value, str) else 40)
