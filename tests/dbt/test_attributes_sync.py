"""The delta of attributes, told as stories: dbt runs as a user runs it, and the log is read as Braze would."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from dbt_project import DbtProject
from interruptions import killed_at
from replay import log_rows, replay

ATTRIBUTES = """[
    {'name': 'name', 'type': 'string'}, {'name': 'age', 'type': 'integer'}, {'name': 'city', 'type': 'string'},
]"""
MODEL = (
    "{{ dbt_braze.attributes_sync(relation=source('crm', 'customers'), external_id='id', attributes=%s) }}"
)
SOURCES = {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": [{"name": "customers"}]}]}
EXTERNAL_ID = ("EXTERNAL_ID",)


@pytest.fixture
def project(tmp_path: Path) -> DbtProject:
    """Three customers and a model over them that has not run yet."""
    project = DbtProject(tmp_path)
    project.yaml("sources", SOURCES)
    project.model("users", MODEL % ATTRIBUTES)
    project.sql("create schema crm")
    project.sql("create table crm.customers (id varchar, name varchar, age integer, city varchar)")
    project.sql(
        "insert into crm.customers values ('a', 'A', 1, null), ('b', 'B', 2, 'x'), ('c', null, null, null)"
    )
    return project


def payloads(project: DbtProject, table: str = "users") -> list[tuple[str, dict[str, object]]]:
    """Identifier and payload of the newest batch."""
    rows = log_rows(project, table, EXTERNAL_ID)
    newest = [row for row in rows if row["braze_batch"] == rows[-1]["braze_batch"]] if rows else []
    return sorted((row["EXTERNAL_ID"], json.loads(row["PAYLOAD"])) for row in newest)


def test_only_changed_attributes_of_changed_users_are_emitted(project: DbtProject) -> None:
    project.run()
    assert payloads(project) == [("a", {"name": "A", "age": 1}), ("b", {"name": "B", "age": 2, "city": "x"})]
    project.run()
    assert project.sql("select count(*) from users") == [(2,)]
    project.sql("update crm.customers set age = 9, name = null where id = 'b'")
    project.sql("insert into crm.customers values ('d', 'D', null, null)")
    project.run()
    assert payloads(project) == [("b", {"name": None, "age": 9}), ("d", {"name": "D"})]
    project.run()
    assert project.sql("select count(*) from users") == [(4,)]


def test_rows_that_may_not_be_sent_show_why_until_they_are_mended(project: DbtProject) -> None:
    project.sql(
        "insert into crm.customers values (null, 'N', 1, null), ('', 'E', 1, null), ('a', 'twice', 1, null)"
    )
    project.sql(
        "insert into crm.customers values (repeat('é', 500), 'long', 1, null), ('big', repeat('x', 1000000), 1, null)"
    )
    project.run()
    assert payloads(project) == [("b", {"name": "B", "age": 2, "city": "x"})]
    reasons = project.sql(
        "select coalesce(external_id[:3], '-'), invalid_reason from users_invalid order by all"
    )
    assert reasons == [
        ("-", "no identifier"),
        ("-", "no identifier"),
        ("a", "more than one row of this user"),
        ("a", "more than one row of this user"),
        ("big", "payload is larger than 1 MB"),
        ("ééé", "external_id is longer than 987 bytes"),
    ]
    project.sql("delete from crm.customers where name in ('N', 'E', 'twice', 'long')")
    project.sql("update crm.customers set name = 'small' where id = 'big'")
    project.run()
    assert payloads(project) == [("a", {"name": "A", "age": 1}), ("big", {"name": "small", "age": 1})]
    assert project.sql("select count(*) from users_invalid") == [(0,)]


def test_a_row_with_two_kinds_of_identifier_is_invalid(project: DbtProject) -> None:
    project.model(
        "users",
        "{{ dbt_braze.attributes_sync(relation=source('crm', 'customers'), external_id='id', alias_name='name', "
        "alias_label='city', attributes=[{'name': 'age', 'type': 'integer'}]) }}",
    )
    project.sql("update crm.customers set id = null, name = 'n', city = 'l' where id = 'b'")
    project.sql("insert into crm.customers values (null, 'only a name', 1, null)")
    project.run()
    rows = project.sql("select external_id, alias_name, alias_label, payload from users")
    assert rows == [(None, "n", "l", '{"age":2}')]
    reasons = project.sql("select external_id, alias_name, invalid_reason from users_invalid order by all")
    assert reasons == [
        ("a", "A", "more than one kind of identifier"),
        (None, "only a name", "an alias needs both alias_name and alias_label"),
    ]


def test_stamps_rise_and_the_newest_is_held_by_one_row(project: DbtProject) -> None:
    for run in range(4):
        project.sql("update crm.customers set age = ?", [run])
        project.run()
    batches = project.sql(
        "select min(UPDATED_AT), newest, count(*) filter (UPDATED_AT = newest), count(distinct braze_row) = count(*) "
        "from (select *, max(UPDATED_AT) over (partition by braze_batch) as newest from users) "
        "group by braze_batch, newest order by 1"
    )
    assert len(batches) == 4
    assert all(held == 1 and distinct for _, _, held, distinct in batches)
    assert all(before[1] < after[0] for before, after in pairwise(batches))
    assert batches[-1][1] <= datetime.now(UTC).replace(tzinfo=None)


def test_a_stamp_from_a_clock_that_was_ahead_stops_the_next_run(project: DbtProject) -> None:
    project.run()
    ahead = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    project.sql("update users set UPDATED_AT = ? where EXTERNAL_ID = 'a'", [ahead])
    project.sql("update crm.customers set age = 7")
    assert "is in the future" in project.run(fails=True)
    assert project.sql("select count(*) from users") == [(2,)]


def test_full_refresh_keeps_the_log_unless_a_var_says_so(project: DbtProject) -> None:
    project.run()
    project.run("--full-refresh")
    assert project.sql("select count(*), count(distinct braze_batch) from users") == [(2, 1)]
    before = project.sql("select distinct braze_batch from users")
    project.run("--full-refresh", braze_rebuild_log=True)
    assert project.sql("select distinct braze_batch from users") != before
    assert project.sql("select count(*) from users") == [(2,)]


def test_a_new_attribute_is_emitted_and_a_dropped_one_left_alone(project: DbtProject) -> None:
    project.run()
    project.model(
        "users",
        MODEL
        % "[{'name': 'age', 'type': 'integer'}, {'name': 'vip', 'column': 'age > 1', 'type': 'boolean'}]",
    )
    project.run()
    assert payloads(project) == [("a", {"vip": False}), ("b", {"vip": True})]
    # Back again, one value changed meanwhile and one gone: both are compared with what Braze has.
    project.sql("update crm.customers set city = null, name = 'B2' where id = 'b'")
    project.model("users", MODEL % ATTRIBUTES)
    project.run()
    assert payloads(project) == [("b", {"city": None, "name": "B2"})]


def test_an_empty_source_and_each_guard_refuse_the_whole_run(project: DbtProject) -> None:
    project.run()
    project.sql("update crm.customers set age = age + 1 where age is not null")
    assert "2 would change" in project.run(
        fails=True, braze_max_changed_share=0.9, braze_max_changed_share_from=1
    )
    refused = project.run(fails=True, braze_max_rows=1)
    assert "emit 2 rows" in refused
    assert "dbt run --select users --vars '{braze_max_rows: null}'" in refused
    assert "emit 2 data points" in project.run(fails=True, braze_max_data_points=1)
    project.sql("delete from crm.customers")
    assert "is empty" in project.run(fails=True)
    assert project.sql("select count(*) from users") == [(2,)]


def test_nothing_is_emitted_with_empty(project: DbtProject) -> None:
    project.run("--empty")
    assert project.sql("select count(*) from users") == [(0,)]
    project.run()
    assert project.sql("select count(*) from users") == [(2,)]


def test_a_baseline_counts_as_emitted(project: DbtProject) -> None:
    project.model(
        "users", (MODEL % ATTRIBUTES).replace("external_id='id'", "external_id='id', baseline=true")
    )
    project.run("--empty")
    project.run()
    assert project.sql("select count(*) from users") == [(0,)]
    project.sql("update crm.customers set city = 'y', name = null where id = 'a'")
    project.run()
    assert payloads(project) == [("a", {"name": None, "city": "y"})]


def test_what_braze_did_not_apply_is_repaired_by_reemission(project: DbtProject) -> None:
    project.run()
    project.sql("update crm.customers set name = null, age = 5 where id = 'b'")
    project.run()
    lost = log_rows(project, "users", EXTERNAL_ID)
    store = replay([row for row in lost if row["braze_batch"] != lost[-1]["braze_batch"]], EXTERNAL_ID)
    query = "select id as external_id from crm.customers where id = 'b'"
    project.dbt(
        "run-operation",
        "braze_reemit",
        "--args",
        json.dumps({"sync": "users", "users": query, "attributes": ["name"]}),
    )
    project.run()
    assert payloads(project) == [("b", {"name": None})]
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps({"sync": "users", "users": query}))
    project.run()
    assert payloads(project) == [("b", {"name": None, "age": 5, "city": "x"})]
    assert store[("b",)]["name"] == "B"
    project.run()
    assert project.sql("select count(distinct braze_batch) from users") == [(4,)]


def test_a_batch_written_by_an_overlapping_run_is_found_and_its_users_sent_again(project: DbtProject) -> None:
    project.run()
    project.sql("update crm.customers set age = 50, city = 'z' where id = 'a'")
    project.run()
    # Another run that started from the same checkpoint commits late: its stamp is older, and it saw another city.
    project.sql(
        "insert into users select UPDATED_AT - to_microseconds(5000), EXTERNAL_ID, "
        '\'{"city":"late","plan":1}\', \'late\', '
        'braze_row, \'h\', \'{"city":"0000000000000000","age":"1111111111111111"}\', attribute_elements, source_hash, braze_base from users '
        "where EXTERNAL_ID = 'a' order by UPDATED_AT desc limit 1"
    )
    project.run()
    assert payloads(project) == [("a", {"name": "A", "age": 50, "city": "z"})]
    project.run()
    assert project.sql("select count(distinct braze_batch) from users") == [(4,)]


def test_a_run_that_started_before_two_others_and_ended_after_them_hides_nothing(project: DbtProject) -> None:
    project.run()
    base = project.sql("select distinct braze_batch from users")[0][0]
    project.sql("update crm.customers set city = 'second' where id = 'a'")
    project.run()
    project.sql("update crm.customers set name = 'N' where id = 'b'")
    project.run()
    # It read the source before the second run did, and appends now: in the log, its city is the newest.
    project.sql(
        "insert into users select UPDATED_AT + to_microseconds(5000), 'a', '{\"city\":\"first\"}', 'slow', braze_row, 'h', "
        '\'{"name":"559aead08264d579","age":"6b86b273ff34fce1","city":"0000000000000000"}\', attribute_elements, source_hash, ? '
        "from users where EXTERNAL_ID = 'a' order by UPDATED_AT desc limit 1",
        [base],
    )
    project.run()
    assert payloads(project) == [("a", {"name": "A", "age": 1, "city": "second"})]
    project.run()
    assert project.sql("select count(distinct braze_batch) from users") == [(5,)]


def test_every_problem_of_a_model_is_in_one_error_and_stops_that_model_only(project: DbtProject) -> None:
    project.model(
        "bad",
        MODEL % "['name', {'name': 'external_id', 'type': 'string'}, {'name': 'age', 'type': 'number'}]",
    )
    output = project.run(fails=True)
    assert "attribute 'name' has no type" in output
    assert "'external_id' identifies the user" in output
    assert "has the type 'number'" in output
    assert project.sql("select count(*) from users") == [(2,)]


def test_types_come_from_the_columns_in_yaml(project: DbtProject) -> None:
    columns = [
        {"name": "name", "data_type": "varchar"},
        {"name": "age", "data_type": "integer"},
        {"name": "city", "data_type": "text"},
    ]
    tables = [{"name": "customers", "columns": columns}]
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": tables}]})
    project.model("users", MODEL % "['name', 'age', 'city']")
    project.run()
    assert payloads(project)[0] == ("a", {"name": "A", "age": 1})


def test_the_package_does_not_run_the_users_other_hooks_differently(project: DbtProject) -> None:
    """A hook of the user's own is added to those of the sync."""
    project.model(
        "users",
        "{{ config(post_hook='create or replace table seen as select count(*) as n from {{ this }}') }}"
        + MODEL % ATTRIBUTES,
    )
    project.run()
    assert project.sql("select n from seen") == [(2,)]
    assert project.sql("select count(*) from users_invalid") == [(0,)]


def test_a_value_that_is_no_json_never_leaves(project: DbtProject) -> None:
    project.sql(
        "create table crm.odd as select * from (values "
        "('ok', 1::hugeint, 1.5::double, [1.0, 2.0], '{\"k\": \"null, NaN\"}', {'x': [{'y': 1}]}, date '2026-01-01'), "
        "('big', 2::hugeint ** 100, 1.5, [1.0], '{}', {'x': [{'y': 1}]}, null), "
        "('nan', 1, 'nan', ['nan'::double], '{}', {'x': [{'y': 1}]}, null), "
        "('text', 1, 1.5, [1.0], '{\"a\": 1,}', {'x': [{'y': 1}]}, null), "
        "('words', 1, 1.5, [1.0], 'no JSON', {'x': [{'y': 1}]}, null), "
        "('null inside', 1, 1.5, [1.0], '{\"a\": null}', {'x': [{'y': null}]}, null), "
        "('json null', 1, 'inf', [1.0], ' null ', null, 'infinity')) as t(id, n, f, a, j, o, d)"
    )
    tables = [{"name": "odd"}]
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": tables}]})
    project.model(
        "users",
        "{{ dbt_braze.attributes_sync(relation=source('crm', 'odd'), external_id='id', attributes=["
        "{'name': 'n', 'type': 'integer'}, {'name': 'f', 'type': 'float'}, {'name': 'a', 'type': 'array'}, "
        "{'name': 'j', 'type': 'json'}, {'name': 'o', 'type': 'object'}, {'name': 'd', 'type': 'date'}]) }}",
    )
    project.run()
    assert payloads(project) == [
        ("json null", {"n": 1, "a": [1.0]}),
        (
            "ok",
            {
                "n": 1,
                "f": 1.5,
                "a": [1, 2],
                "j": {"k": "null, NaN"},
                "o": {"x": [{"y": 1}]},
                "d": "2026-01-01",
            },
        ),
    ]
    assert project.sql("select external_id, invalid_reason from users_invalid order by 1") == [
        ("big", "attribute n is out of the range of its type"),
        ("nan", "attribute a is not valid JSON, or holds a null inside"),
        ("null inside", "attribute j is not valid JSON, or holds a null inside"),
        ("text", "attribute j is not valid JSON, or holds a null inside"),
        ("words", "attribute j is not valid JSON, or holds a null inside"),
    ]


def test_moments_are_those_of_utc_whatever_the_zone_of_the_session(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.model(
        "users",
        "{{ dbt_braze.attributes_sync(relation=source('crm', 'customers'), external_id='id', attributes=["
        "{'name': 'at', 'column': \"timestamptz '2026-01-01 00:30+00'\", 'type': 'timestamp'}, "
        "{'name': 'on', 'column': \"timestamptz '2026-01-01 00:30+00'\", 'type': 'date'}, "
        "{'name': 'adult', 'column': 'age > 1 and id is not null', 'type': 'boolean'}, "
        "{'name': 'small', 'column': '0.1::float', 'type': 'float'}]) }}",
    )
    monkeypatch.setenv("TZ", "America/New_York")
    project.run()
    profile = {"at": "2026-01-01T00:30:00.000Z", "on": "2026-01-01", "small": 0.1}
    assert payloads(project)[:2] == [("a", profile | {"adult": False}), ("b", profile | {"adult": True})]


def test_a_dropped_attribute_that_comes_back_as_null_is_nulled(project: DbtProject) -> None:
    project.run()
    project.model("users", MODEL % "[{'name': 'name', 'type': 'string'}, {'name': 'age', 'type': 'integer'}]")
    project.sql("update crm.customers set age = 20 where id = 'b'")
    project.run()
    # The row now looks just as it did when it was last emitted, but for the attribute that was away.
    project.sql("update crm.customers set city = null where id = 'b'")
    project.model("users", MODEL % ATTRIBUTES)
    project.run()
    assert payloads(project) == [("b", {"city": None})]


def test_what_was_forgotten_while_an_attribute_was_dropped_is_sent_when_it_is_back(
    project: DbtProject,
) -> None:
    project.run()
    project.model("users", MODEL % "[{'name': 'age', 'type': 'integer'}]")
    project.dbt("run-operation", "braze_reemit", "--args", json.dumps({"sync": "users"}))
    project.run()
    assert payloads(project) == [("a", {"age": 1}), ("b", {"age": 2})]
    project.model("users", MODEL % ATTRIBUTES)
    project.run()
    assert payloads(project) == [("a", {"name": "A"}), ("b", {"name": "B", "city": "x"})]


PEAK_OF_QUERY = """
import pathlib, re, sys, duckdb
connection = duckdb.connect(sys.argv[1], config={"threads": 1})
connection.execute("set enable_progress_bar = false")
batch = pathlib.Path(sys.argv[2]).read_text().split("/* dbt_braze: end of the batch */")[0]
connection.execute(f"create temp table result as {batch} select * from batch")
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


def test_250_attributes_do_not_take_memory_by_the_square(project: DbtProject) -> None:
    wide = ", ".join(f"'value ' || i as attribute_number_{n}" for n in range(250))
    project.sql(
        f"create or replace table crm.customers as select 'u' || i as id, {wide} from range(4000) as t(i)"
    )
    project.model("users", MODEL % [{"name": f"attribute_number_{n}", "type": "string"} for n in range(250)])
    project.run("--empty")
    project.dbt("compile")
    query = project.folder / "target" / "compiled" / "shop" / "models" / "users.sql"
    command = [sys.executable, "-c", PEAK_OF_QUERY, str(project.database), str(query)]
    peak_kb = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert peak_kb < 2_000_000


def test_every_argument_of_the_wrong_kind_is_named(project: DbtProject) -> None:
    attributes = "[{'name': 'dob', 'colum': 'age', 'type': 'date'}, 5], baseline='no'"
    project.model("bad", MODEL % attributes)
    output = project.run(fails=True)
    assert "attributes, entry 1 has colum" in output
    assert "attributes, entry 2 is neither a name" in output
    assert "baseline is 'no'" in output
    project.model("bad", MODEL % "'name'")
    assert "attributes is no list" in project.run(fails=True)
    project.model(
        "bad",
        MODEL % "[{'name': 'o', 'fields': [%s, %s]}]" % (2 * ("{'name': 'x', 'type': 'string'}",)),
    )
    assert "field 'x' of attribute 'o' is listed 2 times" in project.run(fails=True, braze_max_rows="many")
    assert "the var braze_max_rows is 'many'" in (project.folder / "dbt.log").read_text()


def test_reemission_says_what_is_wrong_with_its_arguments(project: DbtProject) -> None:
    arguments = {"sync": "users", "attributes": "city", "identifier": "email"}
    output = project.dbt("run-operation", "braze_reemit", "--args", json.dumps(arguments), fails=True)
    assert "users has external_id" in output
    assert "attributes is no list" in output


def test_a_run_that_is_killed_at_any_statement_loses_and_repeats_nothing(
    project: DbtProject, thorough: bool
) -> None:
    project.run()
    statement, killed = 0, True
    while killed:
        statement += 1 if thorough else 4
        project.sql("update crm.customers set age = ?, city = null where id = 'b'", [100 + statement])
        with killed_at(statement):
            # The run that has fewer statements than that is the last one.
            killed = project.dbt_code("run") != 0
        project.run()
        rows = log_rows(project, "users", EXTERNAL_ID)
        assert replay(rows, EXTERNAL_ID)["b",] == {"name": "B", "age": 100 + statement}
        assert len([row for row in rows if f'"age":{100 + statement}' in row["PAYLOAD"]]) == 1
    assert statement > 10
