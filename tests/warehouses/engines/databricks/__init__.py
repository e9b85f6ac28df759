"""Databricks: Sail runs the SQL behind a front that speaks the warehouse's protocol; Spark's own analyzer judges."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from ssl import create_default_context
from typing import Any

from engines.base import Engine, free_port, listens

SCRIPTS = Path(__file__).parent
TRUSTED = "REQUESTS_CA_BUNDLE"


class Databricks(Engine):
    """A hive_metastore on one session of Sail."""

    name = "databricks"
    types = {  # noqa: RUF012 (a constant of the class)
        "string": "string",
        "integer": "bigint",
        "decimal": "decimal(18, 2)",
        "float": "double",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "array": "array<string>",
        "object": "struct<city: string, since: timestamp>",
        "json": "string",
    }
    _trusted_before: str | None = None

    def start(self) -> None:
        """Start Sail, then its front."""
        sail_port, self.port = free_port(), free_port()
        command: list[str | Path] = [
            self.bin("sail"),
            "spark",
            "server",
            "--ip",
            "127.0.0.1",
            "--port",
            str(sail_port),
        ]
        self.spawn(command, "sail").wait_until(lambda: listens(sail_port))
        remote = f"sc://127.0.0.1:{sail_port}"
        front = self.spawn(
            [self.bin("python"), SCRIPTS / "front.py", str(self.port), remote, self.folder], "front"
        )
        front.wait_until(lambda: listens(self.port))
        self._trusted_before = os.environ.get(TRUSTED)
        # The adapter asks its host what it is with `requests`, over https, and no setting of a profile reaches that.
        os.environ[TRUSTED] = str(self.folder / "certificate.pem")

    def stop(self) -> None:
        """Stop the processes, and trust what was trusted before."""
        super().stop()
        os.environ.pop(TRUSTED, None)
        if self._trusted_before is not None:
            os.environ[TRUSTED] = self._trusted_before

    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""
        host = f"127.0.0.1:{self.port}"
        path = "/sql/1.0/warehouses/standin"
        return {
            "type": "databricks",
            "host": host,
            "http_path": path,
            "token": "standin",
            "catalog": "hive_metastore",
            "schema": "analytics",
            "threads": 2,
            "connect_retries": 0,
            "connection_parameters": {
                "_connection_uri": f"https://{host}{path}",
                "_tls_trusted_ca_file": str(self.folder / "certificate.pem"),
                "_retry_stop_after_attempts_count": 1,
                "enable_telemetry": False,
            },
        }

    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a value."""
        if value is None:
            return f"cast(null as {self.types[kind]})"
        if kind == "array":
            return (
                f"cast(array({', '.join(self.literal(item, 'string') for item in value)}) as array<string>)"
            )
        if kind == "object":
            city, since = self.literal(value["city"], "string"), self.literal(value["since"], "timestamp")
            return f"named_struct('city', {city}, 'since', {since})"
        if kind in ("string", "json"):
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "$\\{")
            return f"'{escaped}'"
        zone = "Z" if kind == "timestamp" else ""
        return f"cast('{value}{zone}' as {self.types[kind]})"

    def judge(self, statements: Sequence[str]) -> list[str]:
        """Return what Spark's parser and analyzer refuse, with the tables that the engine has."""
        trust = create_default_context(cafile=str(self.folder / "certificate.pem"))
        url = f"https://127.0.0.1:{self.port}/catalogue"
        with urllib.request.urlopen(url, context=trust) as answer:
            catalogue = json.load(answer)
        return judged(statements, catalogue, self.folder)


def judged(statements: Sequence[str], catalogue: dict[str, Any], folder: Path) -> list[str]:
    """Run the judge over statements, in their order, with these tables to begin with."""
    result = subprocess.run(
        [Databricks.bin("python"), SCRIPTS / "judge.py"],
        cwd=folder,
        input=json.dumps({"catalogue": catalogue, "statements": list(statements)}),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"the judge failed:\n{result.stderr[-3000:]}")
    problems: list[str] = json.loads(result.stdout)
    return problems


ENGINE = Databricks
