"""A source row that is known is passed over by its fingerprint; a change of the model, or of what Braze holds, undoes that."""

import json
from pathlib import Path

import pytest
from dbt_project import DbtProject
from interruptions import killed_at
from test_attributes_sync import payloads

SOURCES = {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": [{"name": "customers"}]}]}
MODEL = """{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', email='mail', priority=['external_id'], attributes=[
    {'name': 'name', 'type': 'string'}%s]) }}"""
AGE = ", {'name': 'age', 'type': 'integer'}"
# What is left of the checkpoint is what the fingerprints alone tell.
POISON = (
    "update users_checkpoint set row_hash = 'none', attribute_hashes = '{}' where braze_row not like '%/%'"
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Two customers whom the checkpoint knows, one by email."""
    project = DbtProject(tmp_path_factory.mktemp("fingerprints"))
    project.yaml("sources", SOURCES)
    project.model("users", MODEL % "")
    project.sql("create schema crm")
    project.sql("create table crm.customers (id varchar, mail varchar, name varchar, age integer)")
    project.sql("insert into crm.customers values ('a', null, 'A', 1), (null, 'b@x.y', 'B', null)")
    project.run()
    project.run()
    return project


@pytest.fixture
def project(prepared: DbtProject, tmp_path: Path) -> DbtProject:
    """A copy of them for each test."""
    return prepared.copied_to(tmp_path)


def rows(project: DbtProject) -> int:
    """Rows in the log."""
    return int(project.sql("select count(*) from users")[0][0])


def test_known_rows_are_passed_over(project: DbtProject) -> None:
    project.sql(POISON)
    project.run()
    assert rows(project) == 2
    project.sql("update crm.customers set name = 'C' where id = 'a'")
    project.run()
    assert payloads(project) == [("a", {"name": "C"})]


def test_the_fingerprint_of_another_user_tells_nothing(project: DbtProject) -> None:
    project.sql(POISON)
    project.sql("update users_checkpoint set EXTERNAL_ID = 'other' where EXTERNAL_ID = 'a'")
    project.run()
    assert payloads(project) == [("a", {"name": "A"})]


def test_after_a_change_of_the_model_all_are_compared_once_and_noted_anew(project: DbtProject) -> None:
    project.model("users", MODEL % AGE)
    before = project.sql("select source_hash from users_checkpoint where EMAIL is not null")
    # Statements of the run before its last hooks; one that dies before it has noted them is done again.
    with killed_at(14):
        project.dbt_code("run")
    project.run()
    assert payloads(project) == [("a", {"age": 1})]
    assert project.sql("select source_hash from users_checkpoint where EMAIL is not null") != before
    project.run()
    project.sql(POISON)
    project.run()
    assert rows(project) == 3


def test_the_same_digits_in_another_type_are_another_value(project: DbtProject) -> None:
    project.model("users", MODEL % ", {'name': 'price', 'type': 'decimal', 'column': 'age'}")
    project.run()
    assert payloads(project) == [("a", {"price": 1})]
    # What was counted in tenths.
    project.sql("alter table crm.customers alter age type decimal(8, 1) using age / 10")
    project.run()
    assert payloads(project) == [("a", {"price": 0.1})]


@pytest.mark.parametrize("users", [None, "select 'a' as external_id"])
def test_what_was_forgotten_is_compared(project: DbtProject, users: str | None) -> None:
    arguments = {"sync": "users"} | ({"users": users} if users else {})
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps(arguments))
    project.run()
    assert rows(project) == (3 if users else 4)


def test_a_baseline_has_fingerprints(project: DbtProject) -> None:
    project.model("known", (MODEL % "").replace("priority=", "baseline=true, priority="))
    project.run()
    assert project.sql("select count(source_hash) from known_checkpoint") == [(2,)]
