"""A warehouse under test: its engine, SQL on it, and dbt projects that run there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapter_sql import AdapterSql
from dbt_project import DbtProject
from engines import engine_of
from engines.live import live_engine_of


class Warehouse:
    """One engine with the dbt adapter's own connection to it."""

    def __init__(self, name: str, folder: Path, *, live: bool = False) -> None:
        """Nothing runs yet."""
        self.name = name
        self.folder = folder
        self.engine = live_engine_of(name, folder) if live else engine_of(name, folder)
        self.schema_prefix = "dbt_braze_test_" if live else ""
        self.schemas: list[str] = []
        self.statements: list[str] = []

    def start(self) -> None:
        """Start the engine and connect."""
        self.engine.start()
        self.sql = AdapterSql(self.engine.output())

    def stop(self) -> None:
        """Drop what a real account would keep, and stop the engine."""
        for schema in self.schemas if self.schema_prefix else ():
            self.sql(f"drop schema if exists {schema} cascade")
        self.engine.stop()

    def project(self, name: str) -> "WarehouseProject":
        """Return a new dbt project whose models and sources have schemas of their own."""
        return WarehouseProject(self, name)


class WarehouseProject(DbtProject):
    """A throw-away dbt project on a warehouse, with source tables in the schema `<name>_source`."""

    def __init__(self, warehouse: Warehouse, name: str) -> None:
        """Lay out the project and create the schema of its sources."""
        self.warehouse = warehouse
        folder = warehouse.folder / name
        folder.mkdir()
        self.schema = warehouse.schema_prefix + name
        self.source_schema = f"{self.schema}_source"
        warehouse.schemas += [self.schema, self.source_schema]
        super().__init__(folder, output={**warehouse.engine.profile(), self._schema_key(): self.schema})
        self.statement(f"create schema {self.source_schema}")

    def _schema_key(self) -> str:
        return "dataset" if "dataset" in self.warehouse.engine.output() else "schema"

    def sources(self, *tables: str) -> None:
        """Declare the source `crm` with these tables."""
        source = {"name": "crm", "schema": self.source_schema, "tables": [{"name": name} for name in tables]}
        self.yaml("sources", {"version": 2, "sources": [source]})

    def statement(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement; a crash of the engine is told apart from a statement that fails."""
        try:
            return self.warehouse.sql(statement)
        except Exception:
            self.warehouse.engine.check_alive()
            raise

    def table(self, name: str, kinds: dict[str, str]) -> None:
        """Create a source table with columns of these kinds (engines.base.KINDS)."""
        types = self.warehouse.engine.types
        columns = ", ".join(f"{column} {types[kind]}" for column, kind in kinds.items())
        self.statement(f"create table {self.source_schema}.{name} ({columns})")

    def fill(self, name: str, kinds: dict[str, str], rows: Sequence[dict[str, Any]]) -> None:
        """Replace the rows of a source table."""
        table = f"{self.source_schema}.{name}"
        self.statement(f"delete from {table} where 1 = 1")
        literal = self.warehouse.engine.literal
        for start in range(0, len(rows), 20):
            selects = [
                "select "
                + ", ".join(f"{literal(row.get(column), kind)} as {column}" for column, kind in kinds.items())
                for row in rows[start : start + 20]
            ]
            self.statement(f"insert into {table} " + " union all ".join(selects))

    def dbt(self, *arguments: str, fails: bool = False) -> str:
        """Run dbt; every statement that it sent is kept for the judge."""
        # Nobody reads the artifacts, and writing them takes a third of a short run.
        kept = ("--log-format-file", "json", "--log-level-file", "debug", "--no-write-json")
        try:
            return super().dbt(*arguments, *kept, fails=fails)
        except AssertionError:
            self.warehouse.engine.check_alive()
            raise
        finally:
            self._keep_statements()

    def _keep_statements(self) -> None:
        log = self.folder / "logs" / "dbt.log"
        self.warehouse.statements += executed_statements(log)
        log.unlink(missing_ok=True)

    def log(self, model: str, columns: str) -> list[dict[str, Any]]:
        """Return the rows of a log in the order of their stamps, payloads parsed."""
        names = ["UPDATED_AT", *(name.strip() for name in columns.split(",")), "braze_batch", "braze_row"]
        rows = self.statement(
            f"select {', '.join(names)} from {self.schema}.{model} order by UPDATED_AT, braze_row"
        )
        return [
            {
                name: json.loads(value)
                if name in ("PAYLOAD", "PROPERTIES") and isinstance(value, str)
                else value
                for name, value in zip(names, row, strict=True)
            }
            for row in rows
        ]

    def newest(self, model: str, columns: str) -> list[dict[str, Any]]:
        """Return the rows of the newest batch, without stamps and bookkeeping, sorted."""
        rows = self.log(model, columns)
        wanted = [name.strip() for name in columns.split(",")]
        newest = [row for row in rows if row["braze_batch"] == rows[-1]["braze_batch"]] if rows else []
        return sorted(({name: row[name] for name in wanted} for row in newest), key=str)

    def count(self, model: str) -> int:
        """Return the number of rows of a model."""
        return int(self.statement(f"select count(*) from {self.schema}.{model}")[0][0])


def executed_statements(log: Path) -> list[str]:
    """Return the SQL that runs of dbt sent, in order, from their JSON log."""
    statements = []
    lines = log.read_text().splitlines() if log.exists() else []
    for line in (line for line in lines if line.startswith("{")):
        event = json.loads(line)
        if event["info"]["name"] == "SQLQuery":
            statements.append(event["data"]["sql"])
    return statements
