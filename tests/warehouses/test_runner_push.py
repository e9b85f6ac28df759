"""A sync that dbt built is pushed from every warehouse to the local Braze, whose profiles are then those of the source."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from values import KINDS, customers, profile
from warehouse import Warehouse, WarehouseProject

from braze_runner.checks import Report, check
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, Summary, push
from braze_runner.engine.status import read_status
from braze_runner.sandbox import SandboxServer
from braze_runner.verify import VerifySettings, verify
from braze_runner.warehouse import DbtOptions
from braze_runner.warehouse.adapter import AdapterWarehouse
from braze_runner.warehouse.inserts import values_of

KEY = "key-of-the-tests"
ATTRIBUTES: list[dict[str, Any]] = [
    {"name": "name", "type": "string"},
    {"name": "age", "type": "integer"},
    {"name": "spent", "type": "decimal"},
    {"name": "score", "type": "float"},
    {"name": "vip", "type": "boolean"},
    {"name": "tags", "type": "array", "compare": "set"},
    {"name": "place", "column": "place", "fields": [{"name": "city", "type": "string"}]},
]
META = "{{ config(meta={'braze': {'sync': 'attributes'}}) }}\n"
NAMES = [attribute["name"] for attribute in ATTRIBUTES]
MODEL = "{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', attributes=%r) }}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A local Braze."""
    with SandboxServer(db=tmp_path_factory.mktemp("sandbox") / "profiles.sqlite", api_key=KEY) as server:
        yield server


@pytest.fixture(autouse=True)
def judged(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the statements of the runner for the judge, as those of dbt are (test_what_dbt_sent)."""

    def keep(name: str, sql_of: Callable[..., str]) -> None:
        method = getattr(AdapterWarehouse, name)

        def call(self: AdapterWarehouse, *arguments: Any) -> Any:
            warehouse.statements.append(sql_of(self, *arguments))
            return method(self, *arguments)

        monkeypatch.setattr(AdapterWarehouse, name, call)

    def insert_of(self: AdapterWarehouse, table: str, rows: Any) -> str:
        first = [tuple(row.values()) for row in rows.slice(0, 1).to_pylist()]
        values = values_of(first, self.literal, self.types["time"])
        return f"insert into {table} ({', '.join(rows.column_names)}) values {values}"

    for name in ("execute", "fetch_all"):
        keep(name, lambda _, sql: sql)
    keep("stream", lambda _self, sql, _rows: sql)
    keep("append", insert_of)


def test_profiles_are_those_of_the_source_and_nothing_is_pushed_twice(
    warehouse: Warehouse, sandbox: SandboxServer
) -> None:
    project = warehouse.project("pushed")
    project.sources("customers")
    project.table("customers", KINDS)
    project.model("users", META + MODEL % ATTRIBUTES)
    rows = customers(null_arrays=warehouse.engine.holds_null_arrays)
    rows = [row | {"id": f"{warehouse.name}-{row['id']}"} for row in rows]
    project.fill("customers", KINDS, rows)
    project.run()
    assert project.dbt_code("parse") == 0
    first = run_push(project, sandbox)
    assert (first.error, first.counts.rows_rejected) == (None, 0)
    assert first.counts.rows_sent == project.count("users")
    assert profiles(sandbox, rows) == {row["id"]: wanted(row) for row in rows if wanted(row)}
    assert run_push(project, sandbox).counts.rows_read == 0
    # Of a later batch only that is sent.
    rows[0]["name"] = "changed"
    project.fill("customers", KINDS, rows)
    project.run()
    assert run_push(project, sandbox).counts.rows_sent == 1
    assert profiles(sandbox, rows[:1]) == {rows[0]["id"]: wanted(rows[0])}
    found = look_at(project, sandbox)
    assert {(each.area, each.verdict) for each in found.checks} == {
        ("warehouse", "ok"),
        ("table", "ok"),
        ("state", "ok"),
        ("key", "ok"),
        ("permission", "ok"),
    }, found
    if warehouse.name != "duckdb":
        kept = [sql.split()[0] for sql in warehouse.statements if "braze_sync_ledger" in sql]
        assert {"create", "select", "insert"} <= set(kept)


def run_push(project: WarehouseProject, sandbox: SandboxServer) -> Summary:
    return push(options_of(project), config_of(sandbox), PushSettings(workers=2))


def options_of(project: WarehouseProject) -> DbtOptions:
    return DbtOptions(project_dir=project.folder, profiles_dir=project.folder)


def config_of(sandbox: SandboxServer) -> BrazeConfig:
    return BrazeConfig(sandbox.url, "127.0.0.1", Secret(KEY), "default")


def look_at(project: WarehouseProject, sandbox: SandboxServer) -> Report:
    """Status and verification of what was pushed, and the report of a check."""
    options = options_of(project)
    [status] = read_status(options, "default", ["users"]).syncs
    assert (status.pending_rows, status.rejected, status.run_status) == (0, 0, "success")
    assert status.watermark == status.newest
    assert status.lag == dt.timedelta()
    [pending] = read_status(options, "another", ["users"]).syncs
    assert (pending.pending_rows, pending.watermark) == (project.count("users"), None)
    verified = verify(options, config_of(sandbox), VerifySettings(seed=1, sample=1_000, show=True))
    assert verified.exit_code == 0, verified.shown
    assert verified.compared > 1
    environment = {"BRAZE_REST_ENDPOINT": sandbox.url, "BRAZE_API_KEY": KEY}
    return check(options, environment, ["users"])


def wanted(row: dict[str, Any]) -> dict[str, Any]:
    """The attributes that Braze should hold for a row of the source."""
    held = {name: value for name, value in profile(row).items() if name in NAMES}
    if "place" in held:
        held["place"].pop("since", None)
    if "tags" in held:
        # Braze holds each value of an array once.
        held["tags"] = list(dict.fromkeys(held["tags"]))
    return {name: value for name, value in held.items() if value != {}}


def profiles(sandbox: SandboxServer, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The custom attributes of the rows' users."""
    answer = requests.post(
        f"{sandbox.url}/users/export/ids",
        json={"external_ids": [row["id"] for row in rows]},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=30,
    )
    return {user["external_id"]: user.get("custom_attributes") for user in answer.json()["users"]}
