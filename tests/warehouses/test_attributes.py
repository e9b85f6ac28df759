"""Attributes on every warehouse: hostile values of every type, through first load, no change, changes and late rows."""

from typing import Any

import pytest
from values import KINDS, customers, profile
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
