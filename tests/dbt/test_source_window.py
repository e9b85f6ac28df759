"""With an `updated_at` column only the newer rows of the source are read, and nothing is missed for it."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from dbt_project import DbtProject
from test_attributes_sync import payloads

NOW = datetime(2026, 1, 10, 12)  # noqa: DTZ001 (the column has no zone)
SOURCES = {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": [{"name": "customers"}]}]}
MODEL = """{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', updated_at='changed_at', attributes=[
    {'name': 'name', 'type': 'string'}%s]) }}"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Two customers, sent already; the window has moved up to the newest change."""
    project = DbtProject(tmp_path_factory.mktemp("source_window"))
    project.yaml("sources", SOURCES)
    project.model("users", MODEL % "")
    project.sql("create schema crm")
    project.sql("create table crm.customers (id varchar, name varchar, age integer, changed_at timestamp)")
    put(project, "a", "A", 1, NOW - timedelta(days=9))
    put(project, "b", "B", 2, NOW)
    project.run()
    assert payloads(project) == [("a", {"name": "A"}), ("b", {"name": "B"})]
    return project


@pytest.fixture
def project(prepared: DbtProject, tmp_path: Path) -> DbtProject:
    """A copy of them for each test."""
    return prepared.copied_to(tmp_path)


def put(project: DbtProject, user: str, name: str | None, age: int, changed_at: datetime | None) -> None:
    """Write one customer."""
    project.sql("delete from crm.customers where id = ?", [user])
    project.sql("insert into crm.customers values (?, ?, ?, ?)", [user, name, age, changed_at])


def rows(project: DbtProject) -> int:
    """Rows in the log."""
    return int(project.sql("select count(*) from users")[0][0])


def test_only_rows_within_the_window_are_read(project: DbtProject) -> None:
    # A change that the source does not own up to is not seen: its stamp is from before the window.
    put(project, "a", "unseen", 1, NOW - timedelta(days=9))
    project.run()
    assert rows(project) == 2
    put(project, "a", "late", 1, NOW - timedelta(hours=23))
    project.run()
    assert payloads(project) == [("a", {"name": "late"})]
    put(project, "a", "no stamp", 1, None)
    put(project, "b", "newer", 1, NOW + timedelta(hours=1))
    project.run()
    assert payloads(project) == [("a", {"name": "no stamp"}), ("b", {"name": "newer"})]
    put(project, "a", "wider", 1, NOW - timedelta(hours=46))
    project.run()
    assert rows(project) == 5
    project.run(braze_source_lookback_hours=48)
    assert payloads(project) == [("a", {"name": "wider"})]


def test_a_changed_model_reads_everything_again(project: DbtProject) -> None:
    project.model("users", MODEL % ", {'name': 'age', 'type': 'integer'}")
    project.run()
    assert payloads(project) == [("a", {"age": 1}), ("b", {"age": 2})]


def test_what_was_forgotten_is_found_outside_of_the_window(project: DbtProject) -> None:
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps({"sync": "users"}))
    project.run()
    assert payloads(project) == [("a", {"name": "A"}), ("b", {"name": "B"})]
    project.run()
    assert rows(project) == 4


def test_who_was_forgotten_and_has_left_does_not_widen_the_window(project: DbtProject) -> None:
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps({"sync": "users"}))
    project.sql("delete from crm.customers where id = 'a'")
    project.run()
    assert payloads(project) == [("b", {"name": "B"})]
    put(project, "old", "unseen", 1, NOW - timedelta(days=9))
    project.run()
    assert rows(project) == 3
    # Who comes back is found, however old the row is.
    put(project, "a", "A", 1, NOW - timedelta(days=9))
    project.run()
    assert payloads(project) == [("a", {"name": "A"}), ("old", {"name": "unseen"})]


def test_the_window_waits_for_users_with_several_rows(project: DbtProject) -> None:
    project.sql("insert into crm.customers values ('a', 'A2', 1, ?)", [NOW + timedelta(days=5)])
    project.run()
    assert rows(project) == 2
    project.sql("delete from crm.customers where id = 'a' and name = 'A2'")
    put(project, "a", "A3", 1, NOW + timedelta(days=1))
    project.run()
    assert payloads(project) == [("a", {"name": "A3"})]


def test_a_run_that_was_refused_reads_its_rows_again(project: DbtProject) -> None:
    put(project, "a", "A2", 1, NOW + timedelta(days=5))
    assert "emit 1 rows" in project.run(fails=True, braze_max_rows=0)
    refused = project.sql("select EXTERNAL_ID, PAYLOAD from users_batch where braze_row not like 'run/%'")
    assert refused == [("a", '{"name":"A2"}')]
    put(project, "b", "B2", 1, NOW + timedelta(days=9))
    project.run()
    assert payloads(project) == [("a", {"name": "A2"}), ("b", {"name": "B2"})]


def test_the_estimate_is_written_before_a_run_is_refused(project: DbtProject) -> None:
    put(project, "a", "A2", 1, NOW + timedelta(days=5))
    assert "emit 1 data points" in project.run(fails=True, braze_max_data_points=0)
    estimates = project.sql("select name, objects, data_points from users_data_points order by estimated_at")
    assert estimates == [("name", 2, 2), ("name", 1, 1)]
    assert rows(project) == 2
