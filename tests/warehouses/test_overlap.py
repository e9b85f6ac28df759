"""Two runs of one model at the same time: whatever they do to each other, the run after them leaves nothing wrong."""

import threading
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from interruptions import held_at
from warehouse import Warehouse, WarehouseProject

KINDS = {"id": "string", "name": "string", "city": "string"}
EVENTS = {"id": "string", "user_id": "string", "happened_at": "timestamp"}
TIME = datetime(2026, 1, 2)  # noqa: DTZ001 (the column has no zone)
USERS = (
    "{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', "
    "attributes=[{'name': 'name', 'type': 'string'}, {'name': 'city', 'type': 'string'}]) }}"
)
HAPPENED = (
    "{{ dbt_braze.events_sync(source('crm', 'happened'), event_id='id', external_id='user_id', name=\"'Opened'\", "
    "time='happened_at') }}"
)
# Statements of a run, counted from its first; a run has about 15.
SOME_STATEMENTS = (4, 9)


class HeldRun:
    """A run of dbt that waits at one of its statements until it may go on."""

    def __init__(self, project: WarehouseProject, statement: int, model: str) -> None:
        """Start it and return once it waits, or has ended before that."""
        self.gate = Path(project.folder) / f"gate-{model}-{statement}"
        self._thread = threading.Thread(target=project.dbt_code, args=("run", "--select", model))
        with held_at(statement, self.gate):
            self._thread.start()
            while self._thread.is_alive() and not self.gate.with_suffix(".held").exists():
                self._thread.join(timeout=0.05)

    def go_on(self) -> None:
        """Let it run to its end, be that a success or not."""
        self.gate.with_suffix(".go").touch()
        self._thread.join()


def run_while_held(project: WarehouseProject, held: HeldRun, model: str) -> None:
    """Run dbt; if the held run keeps a lock that it needs, let that one go on first."""
    other = threading.Thread(
        target=project.dbt_code, args=("run", "--select", model, "--target-path", "other")
    )
    other.start()
    other.join(timeout=60)
    held.go_on()
    other.join()


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A model of attributes and one of events, each run once."""
    if warehouse.name == "duckdb":
        pytest.skip("a second process can't open the file while dbt has it")
    project = warehouse.project("overlap")
    project.sources("customers", "happened")
    project.table("customers", KINDS)
    project.table("happened", EVENTS)
    project.model("users", USERS)
    project.model("events", HAPPENED)
    project.fill("customers", KINDS, [{"id": "a", "name": "A", "city": "X"}, {"id": "b", "name": "B"}])
    project.fill("happened", EVENTS, [{"id": "0", "user_id": "a", "happened_at": TIME}])
    project.run()
    return project


def applied(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Braze holds once the rows have been applied."""
    profiles: dict[str, dict[str, Any]] = {}
    for row in rows:
        profiles.setdefault(row["EXTERNAL_ID"], {}).update(row["PAYLOAD"])
    return profiles


def test_overlapping_runs_of_attributes_lose_nothing(project: WarehouseProject, thorough: bool) -> None:
    for statement in range(1, 16) if thorough else SOME_STATEMENTS:
        project.fill("customers", KINDS, [{"id": "a", "name": "A", "city": f"slow {statement}"}])
        held = HeldRun(project, statement, "users")
        last = [
            {"id": "a", "name": "A", "city": f"last {statement}"},
            {"id": f"new {statement}", "name": "N"},
        ]
        project.fill("customers", KINDS, last)
        run_while_held(project, held, "users")
        project.run("--select", "users")
        rows = project.log("users", "EXTERNAL_ID, PAYLOAD")
        profiles = applied(rows)
        assert profiles["a"] == {"name": "A", "city": f"last {statement}"}
        assert profiles[f"new {statement}"] == {"name": "N"}
        assert len({(row["braze_batch"], row["EXTERNAL_ID"]) for row in rows}) == len(rows)
        stamps: dict[str, list[Any]] = {}
        for row in rows:
            stamps.setdefault(row["braze_batch"], []).append(row["UPDATED_AT"])
        ordered = sorted(stamps.values(), key=min)
        assert all(max(before) < min(after) for before, after in pairwise(ordered))
        settled = len(rows)
        project.run("--select", "users")
        assert project.count("users") == settled


def test_overlapping_runs_emit_each_event_once(project: WarehouseProject, thorough: bool) -> None:
    rows = [{"id": "0", "user_id": "a", "happened_at": TIME}]
    for statement in range(1, 16) if thorough else SOME_STATEMENTS:
        rows.append({"id": f"first {statement}", "user_id": "a", "happened_at": TIME})
        project.fill("happened", EVENTS, rows)
        held = HeldRun(project, statement, "events")
        rows.append({"id": f"second {statement}", "user_id": "b", "happened_at": TIME})
        project.fill("happened", EVENTS, rows)
        run_while_held(project, held, "events")
        project.run("--select", "events")
        emitted = [row["braze_row"] for row in project.log("events", "EXTERNAL_ID")]
        assert len(emitted) == len(set(emitted)) == len(rows)
