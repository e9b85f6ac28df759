"""The data tests that users put on their own sync tables, on tables written by hand."""

from typing import Any

import pytest
from data_test_cases import TABLES, stored_test
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
