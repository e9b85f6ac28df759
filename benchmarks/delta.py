"""The delta of attributes on DuckDB: runs over 1 % changed users against the full build and against dbt snapshots.

Every measured run is a dbt run of its own, and its seconds are those that dbt reports for the node, hooks included.
Runs before the measured one are in the log as copies of a real batch, each with the checkpoint's note of it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import reads

ROOT = Path(__file__).resolve().parents[1]
USERS = 10_000_000
SHARE = 100  # one user in so many changes
EARLIER_RUNS = (1, 10, 50)
TWIN = 20_000  # users of the project whose plans are looked at
ATTRIBUTES = {
    "first_name": "string",
    "last_name": "string",
    "email_domain": "string",
    "city": "string",
    "country": "string",
    "language": "string",
    "plan": "string",
    "segment": "string",
    "referrer": "string",
    "age": "integer",
    "points": "integer",
    "orders": "integer",
    "spent": "decimal",
    "balance": "decimal",
    "score": "float",
    "is_member": "boolean",
    "has_app": "boolean",
    "born": "date",
    "seen_at": "timestamp",
    "tags": "array",
}
SOURCE = """
create or replace table crm.customers as select
    'customer-' || printf('%09d', i) as id,
    'Given ' || (i % 500) as first_name,
    'Family ' || (i % 9000) as last_name,
    'mail-' || (i % 700) || '.example' as email_domain,
    case when i % 3 > 0 then 'City ' || (i % 300) end as city,
    ['AT', 'BE', 'CH', 'DE'][1 + i % 4] as country,
    ['de', 'en', 'fr'][1 + i % 3] as language,
    ['free', 'plus', 'pro'][1 + i % 3] as plan,
    case when i % 5 = 0 then 'segment ' || (i % 40) end as segment,
    'campaign ' || (i % 2000) as referrer,
    i % 90 as age,
    i % 10007 as points,
    i % 61 as orders,
    cast((i % 100000) / 100 as decimal(12, 2)) as spent,
    cast((i % 7777) / 10 as decimal(12, 2)) as balance,
    i * 1.5e0 as score,
    i % 2 = 0 as is_member,
    i % 7 = 0 as has_app,
    date '1950-01-01' + cast(i % 20000 as integer) as born,
    timestamp '2025-01-01' + to_seconds(i % 20000000) as seen_at,
    ['a', 'tag ' || (i % 40)] as tags,
    timestamp '2025-12-01' - to_days(cast(i % 365 as integer)) as updated_at
from range({users}) as numbers(i)
"""
# One attribute of one user in a hundred, a day later than the change before.
CHANGE = f"""
update crm.customers set points = points + 1, updated_at = timestamp '2026-01-01' + to_days({{day}})
where cast(substring(id, 10) as bigint) % {SHARE} = {{day}}
"""
COPIES = """
insert into {log} by name
select
    batch.* exclude (UPDATED_AT, braze_batch),
    UPDATED_AT + to_microseconds(5000 * number) as UPDATED_AT,
    'copy-' || number as braze_batch
from {log} as batch, range({have}, {want}) as copies(number)
where braze_batch = (
    select braze_batch from {log} where braze_batch not like 'copy-%' order by UPDATED_AT desc limit 1
)
"""
NOTES = """
insert into {log}_checkpoint (braze_row, updated_at, braze_batch)
select 'batch/' || braze_batch, max(UPDATED_AT), braze_batch
from {log}
where braze_batch like 'copy-%'
    and 'batch/' || braze_batch not in (select braze_row from {log}_checkpoint where braze_row like 'batch/%')
group by braze_batch
"""
# What is measured: the sync, and the snapshot that has the same to go by.
VARIANTS = {
    "without updated_at": ("users_whole", "snapshot_check"),
    "with updated_at": ("users_window", "snapshot_timestamp"),
}


class Project:
    """A dbt project with a table of users, two syncs of it and two snapshots."""

    def __init__(self, folder: Path, users: int, memory: str = "10GB") -> None:
        """Write the project and its source, and install the package."""
        self.folder, self.users = folder, users
        self.database = folder / "bench.duckdb"
        (folder / "models").mkdir()
        (folder / "snapshots").mkdir()
        settings = {"memory_limit": memory, "temp_directory": str(folder / "spilled")}
        output = {
            "type": "duckdb",
            "path": str(self.database),
            "schema": "main",
            "threads": 2,
            "config_options": settings,
        }
        attributes = [{"name": name, "type": kind} for name, kind in ATTRIBUTES.items()]
        model = (
            "{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id'%s, attributes=%s) }}"
        )
        relation = "source('crm', 'customers')"
        timestamp = {"unique_key": "id", "strategy": "timestamp", "updated_at": "updated_at"}
        check = {"unique_key": "id", "strategy": "check", "check_cols": list(ATTRIBUTES)}
        files = {
            "dbt_project.yml": {"name": "bench", "version": "1.0", "profile": "bench"},
            "profiles.yml": {"bench": {"target": "dev", "outputs": {"dev": output}}},
            "packages.yml": {"packages": [{"local": str(ROOT)}]},
            "models/sources.yml": {"sources": [{"name": "crm", "tables": [{"name": "customers"}]}]},
            "snapshots/snapshots.yml": {
                "snapshots": [
                    {"name": "snapshot_check", "relation": relation, "config": check},
                    {"name": "snapshot_timestamp", "relation": relation, "config": timestamp},
                ]
            },
        }
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        (folder / "models" / "users_whole.sql").write_text(model % ("", attributes))
        (folder / "models" / "users_window.sql").write_text(model % (", updated_at='updated_at'", attributes))
        self.sql("create schema crm")
        self.dbt("deps")

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the DuckDB file and return the rows of the last."""
        rows: list[tuple[Any, ...]] = []
        with duckdb.connect(str(self.database), config={"memory_limit": "6GB"}) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    def dbt(self, *command: str) -> None:
        """Run dbt, which has to succeed."""
        dbt = Path(sys.executable).with_name("dbt")
        logs = () if command[0] == "deps" else ("--log-format-file", "json", "--log-level-file", "debug")
        done = subprocess.run(
            [dbt, "--quiet", *command, *logs], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def build(self, node: str) -> float:
        """Build a sync or a snapshot and return dbt's seconds for it."""
        self.dbt("snapshot" if node.startswith("snapshot") else "run", "--select", node)
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        return float(results[0]["execution_time"])

    def newest_rows(self, log: str) -> int:
        """Count the rows of the newest batch."""
        batch = f"select braze_batch from {log} order by UPDATED_AT desc limit 1"
        return int(self.sql(f"select count(*) from {log} where braze_batch = ({batch})")[0][0])


def run(users: int = USERS) -> list[dict[str, Any]]:
    """Measure everything and return the rows of the tables."""
    seconds: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), users)
        for what, (log, snapshot) in VARIANTS.items():
            seconds += measure(project, what, log, snapshot)
            points.append(data_points(project, what, log))
    with tempfile.TemporaryDirectory() as folder:
        twin = Project(Path(folder), TWIN)
        sizes = [line for what, nodes in VARIANTS.items() for line in read_bytes(twin, what, *nodes, users)]
    return [*seconds, *points, *sizes]


def measure(project: Project, what: str, log: str, snapshot: str) -> list[dict[str, Any]]:
    """Measure one sync beside its snapshot: the first run, then runs with ever more runs before them."""
    project.sql(SOURCE.format(users=project.users))
    full, of_snapshot = project.build(log), project.build(snapshot)
    rows = [row(what, "everything, first run", project.newest_rows(log), full, full, of_snapshot)]
    for day, earlier in enumerate(EARLIER_RUNS, 1):
        have = project.sql(f"select count(distinct braze_batch) from {log}")[0][0]
        if have < earlier:
            project.sql(COPIES.format(log=log, have=have, want=earlier), NOTES.format(log=log))
        project.sql(CHANGE.format(day=day))
        of_snapshot, seconds = project.build(snapshot), project.build(log)
        what_ran = f"1 % changed, {earlier} before"
        rows.append(row(what, what_ran, project.newest_rows(log), seconds, full, of_snapshot))
    # Room for the next sync, which has tables as large.
    project.sql(*(f"drop table {table}" for table in (f"{log}_checkpoint", snapshot)))
    return rows


def data_points(project: Project, what: str, log: str) -> dict[str, Any]:
    """Return what the newest run costs in Braze, beside sending the same users or everybody whole."""
    rows = project.newest_rows(log)
    newest = f"estimated_at = (select max(estimated_at) from {log}_data_points)"
    points = project.sql(f"select sum(data_points) from {log}_data_points where {newest}")[0][0]
    everything = project.sql(f"select sum(data_points) from {log}_data_points where not {newest}")[0][0]
    whole = f"select sum(len(json_keys(attribute_hashes))) from {log} where braze_batch = "
    newest_batch = f"(select braze_batch from {log} order by UPDATED_AT desc limit 1)"
    return {
        "benchmark": "data points per million changed users",
        "source": what,
        "changed attributes": round(points / rows * 1e6),
        "changed users whole": round(project.sql(whole + newest_batch)[0][0] / rows * 1e6),
        "everybody whole": round(everything / rows * 1e6),
    }


def read_bytes(twin: Project, what: str, log: str, snapshot: str, users: int) -> list[dict[str, Any]]:
    """Return what a first run, a run over 1 % changed users and the snapshot read, at the full size."""
    twin.sql(SOURCE.format(users=twin.users))
    twin.build(snapshot)
    lines: list[dict[str, Any]] = []
    for day, (run, node) in enumerate({"first run": log, "1 % changed": log, "snapshot": snapshot}.items()):
        before, sent = twin.folder / "before" / twin.database.name, twin.folder / "logs" / "dbt.log"
        if day:
            twin.sql(CHANGE.format(day=day))
        before.parent.mkdir(exist_ok=True)
        shutil.copy(twin.database, before)
        sent.unlink()
        twin.build(node)
        found = reads.reads_of(before, reads.statements_of(sent))
        lines += reads.lines(f"{what}: {run}", found, users / twin.users)
    return lines


def row(what: str, run: str, rows: int, seconds: float, full: float, snapshot: float) -> dict[str, Any]:
    """Return one row of the table."""
    return {
        "benchmark": "delta",
        "source": what,
        "run": run,
        "rows appended": rows,
        "seconds": round(seconds, 1),
        "of the first run": f"{seconds / full:.2f}",
        "snapshot, seconds": round(snapshot, 1),
        "snapshot / sync": f"{snapshot / seconds:.1f}",
    }
