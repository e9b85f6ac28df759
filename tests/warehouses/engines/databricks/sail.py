"""Sail behind its Spark Connect client: one session that runs the SQL of every connection."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from dialect import rewritten
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, StringType

NOTHING = pa.table({"key": pa.array([], pa.string()), "value": pa.array([], pa.string())})


class Sail:
    """A session of the server; its catalogue lives as long as it does."""

    def __init__(self, remote: str, folder: Path) -> None:
        self._lock = threading.RLock()
        self._spark = (
            SparkSession.builder.remote(remote)
            .config("spark.sql.warehouse.dir", str(folder / "tables"))
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true")
            .getOrCreate()
        )
        self._spark.udf.register("standin_json_elements", _json_elements(), ArrayType(StringType()))

    def run(self, sql: str) -> pa.Table:
        """Run one statement of the warehouse's dialect."""
        with self._lock:
            statement = rewritten(sql, self.columns_of, self._values_of)
            return _plain(self._spark.sql(statement).toArrow()) if statement else NOTHING

    def columns_of(self, relation: str) -> list[tuple[str, str]]:
        """Return names and types of the columns of a table, or of a query in parentheses."""
        schema = self._spark.sql(f"select * from {relation} as relation").schema
        return [(field.name, field.dataType.simpleString()) for field in schema.fields]

    def _values_of(self, query: str) -> list[str | None]:
        return self.run(query).column(0).cast(pa.string()).to_pylist()

    def schemas(self) -> list[str]:
        """Return the names of the schemas."""
        return [str(name) for name in self.run("show databases").column(0).to_pylist()]

    def tables(self, schema: str) -> dict[str, str]:
        """Return the tables and views of a schema with their kind; none for a schema that is not there."""
        if schema not in self.schemas():
            return {}
        views = {row["tableName"] for row in self.run(f"show views in `{schema}`").to_pylist()}
        # Views of the session are listed in every schema.
        rows = self.run(f"show tables in `{schema}`").to_pylist()
        names = [row["tableName"] for row in rows if not row["isTemporary"]]
        return {name: "VIEW" if name in views else "TABLE" for name in names}

    def catalogue(self) -> dict[str, list[tuple[str, str]]]:
        """Return every table and view with its columns."""
        with self._lock:
            return {
                f"`{schema}`.`{name}`": self.columns_of(f"`{schema}`.`{name}`")
                for schema in self.schemas()
                for name in self.tables(schema)
            }


def _json_elements() -> Callable[[str | None], list[str] | None]:
    """Return the function of a JSON array's elements, each as the text of a VARIANT: compact, keys sorted."""

    # Inside, for Sail's worker can't import this module.
    def elements(text: str | None) -> list[str] | None:
        if text is None:
            return None
        options: Any = {"separators": (",", ":"), "ensure_ascii": False, "sort_keys": True}
        return [json.dumps(element, **options) for element in json.loads(text)]

    return elements


def _plain(table: pa.Table) -> pa.Table:
    """The Arrow types that a warehouse sends: plain strings, times in UTC."""
    columns = [column.cast(_plain_type(column.type)) for column in table.columns]
    return pa.table(columns, names=table.column_names) if columns else table


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp("us", "UTC")
    return kind
