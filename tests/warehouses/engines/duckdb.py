"""DuckDB: the embedded default, so the engine is the warehouse itself."""

import json
from collections.abc import Sequence
from typing import Any

from engines.base import Engine


class DuckDB(Engine):
    """A file that dbt opens."""

    name = "duckdb"
    types = {  # noqa: RUF012 (a constant of the class)
        "string": "varchar",
        "integer": "bigint",
        "decimal": "decimal(18, 2)",
        "float": "double",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "array": "varchar[]",
        "object": "struct(city varchar, since timestamp)",
        "json": "json",
    }

    def start(self) -> None:
        """There is nothing to start."""

    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""
        return {
            "type": "duckdb",
            "path": str(self.folder / "warehouse.duckdb"),
            "schema": "analytics",
            "threads": 2,
        }

    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a value."""
        if value is None:
            return f"cast(null as {self.types[kind]})"
        if kind == "array":
            return f"[{', '.join(self.literal(item, 'string') for item in value)}]::varchar[]"
        if kind == "object":
            since = self.literal(value["since"], "timestamp")
            return f"{{'city': {self.literal(value['city'], 'string')}, 'since': {since}}}"
        if kind in ("string", "json"):
            return "'" + value.replace("'", "''") + "'"
        if kind in ("integer", "decimal", "float"):
            return f"cast('{value}' as {self.types[kind]})"
        if kind == "boolean":
            return json.dumps(value)
        return f"cast('{value}' as {self.types[kind]})"

    def judge(self, statements: Sequence[str]) -> list[str]:  # noqa: ARG002 (it has run them)
        """Nothing to add: what ran is right."""
        return []


ENGINE = DuckDB
