"""The columns of Cloud Data Ingestion's tables and their types (Braze: Cloud Data Ingestion, Table setup).

macros/checks/cdi_shape.sql says the same to dbt; a test holds the two together.
"""

import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal["updated_at", "text", "json", "boolean"]

_IDENTIFIERS = ("EXTERNAL_ID", "ALIAS_NAME", "ALIAS_LABEL", "BRAZE_ID", "EMAIL", "PHONE")
_OPTIONAL = (*_IDENTIFIERS, "DELETED")


def _columns(identifiers: tuple[str, ...], **others: Kind) -> dict[str, Kind]:
    columns: dict[str, Kind] = {"UPDATED_AT": "updated_at"}
    columns |= dict.fromkeys(identifiers, "text")
    return columns | others


COLUMNS: dict[str, dict[str, Kind]] = {
    "attributes": _columns(_IDENTIFIERS, PAYLOAD="json"),
    "events": _columns(_IDENTIFIERS, PAYLOAD="json"),
    "purchases": _columns(_IDENTIFIERS, PAYLOAD="json"),
    "deletes": _columns(_IDENTIFIERS[:4]),
    "catalog_items": _columns((), ID="text", PAYLOAD="json", DELETED="boolean"),
    "canvas_triggers": _columns(_IDENTIFIERS[:3], PROPERTIES="json"),
}
"""Type of sync -> column -> kind; Cloud Data Ingestion has no table for other types."""

_SNOWFLAKE_TEXT = ("varchar", "text", "character varying")
_REDSHIFT_TEXT = ("varchar", "character varying")
TYPES: dict[str, dict[Kind, tuple[str, ...]]] = {
    # Braze does not read DuckDB: these are the types that this package's models write there.
    "duckdb": {
        "updated_at": ("timestamp",),
        "text": ("varchar",),
        "json": ("varchar", "json"),
        "boolean": ("boolean",),
    },
    "snowflake": {
        "updated_at": ("timestamp_ntz",),
        "text": _SNOWFLAKE_TEXT,
        "json": _SNOWFLAKE_TEXT,
        "boolean": ("boolean",),
    },
    "bigquery": {
        "updated_at": ("timestamp",),
        "text": ("string",),
        "json": ("json",),
        "boolean": ("boolean", "bool"),
    },
    "redshift": {
        "updated_at": ("timestamptz", "timestamp with time zone"),
        "text": _REDSHIFT_TEXT,
        "json": _REDSHIFT_TEXT,
        "boolean": ("boolean",),
    },
    "databricks": {
        "updated_at": ("timestamp",),
        "text": ("string",),
        "json": ("string", "struct", "map"),
        "boolean": ("boolean",),
    },
}
"""dbt's adapter type -> kind of column -> the names that the warehouse has for the types that Braze documents."""


def plain_type(type_: str) -> str:
    """Return a type's name without length and parts, in lower case."""
    return re.split("[(<]", type_.lower())[0].strip()


def shape_problems(adapter_type: str, sync_type: str, columns: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a table's columns, name in upper case -> plain type, one sentence each."""
    expected = COLUMNS.get(sync_type, {"UPDATED_AT": "updated_at"})
    problems = [
        f"there is no column {name}" for name in expected if name not in columns and name not in _OPTIONAL
    ]
    identifiers = [name for name in expected if name in _IDENTIFIERS]
    if identifiers and not any(name in columns for name in identifiers):
        problems.append("there is no column of an identifier")
    if sync_type in COLUMNS and ("ALIAS_NAME" in columns) != ("ALIAS_LABEL" in columns):
        problems.append("an alias needs both ALIAS_NAME and ALIAS_LABEL")
    if sync_type == "deletes" and "PAYLOAD" in columns:
        problems.append("there is a column PAYLOAD, with which Braze deletes nobody")
    for name, kind in expected.items():
        types = TYPES[adapter_type][kind]
        if name in columns and columns[name] not in types:
            problems.append(f"{name} is {columns[name]}; Braze takes {' or '.join(types)}")
    return problems
