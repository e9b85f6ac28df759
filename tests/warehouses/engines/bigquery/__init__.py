"""BigQuery: bqemulator runs what dbt sends, bent to the answers of ZetaSQL, Google's own implementation of the language."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.base import Engine, free_port, listens

HERE = Path(__file__).parent
PROJECT = "shop"


class BigQuery(Engine):
    """An emulator that speaks BigQuery's REST API, with its data in memory."""

    name = "bigquery"
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
            # A null array is stored as an empty one: docs.cloud.google.com/bigquery, Data types, Nulls and the array type.
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
        answer = subprocess.run(
            [self.bin("python"), HERE / "judge.py"],
            input=json.dumps(list(statements)),
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise RuntimeError(answer.stderr[-3000:])
        problems: list[str] = json.loads(answer.stdout)
        return problems


def quoted(text: str) -> str:
    """Return a text as a string literal."""
    for letter, escape in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(letter, escape)
    return f"'{text}'"


ENGINE = BigQuery
