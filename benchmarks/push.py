"""Push against other senders on one sink and the same rows: rows per second, CPU and memory of each, and ratios.

They take turns, and the whole turn is repeated, as the speed of a machine varies. A sink is a process on the same
machine; it counts what arrives, so that nobody is fast by losing rows. The slow ones send the first rows only.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.project import make_project
from benchmarks.sink import Limit, counts, running
from braze_runner import limits

ROWS = 1_000_000
ROUNDS = 3
CAPTION = """\
rows/s and the ratio to the bare sender: medians of all rounds. CPU: of the whole process, start-up included. The bare
sender sends bodies that it has already. The runner's time begins with its start, dbt's imports among it, and has
validation and ledger in it. Refused: answered with 429 and sent again."""
_ROOT = Path(__file__).parents[1]
_PYTHONS = {"drt": str(_ROOT / ".engines" / "drt" / "bin" / "python")}
_TITLES = {
    "runner": "braze-runner",
    "bare": "bare sender",
    "loop": "requests, 20 threads",
    "drt": "drt-core",
}


class Scene(NamedTuple):
    """What the sink does, and how many rows each of the slow ones sends: about ten seconds of work."""

    latency: float
    limit: Limit | None
    most_rows: dict[str, int]

    @property
    def title(self) -> str:
        """Name the scene."""
        limit = f"{self.limit[0]:,} requests in {self.limit[1]} s" if self.limit else "no limit"
        return f"push: latency {self.latency * 1000:.0f} ms, {limit}"


SCENES = (
    Scene(0.1, Limit(limits.TRACK.requests, limits.TRACK.seconds), {"loop": 150_000, "drt": 7_500}),
    Scene(0.0, None, {"loop": 300_000, "drt": 150_000}),
)


def send_once(name: str, scene: Scene, project: Path, rows: int, destination: str) -> dict[str, Any]:
    """Let one sender send to a sink of its own; raises RuntimeError when not every row arrived once."""
    rows = min(rows, scene.most_rows.get(name, rows))
    with running(scene.latency, scene.limit) as address:
        job = {
            "project": str(project),
            "destination": destination,
            "rows": rows,
            "address": address,
            "latency": scene.latency,
            "limit": scene.limit,
        }
        command = [_PYTHONS.get(name, sys.executable), "-m", "benchmarks.measured", name, json.dumps(job)]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stdout}{done.stderr}")
        arrived = counts(address)
    if arrived["objects"] != rows:
        raise RuntimeError(f"{name} sent {arrived['objects']:,} of {rows:,} rows")
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return taken | {"rows": rows, "rate": rows / taken["seconds"], "refused": arrived["refused"]}


def run(rows: int = ROWS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Measure each sender in each scene; returns one row for the table of each."""
    names = [name for name in _TITLES if name not in _PYTHONS or Path(_PYTHONS[name]).exists()]
    results: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder), rows)
        for turn in range(rounds):
            for place, scene in enumerate(SCENES):
                for name in names:
                    taken = send_once(name, scene, Path(folder), rows, f"round-{turn}-{place}")
                    results[place, name].append(taken)
    lines = [
        _line(scene.title, name, results[place, name], results[place, "bare"])
        for place, scene in enumerate(SCENES)
        for name in names
    ]
    # Once, below the last table.
    return [*lines[: -len(names)], *(line | {"caption": CAPTION} for line in lines[-len(names) :])]


def _line(title: str, name: str, taken: list[dict[str, Any]], bare: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a sender's row: medians of its rounds, and its rate as a share of the bare sender's in the same round."""
    shares = [each["rate"] / other["rate"] for each, other in zip(taken, bare, strict=True)]
    cpu = statistics.median(each["cpu_seconds"] / each["rows"] * 1e6 for each in taken)
    return {
        "benchmark": title,
        "sender": _TITLES[name],
        "rows": taken[0]["rows"],
        "rows/s": round(statistics.median(each["rate"] for each in taken)),
        "of bare": f"{statistics.median(shares):.1%}",
        "CPU s / million": f"{cpu:.1f}",
        "peak MB": round(max(each["peak_mb"] for each in taken)),
        "refused": max(each["refused"] for each in taken),
    }


def main() -> None:
    """Print one line a measurement."""
    for result in run():
        print(", ".join(f"{name} {value}" for name, value in result.items() if name != "caption"))


if __name__ == "__main__":
    main()
