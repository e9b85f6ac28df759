"""Load a tree of made-up Currents files into DuckDB: events per second and memory of the command's process.

The command itself runs, with all that a user's run has: dbt profile, ledger, a table for each event type. The
writing of the files is timed apart.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from braze_runner.demo.events import write_events

EVENTS = (200_000, 1_000_000)
# Runs the command in this very process and then tells what the process took.
_MEASURED = """
import json, re, sys
from pathlib import Path
from braze_runner.cli import main
try:
    main(sys.argv[1:])
except SystemExit as exc:
    code = exc.code
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"code": code, "peak_mb": peak}))
"""


def make_project(folder: Path) -> None:
    """Write a dbt project with a DuckDB file."""
    (folder / "dbt_project.yml").write_text("name: bench\nversion: '1.0'\nprofile: bench\n")
    target = {"type": "duckdb", "path": str(folder / "bench.duckdb"), "schema": "main"}
    (folder / "profiles.yml").write_text(json.dumps({"bench": {"target": "dev", "outputs": {"dev": target}}}))


def measure(target: int) -> dict[str, Any]:
    """Write about ``target`` events, load them, and return one row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        started = time.perf_counter()
        written = write_events(folder / "currents", target // 10, target=target)
        writing = time.perf_counter() - started
        command = [sys.executable, "-c", _MEASURED, "load-currents", str(folder / "currents")]
        command += ["--project-dir", str(folder), "--profiles-dir", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        told = re.search(r"([\d,]+) events in ([\d.]+) s \(([\d,]+) events/s\)", done.stdout)
        if result["code"] or told is None or int(told[1].replace(",", "")) != written.events:
            raise RuntimeError(f"load-currents did not load every event: {done.stdout}{done.stderr}")
    return {
        "benchmark": "load-currents",
        "events": written.events,
        "files": written.files,
        "events/s": int(told[3].replace(",", "")),
        "seconds": float(told[2]),
        "peak MB": round(result["peak_mb"]),
        "written in s": round(writing, 1),
    }


def run() -> list[dict[str, Any]]:
    """Measure each size and return the rows of the table."""
    return [measure(target) for target in EVENTS]


def main() -> None:
    """Print one line for each size."""
    for row in run():
        print(", ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
