"""The data tests on every warehouse: over tables of CDI's types, with rows that are right and rows that are wrong."""

import json
from datetime import datetime
from typing import Any

import pytest
from data_test_cases import NO_OBJECT, TABLES, Table, stored_test
from warehouse import Warehouse, WarehouseProject

# A column of text holds less than 1 MB on some warehouses.
MAX_CHARACTERS = 60_000


def storable(warehouse: Warehouse, case: Table) -> Table:
    """The rows that the warehouse can hold: a column of type JSON holds no other text."""
    json_only = warehouse.name == "bigquery"
    rows = [
        row
        for row in case.rows
        if len(row.get("PAYLOAD") or "") < MAX_CHARACTERS
        and not (json_only and row["problem"] == NO_OBJECT and not is_json(row["PAYLOAD"]))
    ]
    return case._replace(rows=rows)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def model(name: str, columns: tuple[str, ...]) -> str:
    """SQL of a table with the types of CDI over a source of texts."""
    casts = {
        "UPDATED_AT": "{{ dbt.cast('UPDATED_AT', dbt_braze.type_updated_at()) }} as UPDATED_AT",
        "PAYLOAD": "{{ dbt_braze.payload_value('PAYLOAD') }} as PAYLOAD",
    }
    text = "{{{{ dbt.cast('{0}', dbt_braze.type_text()) }}}} as {0}"
    selected = ", ".join(casts.get(column) or text.format(column) for column in columns)
    return f"{{{{ config(materialized='table') }}}} select {selected} from {{{{ source('crm', 'texts_{name}') }}}}"


@pytest.fixture(scope="module")
def cases(warehouse: Warehouse) -> dict[str, Table]:
    """The tables for this warehouse."""
    return {name: storable(warehouse, case) for name, case in TABLES.items()}


@pytest.fixture(scope="module")
def project(warehouse: Warehouse, cases: dict[str, Table]) -> WarehouseProject:
    """One model for each table, with its tests, all of which have run."""
    project = warehouse.project("data_tests")
    project.sources(*(f"texts_{name}" for name in cases))
    models = []
    for name, case in cases.items():
        kinds = {column: "timestamp" if column == "UPDATED_AT" else "string" for column in case.columns}
        project.table(f"texts_{name}", kinds)
        project.fill(f"texts_{name}", kinds, case.rows)
        project.model(name, model(name, case.columns))
        models.append({"name": name, "data_tests": [stored_test(name, case)]})
    shape = stored_test("shape", Table("braze_cdi_shape", "attributes", (), []))
    models[list(cases).index("payloads")]["data_tests"].append(shape)
    project.yaml("properties", {"version": 2, "models": models})
    project.run()
    output = project.dbt("test", fails=True)
    assert f"PASS=1 WARN=0 ERROR={len(cases)} SKIP=0" in output, output
    return project


@pytest.mark.parametrize("name", TABLES)
def test_each_wrong_row_is_found_with_what_is_wrong_and_no_other(
    project: WarehouseProject, cases: dict[str, Table], name: str
) -> None:
    rows = project.statement(f"select UPDATED_AT, problem from {project.schema}_found.{name}")
    assert sorted(((naive(stamp), problem) for stamp, problem in rows), key=str) == cases[name].problems


def naive(stamp: Any) -> datetime | None:
    """A stamp in UTC without its zone."""
    return None if stamp is None else stamp.replace(tzinfo=None)
