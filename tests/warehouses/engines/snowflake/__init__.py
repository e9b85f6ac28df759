"""Snowflake: fakesnow, which speaks Snowflake's protocol in front of DuckDB, bent where it differs from Snowflake."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.base import Engine, free_port, listens

HERE = Path(__file__).parent


class Snowflake(Engine):
    """One server with a database in its memory."""

    name = "snowflake"
    types = {  # noqa: RUF012 (a constant of the class)
        "string": "varchar",
        "integer": "number(38, 0)",
        "decimal": "number(18, 2)",
        "float": "float",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp_ntz(9)",
        "array": "array",
        "object": "object",
        "json": "varchar",
    }

    def start(self) -> None:
        """Start the server."""
        self.port = free_port()
        command = [self.bin("python"), HERE / "server.py", str(self.port)]
        server = self.spawn(command, "fakesnow", TMPDIR=str(self.folder))
        server.wait_until(lambda: listens(self.port))

    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""
        return {
            "type": "snowflake",
            "account": "local",
            "user": "tests",
            "password": "none",
            "host": "127.0.0.1",
            "port": self.port,
            "protocol": "http",
            "database": "BRAZE",
            "schema": "ANALYTICS",
            "warehouse": "TESTS",
            "role": "TESTS",
            "threads": 2,
            "connect_retries": 0,
        }

    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a value."""
        if value is None:
            return f"cast(null as {self.types[kind]})"
        if kind == "array":
            return f"array_construct({', '.join(self.literal(item, 'string') for item in value)})"
        if kind == "object":
            city = self.literal(value["city"], "string")
            return f"object_construct('city', {city}, 'since', {self.literal(value['since'], 'timestamp')})"
        if kind in ("string", "json"):
            return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
        if kind == "boolean":
            return json.dumps(value)
        return f"cast('{value}' as {self.types[kind]})"

    def judge(self, statements: Sequence[str]) -> list[str]:
        """Ask a parser of the dialect, with lists of what Snowflake has and what the stand-in takes besides."""
        return self.ask_judge(HERE / "judge.py", list(statements))


ENGINE = Snowflake
