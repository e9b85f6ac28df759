"""Attributes on every warehouse: hostile values of every type, through first load, no change, changes and late rows."""

import json
import random
from datetime import datetime
from typing import Any

import pytest
from interruptions import killed_at
from values import KINDS, POOL, customers, profile
from warehouse import Warehouse, WarehouseProject

ATTRIBUTES: list[dict[str, Any]] = [
    {"name": "name", "type": "string"},
    {"name": "age", "type": "integer"},
    {"name": "spent", "type": "decimal"},
    {"name": "score", "type": "float"},
    {"name": "vip", "type": "boolean"},
    {"name": "born", "type": "date"},
    {"name": "seen_at", "type": "timestamp"},
    {"name": "tags", "type": "array", "compare": "set"},
    {
        "name": "place",
        "column": "place",
        "fields": [{"name": "city", "type": "string"}, {"name": "since", "type": "timestamp"}],
    },
    {"name": "extra", "type": "json"},
]
MODEL = "{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', attributes=%r) }}"


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A project over a table of customers."""
    project = warehouse.project("attributes")
    project.sources("customers")
    project.table("customers", KINDS)
    project.model("users", MODEL % ATTRIBUTES)
    return project


def test_every_value_survives_and_only_changes_are_sent(project: WarehouseProject) -> None:
    rows = customers(null_arrays=project.warehouse.engine.holds_null_arrays)
    project.fill("customers", KINDS, rows)
    project.run()
    sent = {row["EXTERNAL_ID"]: row["PAYLOAD"] for row in project.newest("users", "EXTERNAL_ID, PAYLOAD")}
    assert sent == {row["id"]: profile(row) for row in rows if profile(row)}
    # What is equal is not sent again: other order in a set, other text of a number or of JSON, and a row twice the same.
    rows[2]["tags"] = ["a", "b"]
    sorts = project.warehouse.engine.sorts_json_keys
    rows[1]["extra"] = '{"a":[1,{"c":"x"}],"b":1}' if sorts else '{"b":1,"a":[1,{"c":"x"}]}'
    project.fill("customers", KINDS, rows)
    project.run()
    assert project.count("users") == len(sent)
    changed = [*rows[1:], {"id": "late", "name": "new", "age": 1, "tags": ["x"]}]
    changed[0] = {**changed[0], "name": None, "age": 5, "place": None}
    changed[-2] = {**changed[-2], "vip": True}
    project.fill("customers", KINDS, changed)
    project.run()
    batch = {row["EXTERNAL_ID"]: row["PAYLOAD"] for row in project.newest("users", "EXTERNAL_ID, PAYLOAD")}
    assert batch == {
        changed[0]["id"]: {"name": None, "age": 5, "place": None},
        changed[-2]["id"]: {"vip": True},
        "late": {"name": "new", "age": 1, "tags": ["x"]},
    }
    stamps = [row["UPDATED_AT"] for row in project.log("users", "EXTERNAL_ID")]
    assert stamps.count(stamps[-1]) == 1
    assert stamps[len(sent) - 1] < stamps[len(sent)]


def test_a_random_history_leaves_what_the_source_holds(project: WarehouseProject, thorough: bool) -> None:
    """Users come, change, leave and return; attributes are added and dropped; runs are killed and users forgotten."""
    chance = random.Random(20260102)  # noqa: S311 (the same history on every warehouse)
    null_arrays = project.warehouse.engine.holds_null_arrays
    expected: dict[str, dict[str, Any]] = {}
    for step in range(10 if thorough else 2):
        attributes = chance.sample(ATTRIBUTES, chance.randint(4, len(ATTRIBUTES)))
        rows = [
            {"id": f"life-{n}"}
            | {name: chance.choice([None, *values]) for name, values in POOL.items()}
            | ({} if null_arrays else {"tags": chance.choice(POOL["tags"])})
            for n in chance.sample(range(8), 6)
        ]
        project.fill("customers", KINDS, rows)
        project.model("lives", MODEL % attributes)
        if step % 2 == 1:
            with killed_at(chance.randint(2, 14)):
                project.dbt_code("run", "--select", "lives")
        project.run("--select", "lives")
        for row in rows:
            held = expected.setdefault(row["id"], {})
            for attribute in attributes:
                held[attribute["name"]] = profile(row).get(attribute["name"])
        log = project.log("lives", "EXTERNAL_ID, PAYLOAD")
        applied: dict[str, dict[str, Any]] = {}
        for row in log:
            applied.setdefault(row["EXTERNAL_ID"], {}).update(row["PAYLOAD"])
        assert without_nulls(applied) == without_nulls(expected)
        assert len({(row["braze_batch"], row["EXTERNAL_ID"]) for row in log}) == len(log)


def test_a_source_row_that_is_known_is_passed_over(warehouse: Warehouse) -> None:
    """Its fingerprint tells, which is another once a value changes its place; on Redshift there is none."""
    kinds = {"id": "string", "a": "integer", "b": "integer"}
    attributes = [{"name": name, "type": "integer"} for name in ("a", "b")]
    project = warehouse.project("known")
    project.sources("customers")
    project.table("customers", kinds)
    project.model("users", MODEL % attributes)
    project.fill("customers", kinds, [{"id": "stays", "a": 1}, {"id": "moves", "a": 1}])
    project.run()
    project.fill("customers", kinds, [{"id": "stays", "a": 1}, {"id": "moves", "b": 1}])
    project.run()
    moved = {"EXTERNAL_ID": "moves", "PAYLOAD": {"a": None, "b": 1}}
    assert project.newest("users", "EXTERNAL_ID, PAYLOAD") == [moved]
    # What the checkpoint holds beside the fingerprint is not looked at.
    project.run()
    checkpoint = f"{project.schema}.users_checkpoint"
    project.statement(
        f"update {checkpoint} set row_hash = 'none', attribute_hashes = '{{}}' where EXTERNAL_ID = 'stays'"
    )
    project.run()
    has_fingerprints = warehouse.name != "redshift"
    assert project.count("users") == (3 if has_fingerprints else 4)
    # Without one the row is compared, and has one from then on.
    project.statement(f"update {checkpoint} set source_hash = null where EXTERNAL_ID = 'moves'")
    project.run()
    assert project.count("users") == (3 if has_fingerprints else 4)
    known = project.statement(f"select count(*) from {checkpoint} where source_hash is not null")[0][0]
    assert known == (2 if has_fingerprints else 0)


def test_with_updated_at_only_newer_rows_are_read(warehouse: Warehouse) -> None:
    kinds = {"id": "string", "a": "integer", "changed_at": "timestamp"}
    long_ago, lately, later = (datetime(2026, 1, day) for day in (1, 10, 11))  # noqa: DTZ001 (the column has no zone)
    project = warehouse.project("windows")
    project.sources("customers")
    project.table("customers", kinds)
    attributes = [{"name": "a", "type": "integer"}]
    project.model(
        "users", MODEL.replace("external_id=", "updated_at='changed_at', external_id=") % attributes
    )
    rows = [{"id": "old", "a": 1, "changed_at": long_ago}, {"id": "new", "a": 1, "changed_at": lately}]
    project.fill("customers", kinds, rows)
    project.run()
    # A change that the source does not own up to is not seen; a row without a time is.
    rows[0]["a"] = 2
    rows += [{"id": "newer", "a": 1, "changed_at": later}, {"id": "no time", "a": 1}]
    project.fill("customers", kinds, rows)
    project.run()
    newest = project.newest("users", "EXTERNAL_ID, PAYLOAD")
    assert newest == [{"EXTERNAL_ID": name, "PAYLOAD": {"a": 1}} for name in ("newer", "no time")]
    arguments = {"sync": "users", "users": "select 'new' as external_id"}
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps(arguments))
    project.run()
    newest = project.newest("users", "EXTERNAL_ID, PAYLOAD")
    assert newest == [{"EXTERNAL_ID": name, "PAYLOAD": {"a": n}} for name, n in (("new", 1), ("old", 2))]
    rows[0]["a"] = 3
    project.fill("customers", kinds, rows)
    project.run()
    assert project.count("users") == 6


def without_nulls(profiles: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what Braze holds: a null is no attribute, and a profile without one is none; a set has no order."""
    return {
        user: {
            name: sorted(set(value)) if name == "tags" else value
            for name, value in values.items()
            if value is not None
        }
        for user, values in profiles.items()
        if any(value is not None for value in values.values())
    }
