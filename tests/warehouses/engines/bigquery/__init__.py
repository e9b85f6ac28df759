"""BigQuery: bqemulator runs what dbt sends, bent to what Google's ZetaSQL answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from engines.base import Engine, free_port, listens

HERE = Path(__file__).parent
PROJECT = "shop"


class BigQuery(Engine):
    """An emulator that speaks BigQuery's REST API, with its data in memory."""

    name = "bigquery"
    # docs.cloud.google.com/bigquery, Data types, Array type.
    holds_null_arrays = False
    types = {  # noqa: RUF012 (a constant of the class)
        "string": "string",
        "integer": "int64",
        "decimal": "numeric(18, 2)",
        "float": "float64",
        "boolean": "bool",
        "date": "date",
        "timestamp": "timestamp",
        "array": "array<string>",
        "object": "struct<city string, since timestamp>",
        "json": "json",
    }

    def start(self) -> None:
        """Start the emulator."""
        self.port = free_port()
        command = [self.bin("python"), HERE / "emulator.py", str(self.port), PROJECT]
        self.spawn(command, "bqemulator").wait_until(lambda: listens(self.port))

    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""
        return {
            "type": "bigquery",
            "method": "oauth-secrets",
            "token": "none",
            "project": PROJECT,
            "schema": "analytics",
            "api_endpoint": f"http://127.0.0.1:{self.port}",
            "location": "US",
            "job_retries": 0,
            "job_execution_timeout_seconds": 120,
            "threads": 2,
        }

    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a value."""
        if kind == "array":
            return f"array<string>[{', '.join(self.literal(item, 'string') for item in value or [])}]"
        if value is None:
            return f"cast(null as {self.types[kind].split('(')[0]})"
        if kind == "object":
            city, since = self.literal(value["city"], "string"), self.literal(value["since"], "timestamp")
            return f"struct({city} as city, {since} as since)"
        if kind == "string":
            return quoted(value)
        if kind == "json":
            return f"parse_json({quoted(value)}, wide_number_mode => 'round')"
        if kind == "boolean":
            return json.dumps(value)
        zone = "+00" if kind == "timestamp" else ""
        return f"cast('{value}{zone}' as {self.types[kind].split('(')[0]})"

    def judge(self, statements: Sequence[str]) -> list[str]:
        """Return what ZetaSQL's analyzer, and what is known of BigQuery beyond it, say against the statements."""
        return self.ask_judge(HERE / "judge.py", {"statements": list(statements), "tables": self._tables()})

    def _tables(self) -> dict[str, str]:
        """Return the DDL of every table: seeds and sources are created by no statement that the judge sees."""
        if not self.processes:
            return {}
        root = f"http://127.0.0.1:{self.port}/bigquery/v2/projects/{PROJECT}/datasets"

        def get(path: str) -> dict[str, Any]:
            with urlopen(f"{root}{path}") as answer:  # noqa: S310 (our own engine)
                content: dict[str, Any] = json.load(answer)
                return content

        found = {}
        for dataset in get("").get("datasets", []):
            name = dataset["datasetReference"]["datasetId"]
            for table in get(f"/{name}/tables?maxResults=1000").get("tables", []):
                identifier = table["tableReference"]["tableId"]
                fields = get(f"/{name}/tables/{identifier}").get("schema", {}).get("fields", [])
                columns = ", ".join(f"`{field['name']}` {type_of(field)}" for field in fields)
                if columns:
                    path = f"`{PROJECT}`.`{name}`.`{identifier}`"
                    found[path] = f"create table {path} ({columns})"
        return found


def type_of(field: dict[str, Any]) -> str:
    """Return the SQL type of a field of the REST API."""
    kind = {"INTEGER": "int64", "FLOAT": "float64", "BOOLEAN": "bool"}.get(
        field["type"], field["type"].lower()
    )
    if kind in ("record", "struct"):
        inner = ", ".join(f"`{part['name']}` {type_of(part)}" for part in field["fields"])
        kind = f"struct<{inner}>"
    return f"array<{kind}>" if field.get("mode") == "REPEATED" else kind


def quoted(text: str) -> str:
    """Return a text as a string literal."""
    for letter, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(letter, escape)
    return f"'{text}'"


ENGINE = BigQuery
