"""The delta of attributes on DuckDB: first run, a run over unchanged data, and a run over 1 % changed users."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[1]
USERS = 1_000_000
CHANGED = 100  # one user in so many
MODEL = """{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', attributes=[
    {'name': 'first_name', 'type': 'string'}, {'name': 'city', 'type': 'string'}, {'name': 'plan', 'type': 'string'},
    {'name': 'age', 'type': 'integer'}, {'name': 'points', 'type': 'integer'}, {'name': 'spent', 'type': 'decimal'},
    {'name': 'score', 'type': 'float'}, {'name': 'is_member', 'type': 'boolean'}, {'name': 'born', 'type': 'date'},
    {'name': 'seen_at', 'type': 'timestamp'}, {'name': 'tags', 'type': 'array'},
] ) }}"""
SOURCE = """
create table crm.customers as select
    i as id,
    'Given ' || (i % 500) as first_name,
    case when i % 3 > 0 then 'City ' || (i % 300) end as city,
    ['free', 'plus', 'pro'][1 + i % 3] as plan,
    i % 90 as age,
    i % 10007 as points,
    cast((i % 100000) / 100 as decimal(12, 2)) as spent,
    i * 1.5 as score,
    i % 2 = 0 as is_member,
    date '1950-01-01' + cast(i % 20000 as integer) as born,
    timestamp '2026-01-01' + to_seconds(i % 20000000) as seen_at,
    ['a', 'tag ' || (i % 40)] as tags
from range({users}) as numbers(i)
"""


class Project:
    """A dbt project with one sync over one table of users."""

    def __init__(self, folder: Path, users: int) -> None:
        """Write the project and its source, and install the package."""
        self.folder = folder
        self.database = folder / "bench.duckdb"
        (folder / "models").mkdir()
        output = {"type": "duckdb", "path": str(self.database), "schema": "main", "threads": 2}
        files = {
            "dbt_project.yml": {"name": "bench", "version": "1.0", "profile": "bench"},
            "profiles.yml": {"bench": {"target": "dev", "outputs": {"dev": output}}},
            "packages.yml": {"packages": [{"local": str(ROOT)}]},
            "models/sources.yml": {"sources": [{"name": "crm", "tables": [{"name": "customers"}]}]},
        }
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        (folder / "models" / "users.sql").write_text(MODEL)
        self.sql("create schema crm")
        self.sql(SOURCE.format(users=users))
        self.dbt("deps")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on the DuckDB file."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement).fetchall()

    def dbt(self, command: str) -> None:
        """Run dbt, which has to succeed."""
        dbt = Path(sys.executable).with_name("dbt")
        done = subprocess.run(
            [dbt, "--quiet", command], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def run(self, what: str, users: int) -> dict[str, Any]:
        """Run the model; returns its row of the table, with dbt's seconds for the model, hooks included."""
        before = self.rows()
        self.dbt("run")
        result = json.loads((self.folder / "target" / "run_results.json").read_text())["results"][0]
        return {
            "benchmark": "delta",
            "users": users,
            "run": what,
            "rows appended": self.rows() - before,
            "seconds": round(result["execution_time"], 1),
        }

    def rows(self) -> int:
        """Count the rows of the log."""
        exists = self.sql("select count(*) from information_schema.tables where table_name = 'users'")[0][0]
        return int(self.sql("select count(*) from users")[0][0]) if exists else 0


def run(users: int = USERS) -> list[dict[str, Any]]:
    """Measure the runs in turn on one table and return the rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), users)
        rows = [project.run("first, everything", users), project.run("nothing changed", users)]
        for day in (1, 2):
            project.sql(f"update crm.customers set points = points + 1 where id % {CHANGED} = {day}")
            rows.append(project.run("1 % changed", users))
    for row in rows:
        row["of the first run"] = f"{row['seconds'] / rows[0]['seconds']:.2f}"
    return rows


def main() -> None:
    """Print one line a run."""
    for row in run():
        print(", ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
