"""Push from a DuckDB file to a loopback sink: rows per second, memory and CPU of the runner's process.

The runner's own command runs, with all that a user's run has: dbt profile, validation, ledger. The sink is a
second process on the same machine.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

ROWS = (100_000, 2_000_000)
LATENCIES = (0.0, 0.1)
_SYNC = "model.bench.users_attributes_sync"
_TABLE = """
create table braze.users_attributes_sync as
select
    timestamp '2026-01-01 00:00:00' as "UPDATED_AT",
    printf('customer-%09d', i) as "EXTERNAL_ID",
    printf('{"first_name":"Given %d","loyalty_points":%d,"premium":%s', i % 500, i * 7 % 10000, i % 3 = 0)
    || case when i % 2 = 0 then printf(',"last_order":"2025-12-%02dT10:00:00Z"', 1 + i % 28) else '' end
    || case when i % 5 = 0 then ',"favorite_color":null' else '' end || '}' as "PAYLOAD",
    'batch-1' as braze_batch,
    md5(printf('customer-%09d', i)) as braze_row,
    md5(printf('row-%d', i)) as row_hash,
    printf('{"first_name":"%s","loyalty_points":"%s"}', md5(i::text), md5((i + 1)::text)) as attribute_hashes
from range(:rows) as t (i)
"""
# Runs the command in this very process and then tells what the process took.
_MEASURED = """
import json, re, resource, sys, time
from pathlib import Path
from braze_runner.cli import main
try:
    main(sys.argv[1:])
except SystemExit as exc:
    code = exc.code
used = resource.getrusage(resource.RUSAGE_SELF)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"code": code, "peak_mb": peak, "cpu_seconds": used.ru_utime + used.ru_stime}))
"""


def make_project(folder: Path, rows: int) -> Path:
    """Write a dbt project whose sync table has one pending batch; returns the database's path."""
    database = folder / "bench.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema braze")
        connection.execute(_TABLE.replace("range(:rows)", f"range({rows})"))
    (folder / "dbt_project.yml").write_text("name: bench\nversion: '1.0'\nprofile: bench\n")
    profile = {
        "target": "dev",
        "outputs": {"dev": {"type": "duckdb", "path": str(database), "schema": "braze"}},
    }
    (folder / "profiles.yml").write_text(json.dumps({"bench": profile}))
    node = {
        "unique_id": _SYNC,
        "resource_type": "model",
        "name": "users_attributes_sync",
        "database": "bench",
        "schema": "braze",
        "config": {"materialized": "incremental", "meta": {"braze": {"sync": "attributes"}}},
    }
    manifest = {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes": {_SYNC: node},
    }
    (folder / "target").mkdir()
    (folder / "target" / "manifest.json").write_text(json.dumps(manifest))
    return database


@contextmanager
def sink(latency: float) -> Iterator[int]:
    """Run the sink; gives its port."""
    command = [sys.executable, "-m", "benchmarks.sink", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.terminate()


def push_once(project: Path, port: int, destination: str, arguments: tuple[str, ...] = ()) -> dict[str, Any]:
    """Push everything to a destination that has nothing yet; returns what the run took."""
    environment = os.environ | {
        "BRAZE_REST_ENDPOINT": f"http://127.0.0.1:{port}",
        "BRAZE_API_KEY": "benchmark",
        "BRAZE_DESTINATION": destination,
        "COLUMNS": "100",
    }
    command = [sys.executable, "-c", _MEASURED, "push", "--project-dir", str(project), *arguments]
    command += ["--profiles-dir", str(project)]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if measured["code"]:
        raise RuntimeError(f"the push failed: {done.stdout}{done.stderr}")
    seconds = re.findall(r"seconds\W+([\d.,]+)", done.stdout)[0]
    return measured | {"seconds": float(seconds.replace(",", "")), "wall_seconds": wall}


def run(sizes: tuple[int, ...] = ROWS, latencies: tuple[float, ...] = LATENCIES) -> list[dict[str, Any]]:
    """Measure each size at each latency; returns one row for the table of each."""
    results = []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_project(Path(folder), rows)
            for latency in latencies:
                with sink(latency) as port:
                    took = push_once(Path(folder), port, f"latency-{latency * 1000:.0f}")
                results.append(
                    {
                        "benchmark": "push",
                        "rows": rows,
                        "latency ms": round(latency * 1000),
                        "rows/s": round(rows / took["seconds"]),
                        "seconds": round(took["seconds"], 1),
                        "with start-up": round(took["wall_seconds"], 1),
                        "CPU s": round(took["cpu_seconds"], 1),
                        "peak MB": round(took["peak_mb"]),
                    }
                )
    return results


def main() -> None:
    """Print one line a measurement."""
    for result in run():
        print(", ".join(f"{name} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
