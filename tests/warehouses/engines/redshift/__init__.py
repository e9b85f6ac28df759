"""Redshift: PostgreSQL behind a proxy that translates and refuses what Redshift does not have."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engines.base import Engine, free_port, listens

HERE = Path(__file__).parent


class Redshift(Engine):
    """PostgreSQL and the proxy, one process with its children."""

    name = "redshift"
    types = {  # noqa: RUF012 (a constant of the class)
        "string": "varchar(max)",
        "integer": "bigint",
        "decimal": "decimal(18, 2)",
        "float": "double precision",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "array": "super",
        "object": "super",
        "json": "varchar(max)",
    }
    sorts_json_keys = False

    def start(self) -> None:
        """Start PostgreSQL and the proxy."""
        self.port = free_port()
        command: list[str | Path] = [
            self.bin("python"),
            HERE / "server.py",
            str(self.port),
            str(free_port()),
            self.folder,
        ]
        self.spawn(command, "redshift").wait_until(lambda: listens(self.port))

    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""
        return {
            "type": "redshift",
            "host": "127.0.0.1",
            "port": self.port,
            "user": "dev",
            "password": "dev",
            "dbname": "dev",
            "schema": "analytics",
            "threads": 2,
            "sslmode": "disable",
            "connect_timeout": 10,
            "retries": 0,
        }

    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a value."""
        if value is None:
            return f"cast(null as {self.types[kind]})"
        if kind == "array":
            return f"json_parse({quoted(json.dumps(value))})"
        if kind == "object":
            return f"json_parse({quoted(json.dumps(value, default=str))})"
        if kind in ("string", "json"):
            return f"cast({quoted(value)} as varchar(max))"
        if kind == "boolean":
            return json.dumps(value)
        return f"cast('{value}' as {self.types[kind]})"

    def judge(self, statements: Sequence[str]) -> list[str]:
        """Parse them with sqlglot, and look for what Redshift has not."""
        return self.ask_judge(HERE / "judge.py", list(statements))


def quoted(text: str) -> str:
    """Return a string literal: a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


ENGINE = Redshift
