"""The data tests that users put on their own sync tables, on tables written by hand."""

from pathlib import Path
from typing import Any

import pytest
from data_test_cases import TABLES, Table, stored_test
from dbt_project import DbtProject

GOOD = "timestamp '2026-01-01' as UPDATED_AT, 'a' as EXTERNAL_ID, '{}' as PAYLOAD"


def properties(*tests: Any, **more: Any) -> dict[str, Any]:
    """Properties of the source table crm.t with these data tests."""
    tables = [{"name": "t", "data_tests": list(tests), **more}]
    return {"version": 2, "sources": [{"name": "crm", "schema": "main", "tables": tables}]}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, str]]]:
    """What each test finds in its table: all tests in one run."""
    project = DbtProject(tmp_path_factory.mktemp("data_tests"))
    sources = []
    for name, case in TABLES.items():
        sources.append({"name": name, "data_tests": [stored_test(name, case)]})
        types = ["timestamp" if column == "UPDATED_AT" else "varchar" for column in case.columns]
        columns = ", ".join(f"{column} {kind}" for column, kind in zip(case.columns, types, strict=True))
        project.sql(f"create table {name} ({columns})")
        for row in case.rows:
            marks = ", ".join("?" for _ in case.columns)
            project.sql(f"insert into {name} values ({marks})", [row.get(column) for column in case.columns])
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "main", "tables": sources}]})
    output = project.dbt("test", fails=True)
    assert f" ERROR={len(TABLES)} " in output, output
    return {
        name: sorted(project.sql(f"select UPDATED_AT, problem from main_found.{name}"), key=str)
        for name in TABLES
    }


@pytest.mark.parametrize("name", TABLES)
def test_each_wrong_row_is_found_with_what_is_wrong_and_no_other(
    findings: dict[str, list[tuple[Any, str]]], name: str
) -> None:
    assert findings[name] == TABLES[name].problems


SHAPES = {
    "attributes": (f"select {GOOD}", []),
    "events": (f"select {GOOD}, 1 as more", []),
    "deletes": (
        f"select {GOOD}",
        ["there is a column PAYLOAD, with which Braze deletes nobody"],
    ),
    "purchases": (
        "select now() as updated_at, 5 as EXTERNAL_ID, 'a' as ALIAS_NAME",
        [
            "EXTERNAL_ID is integer; Braze takes varchar",
            "UPDATED_AT is timestamp with time zone; Braze takes timestamp",
            "an alias needs both ALIAS_NAME and ALIAS_LABEL",
            "there is no column PAYLOAD",
        ],
    ),
    "catalog_items": (
        "select timestamp '2026-01-01' as UPDATED_AT, {'a': 1} as PAYLOAD, 0 as DELETED",
        [
            "DELETED is integer; Braze takes boolean",
            "PAYLOAD is struct; Braze takes varchar or json",
            "there is no column ID",
        ],
    ),
    "canvas_triggers": (
        "select 'a' as EMAIL, '{}' as PROPERTIES",
        ["there is no column UPDATED_AT", "there is no column of an identifier"],
    ),
}


def test_the_shape_of_a_table_is_that_of_its_sync(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    tables = []
    for sync, (query, _) in SHAPES.items():
        project.sql(f"create table {sync} as {query}")
        test = stored_test(sync, Table("braze_cdi_shape", sync, (), []))
        tables.append({"name": sync, "data_tests": [test]})
    missing = stored_test("missing", Table("braze_cdi_shape", "deletes", (), []))
    tables.append({"name": "missing", "data_tests": [missing]})
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "main", "tables": tables}]})
    project.dbt("test", fails=True)
    found = {
        sync: sorted(row[0] for row in project.sql(f"select problem from main_found.{sync}"))
        for sync in SHAPES
    }
    assert found == {sync: problems for sync, (_, problems) in SHAPES.items()}
    assert project.sql("select problem from main_found.missing order by 1") == [
        ("there is no column UPDATED_AT",),
        ("there is no column of an identifier",),
    ]


def test_what_a_test_of_a_sync_model_needs_to_know_comes_from_the_model(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    project.sql("create table rows as select 'a' as id, 'b' as name, timestamp '2026-01-01' as happened_at")
    sources = [{"name": "crm", "schema": "main", "tables": [{"name": "rows"}]}]
    users, both = (
        ["one_identifier", "cdi_shape", "updated_at_is_sound"],
        ["payload_is_sound", "one_row_per_user"],
    )
    tests = {
        "users": [*users, *both, "reserved_fields"],
        "signups": [*users, "payload_is_sound", "events_are_complete"],
        "gone": [*users, "one_row_per_user"],
        "items": [*users, *both],
    }
    models = [
        {"name": name, "data_tests": [f"dbt_braze.braze_{test}" for test in names]}
        for name, names in tests.items()
    ]
    project.yaml("properties", {"version": 2, "sources": sources, "models": models})
    rows = "{{ dbt_braze.%s(source('crm', 'rows'), %s) }}"
    project.model(
        "users",
        rows
        % (
            "attributes_sync",
            "external_id='id', attributes=[{'name': 'first_name', 'column': 'name', 'type': 'string'}]",
        ),
    )
    project.model(
        "signups",
        rows
        % (
            "events_sync",
            "event_id='id', alias_name='id', alias_label='name', name='name', time='happened_at'",
        ),
    )
    project.model("gone", rows % ("deletes_sync", "external_id='id'"))
    project.model(
        "items", rows % ("catalog_sync", "catalog='c', id='id', fields=[{'name': 'name', 'type': 'string'}]")
    )
    assert "PASS=24 WARN=0 ERROR=0 SKIP=0" in project.dbt("build")


def test_a_test_that_cannot_know_the_kind_of_sync_says_so(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    project.sql(f"create table t as select {GOOD}")
    wrong = {"dbt_braze.braze_one_row_per_user": {"arguments": {"sync": "events"}}}
    project.yaml("sources", properties("dbt_braze.braze_payload_is_sound", wrong))
    output = project.dbt("test", fails=True)
    assert "needs to know the kind of sync, and has none" in output
    assert "has 'events'; give the argument sync" in output
    meta = {"config": {"meta": {"braze": {"sync": "attributes", "identifiers": ["external_id"]}}}}
    project.yaml(
        "sources", properties("dbt_braze.braze_payload_is_sound", "dbt_braze.braze_one_row_per_user", **meta)
    )
    project.dbt("test")


def test_a_where_leaves_rows_out_and_findings_hold_no_payload(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    project.sql(f"create table t as select {GOOD} union all select timestamp '2025-01-01', null, 'no-JSON'")
    where = {"config": {"where": "UPDATED_AT >= timestamp '2026-01-01'"}}
    tests = ["cdi_shape", "one_identifier", "payload_is_sound"]
    given = [{f"dbt_braze.braze_{name}": {"arguments": {"sync": "attributes"}, **where}} for name in tests]
    project.yaml("sources", properties(*given))
    project.dbt("test")
    project.sql("update t set UPDATED_AT = UPDATED_AT + interval 2 year")
    project.dbt("test", "--store-failures", fails=True)
    stored = project.sql(
        "select table_name, column_name from information_schema.columns where table_schema = 'main_dbt_test__audit' "
        "and table_name like '%payload%'"
    )
    assert {column for _, column in stored} == {"problem", "EXTERNAL_ID", "UPDATED_AT"}


def test_tests_compile_without_the_table(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    names = ["cdi_shape", "one_identifier", "payload_is_sound", "one_row_per_user"]
    project.yaml(
        "sources",
        properties(*({f"dbt_braze.braze_{name}": {"arguments": {"sync": "attributes"}}} for name in names)),
    )
    project.dbt("compile")
