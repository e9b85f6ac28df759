"""The syncs beside attributes, told as stories: what each table gets, run by run."""

import json
from typing import Any

import pytest
from dbt_project import DbtProject

SOURCES = {
    "version": 2,
    "sources": [{"name": "crm", "schema": "crm", "tables": [{"name": "rows"}, {"name": "users"}]}],
}


@pytest.fixture
def project(tmp_path: Any) -> DbtProject:
    """A project over the source crm.rows, which each test creates."""
    project = DbtProject(tmp_path)
    project.yaml("sources", SOURCES)
    project.sql("create schema crm")
    return project


def newest(project: DbtProject, table: str, columns: str) -> list[tuple[Any, ...]]:
    """The newest batch of a log, with payloads parsed."""
    rows = project.sql(
        f"select {columns} from {table} where braze_batch = "
        f"(select braze_batch from {table} order by UPDATED_AT desc limit 1) order by all"
    )
    return [
        tuple(json.loads(v) if isinstance(v, str) and v.startswith("{") else v for v in row) for row in rows
    ]


def invalid(project: DbtProject, table: str) -> list[str]:
    """The reasons in the view of invalid rows."""
    return [row[0] for row in project.sql(f"select invalid_reason from {table}_invalid order by 1")]


EVENTS = """{{ dbt_braze.events_sync(source('crm', 'rows'), event_id='id', external_id='user_id', name='name', time='happened_at',
    properties=[{'name': 'n', 'type': 'integer'}, {'name': 'day', 'type': 'date'}, {'name': 'place', 'column': 'place', 'fields':
        [{'name': 'city', 'type': 'string'}, {'name': 'since', 'type': 'timestamp'}]}], app_id="'app'") }}"""


def test_each_event_is_emitted_once_also_when_it_arrives_late(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows (id varchar, user_id varchar, name varchar, happened_at timestamp, n bigint, day date, "
        "place struct(city varchar, since timestamp))"
    )
    project.model("events", EVENTS)
    project.run()
    assert project.sql("select count(*) from events") == [(0,)]
    project.sql(
        "insert into crm.rows values ('1', 'a', 'Signed up', '2026-01-02 03:04:05', 7, '2026-01-02', "
        "{'city': 'X', 'since': timestamp '2026-01-01'}), ('2', 'b', 'Ordered', '2026-01-03', null, null, null), "
        "('2', 'b', 'Ordered', '2026-01-03', null, null, null), (null, 'a', 'x', '2026-01-01', 1, null, null), "
        "('3', 'a', null, '2026-01-01', 1, null, null), ('4', 'a', 'x', null, 1, null, null), "
        "('5', null, 'x', '2026-01-01', 1, null, null)"
    )
    project.run()
    properties = {"n": 7, "day": "2026-01-02", "place": {"city": "X", "since": "2026-01-01T00:00:00.000Z"}}
    first = {
        "name": "Signed up",
        "time": "2026-01-02T03:04:05.000Z",
        "app_id": "app",
        "properties": properties,
    }
    second = {"name": "Ordered", "time": "2026-01-03T00:00:00.000Z", "app_id": "app"}
    assert newest(project, "events", "EXTERNAL_ID, PAYLOAD") == [("a", first), ("b", second)]
    assert invalid(project, "events") == ["no event_id", "no identifier", "no name", "no time"]
    assert project.sql("select name, objects, data_points from events_data_points order by 1") == [
        ("Ordered", 1, 1),
        ("Signed up", 1, 1),
    ]
    project.sql("insert into crm.rows values ('0', 'c', 'Late', '2020-01-01', null, null, null)")
    project.sql("update crm.rows set n = 8 where id = '1'")
    project.run()
    late = {"name": "Late", "time": "2020-01-01T00:00:00.000Z", "app_id": "app"}
    assert newest(project, "events", "EXTERNAL_ID, PAYLOAD") == [("c", late)]
    project.run()
    assert project.sql("select count(*) from events") == [(3,)]


PURCHASES = """{{ dbt_braze.purchases_sync(source('crm', 'rows'), purchase_id='id', external_id='user_id', product_id='product',
    currency='currency', price='price', quantity='quantity', time='happened_at') }}"""


def test_purchases_of_more_than_100_pieces_are_split(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows as select * from (values "
        "('1', 'a', 'shoe', 'USD', 12.50, 250, timestamp '2026-01-01'), ('2', 'a', 'hat', 'EUR', -3, null, timestamp '2026-01-01'), "
        "('3', 'a', 'cap', 'eur', 1, 1, timestamp '2026-01-01'), ('4', 'a', 'cap', 'EUR', null, 1, timestamp '2026-01-01'), "
        "('5', 'a', 'cap', 'EUR', 1, 0, timestamp '2026-01-01'), ('6', 'a', 'cap', 'EUR', 1, 100001, timestamp '2026-01-01')) "
        "as t(id, user_id, product, currency, price, quantity, happened_at)"
    )
    project.model("purchases", PURCHASES)
    project.run()
    time = "2026-01-01T00:00:00.000Z"
    shoe = {"product_id": "shoe", "currency": "USD", "price": 12.5, "time": time}
    hat = {"product_id": "hat", "currency": "EUR", "price": -3, "time": time}
    rows = newest(project, "purchases", "PAYLOAD")
    assert sorted(rows, key=str) == sorted(
        [(hat,), *(({**shoe, "quantity": n},) for n in (100, 100, 50))], key=str
    )
    assert invalid(project, "purchases") == [
        "currency is not an ISO 4217 code",
        "no price",
        "quantity is above 100000",
        "quantity is below 1",
    ]
    assert project.sql("select name, objects, data_points from purchases_data_points order by 1") == [
        ("hat", 1, 1),
        ("shoe", 3, 250),
    ]
    project.run()
    assert project.sql("select count(*) from purchases") == [(4,)]


CATALOG = """{{ dbt_braze.catalog_sync(source('crm', 'rows'), catalog='restaurants', id='id', fields=[
    {'name': 'name', 'type': 'string'}, {'name': 'stars', 'type': 'integer'}]) }}"""


def test_catalog_items_are_sent_when_they_change_and_deleted_when_they_leave(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows as select * from (values ('a', 'A', 1), ('b', 'B', null), ('not ok', 'C', 1)) as t(id, name, stars)"
    )
    project.model("items", CATALOG)
    project.run()
    assert newest(project, "items", "ID, PAYLOAD, DELETED") == [
        ("a", {"name": "A", "stars": 1}, False),
        ("b", {"name": "B"}, False),
    ]
    assert invalid(project, "items") == ["id has characters other than letters, digits, - and _"]
    project.sql("delete from crm.rows where id = 'a'")
    project.sql("update crm.rows set stars = 5 where id = 'b'")
    assert "emit 1 deletions" in project.run(fails=True, braze_max_deletions=0)
    project.run()
    assert newest(project, "items", "ID, PAYLOAD, DELETED") == [
        ("a", {}, True),
        ("b", {"name": "B", "stars": 5}, False),
    ]
    project.run()
    assert project.sql("select count(*) from items") == [(4,)]
    project.sql("insert into crm.rows values ('a', 'A', 1)")
    project.run()
    assert newest(project, "items", "ID, PAYLOAD, DELETED") == [("a", {"name": "A", "stars": 1}, False)]


ATTRIBUTES = """{{ dbt_braze.attributes_sync(source('crm', 'users'), external_id='id', attributes=[
    {'name': 'city', 'type': 'string'}, {'name': 'age', 'type': 'integer'}]%s) }}"""


def test_users_that_left_are_deleted_and_sent_whole_when_they_return(project: DbtProject) -> None:
    project.sql(
        "create table crm.users as select * from (values ('a', 'X', 1), ('b', 'Y', 2), ('c', 'Z', 3)) as t(id, city, age)"
    )
    project.model("users", ATTRIBUTES % "")
    project.model(
        "gone",
        "{{ dbt_braze.deletes_sync(source('crm', 'users'), sent_by=ref('users'), external_id='id') }}",
    )
    project.run()
    assert project.sql("select count(*) from gone") == [(0,)]
    columns = {row[0] for row in project.sql("select column_name from (describe gone)")}
    assert "PAYLOAD" not in columns
    project.sql("delete from crm.users where id = 'b'")
    project.run()
    assert project.sql("select EXTERNAL_ID from gone") == [("b",)]
    project.run("--select", "gone")
    assert project.sql("select count(*) from gone") == [(1,)]
    project.sql("insert into crm.users values ('b', null, 2)")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("b", {"age": 2})]
    project.sql("delete from crm.users where id = 'b'")
    project.run()
    assert project.sql("select EXTERNAL_ID from gone") == [("b",), ("b",)]
    project.run()
    assert project.sql("select count(*) from gone") == [(2,)]
    project.sql("delete from crm.users")
    assert "the source is empty" in project.run(fails=True)


def test_a_list_of_deletes_is_emitted_once_per_request(project: DbtProject) -> None:
    project.sql("create table crm.rows (id varchar, request varchar)")
    project.model(
        "gone",
        "{{ dbt_braze.deletes_sync(source('crm', 'rows'), external_id='id', request_id='request') }}",
    )
    project.run()
    project.sql("insert into crm.rows values ('a', '1'), ('a', '1'), ('b', null), (null, '2')")
    project.run()
    assert newest(project, "gone", "EXTERNAL_ID") == [("a",), ("b",)]
    assert invalid(project, "gone") == ["no identifier"]
    project.sql("insert into crm.rows values ('a', '2')")
    project.run()
    assert newest(project, "gone", "EXTERNAL_ID") == [("a",)]
    project.run()
    assert project.sql("select count(*) from gone") == [(3,)]


def test_users_that_left_lose_their_attributes_in_a_mirror(project: DbtProject) -> None:
    project.sql(
        "create table crm.users as select * from (values ('a', 'X', 1), ('b', 'Y', null)) as t(id, city, age)"
    )
    project.model("users", ATTRIBUTES % ", users_that_left='unset'")
    project.run()
    project.sql("delete from crm.users where id = 'b'")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("b", {"city": None})]
    project.run()
    assert project.sql("select count(*) from users") == [(3,)]
    project.sql("insert into crm.users values ('b', null, 5)")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("b", {"age": 5})]


def test_a_dropped_attribute_is_unset_by_option(project: DbtProject) -> None:
    project.sql(
        "create table crm.users as select * from (values ('a', 'X', 1), ('b', null, 2)) as t(id, city, age)"
    )
    project.model("users", ATTRIBUTES % "")
    project.run()
    project.model(
        "users",
        "{{ dbt_braze.attributes_sync(source('crm', 'users'), external_id='id', dropped_attributes='unset', "
        "attributes=[{'name': 'age', 'type': 'integer'}]) }}",
    )
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("a", {"city": None})]
    project.run()
    assert project.sql("select count(*) from users") == [(3,)]
    project.model("users", ATTRIBUTES % "")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("a", {"city": "X"})]


AUDIENCE = (
    "{{ dbt_braze.audience_sync(source('crm', 'rows'), external_id='id', label='label', "
    "attribute='lytics_segments'%s) }}"
)


@pytest.mark.parametrize("backfill", [True, False])
def test_audiences_add_and_remove_labels(project: DbtProject, backfill: bool) -> None:
    project.sql(
        "create table crm.rows as select * from (values ('a', 'vip'), ('a', 'new \"x\"'), ('b', 'vip'), (null, 'vip')) as t(id, label)"
    )
    project.model("members", AUDIENCE % f", backfill={str(backfill).lower()}")
    project.run()
    if backfill:
        assert newest(project, "members", "EXTERNAL_ID, PAYLOAD") == [
            ("a", {"lytics_segments": {"add": ['new "x"', "vip"]}}),
            ("b", {"lytics_segments": {"add": ["vip"]}}),
        ]
    else:
        assert project.sql("select count(*) from members") == [(0,)]
    assert invalid(project, "members") == ["no identifier"]
    project.sql("delete from crm.rows where id = 'b' or label like 'new%'")
    project.sql("insert into crm.rows values ('a', 'old'), ('c', 'vip')")
    project.run()
    assert newest(project, "members", "EXTERNAL_ID, PAYLOAD") == [
        ("a", {"lytics_segments": {"add": ["old"], "remove": ['new "x"']}}),
        ("b", {"lytics_segments": {"remove": ["vip"]}}),
        ("c", {"lytics_segments": {"add": ["vip"]}}),
    ]
    before = project.sql("select count(*) from members")
    project.run()
    assert project.sql("select count(*) from members") == before


def test_the_mapping_comes_from_column_tags(project: DbtProject) -> None:
    project.sql(
        "create table crm.users as select * from (values ('1', 'a', 'X', 1), ('2', 'b', 'Y', 2)) as t(no, id, city, age)"
    )
    columns = [
        {"name": "id", "data_type": "varchar", "config": {"tags": ["braze_id", "braze[customer id]"]}},
        {"name": "city", "data_type": "varchar", "config": {"tags": ["Braze[Town]", "braze[home_city]"]}},
        {"name": "age", "data_type": "integer", "config": {"tags": ["braze[age]", "other"]}},
        {"name": "no", "data_type": "integer"},
    ]
    tables = [{"name": "users", "columns": columns}]
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": tables}]})
    project.model("users", "{{ dbt_braze.tagged_sync(source('crm', 'users'), label='VIP') }}")
    project.run()
    payload = {
        "customer id": "a",
        "Town": "X",
        "home_city": "X",
        "age": 1,
        "looker_export": {"add": ["VIP"]},
    }
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD")[0] == ("a", payload)
    meta = json.loads((project.folder / "target/manifest.json").read_text())["nodes"]["model.shop.users"][
        "config"
    ]["meta"]
    assert meta["braze"]["update_existing_only"] is True
    project.sql("delete from crm.users where id = 'b'")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [("b", {"looker_export": {"remove": ["VIP"]}})]
    project.run()
    assert project.sql("select count(*) from users") == [(3,)]
    project.sql("insert into crm.users values ('2', 'b', 'Y', null)")
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [
        ("b", {"age": None, "looker_export": {"add": ["VIP"]}})
    ]


def test_tags_that_name_nothing_or_an_identifier_are_refused(project: DbtProject) -> None:
    columns = [
        {
            "name": "id",
            "data_type": "varchar",
            "config": {"tags": ["braze_id", "braze[]", "braze[external_id]"]},
        }
    ]
    tables = [{"name": "users", "columns": columns}]
    project.yaml("sources", {"version": 2, "sources": [{"name": "crm", "schema": "crm", "tables": tables}]})
    project.model("users", "{{ dbt_braze.tagged_sync(source('crm', 'users')) }}")
    output = project.run(fails=True)
    assert "a name has 1 to 255 characters" in output
    assert "'external_id' identifies the user" in output


ACTIONS = {
    "aliases": "aliases_sync(source('crm', 'rows'), alias_name='a', alias_label='b', external_id='c')",
    "alias_updates": "alias_updates_sync(source('crm', 'rows'), alias_label='b', old_alias_name='a', new_alias_name='d')",
    "identifies": "identifies_sync(source('crm', 'rows'), external_id='d', alias_name='a', alias_label='b', email='e', "
    "prioritization=['unidentified', 'most_recently_updated'])",
    "merges": "merges_sync(source('crm', 'rows'), to_merge={'external_id': 'd'}, to_keep={'alias_name': 'a', 'alias_label': 'b'})",
    "renames": "external_id_renames_sync(source('crm', 'rows'), current_external_id='a', new_external_id='d')",
    "removals": "external_id_removals_sync(source('crm', 'rows'), external_id='d')",
}


def test_actions_are_emitted_once_with_the_objects_of_their_endpoints(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows as select * from (values ('n', 'l', 'x', 'y', null), (null, null, null, 'z', 'e@x.y')) as t(a, b, c, d, e)"
    )
    for name, call in ACTIONS.items():
        project.model(name, f"{{{{ dbt_braze.{call} }}}}")
    project.run()
    assert {name: newest(project, name, "PAYLOAD") for name in ACTIONS} == {
        "aliases": [({"alias_name": "n", "alias_label": "l", "external_id": "x"},)],
        "alias_updates": [({"alias_label": "l", "old_alias_name": "n", "new_alias_name": "y"},)],
        "identifies": [
            ({"external_id": "y", "user_alias": {"alias_name": "n", "alias_label": "l"}},),
            (
                {
                    "external_id": "z",
                    "email": "e@x.y",
                    "prioritization": ["unidentified", "most_recently_updated"],
                },
            ),
        ],
        "merges": [
            (
                {
                    "identifier_to_merge": {"external_id": "y"},
                    "identifier_to_keep": {"user_alias": {"alias_name": "n", "alias_label": "l"}},
                },
            )
        ],
        "renames": [({"current_external_id": "n", "new_external_id": "y"},)],
        "removals": [({"external_id": "y"},), ({"external_id": "z"},)],
    }
    assert invalid(project, "aliases") == ["no alias_name"]
    assert invalid(project, "merges") == ["not exactly one kind of identifier in identifier_to_keep"]
    counts = {name: project.sql(f"select count(*) from {name}") for name in ACTIONS}
    project.run()
    assert {name: project.sql(f"select count(*) from {name}") for name in ACTIONS} == counts


def test_subscription_states_are_sent_when_they_change(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows as select * from (values ('a', 'g1', 'subscribed'), ('a', 'g2', 'subscribed'), ('b', 'g1', 'maybe')) as t(id, g, s)"
    )
    project.model(
        "groups",
        "{{ dbt_braze.subscription_groups_sync(source('crm', 'rows'), external_id='id', subscription_group_id='g', "
        "subscription_state='s', pairs_that_left='unsubscribed') }}",
    )
    project.model(
        "status",
        "{{ dbt_braze.email_status_sync(source('crm', 'rows'), email=\"id || g\", subscription_state='s') }}",
    )
    project.run()
    subscribed = {"subscription_group_id": "g1", "subscription_state": "subscribed"}
    assert newest(project, "groups", "EXTERNAL_ID, PAYLOAD") == [
        ("a", subscribed),
        ("a", {**subscribed, "subscription_group_id": "g2"}),
    ]
    assert invalid(project, "groups") == ["subscription_state is neither subscribed nor unsubscribed"]
    assert newest(project, "status", "EMAIL, PAYLOAD") == [
        ("ag1", {"subscription_state": "subscribed"}),
        ("ag2", {"subscription_state": "subscribed"}),
    ]
    project.sql("delete from crm.rows where g = 'g2'")
    project.sql("update crm.rows set s = 'unsubscribed'")
    project.run()
    gone = {"subscription_group_id": "g1", "subscription_state": "unsubscribed"}
    assert newest(project, "groups", "EXTERNAL_ID, PAYLOAD") == [
        ("a", gone),
        ("a", {**gone, "subscription_group_id": "g2"}),
        ("b", gone),
    ]
    assert newest(project, "status", "EMAIL, PAYLOAD") == [
        ("ag1", {"subscription_state": "unsubscribed"}),
        ("bg1", {"subscription_state": "unsubscribed"}),
    ]
    before = project.sql("select count(*) from groups")
    project.run()
    assert project.sql("select count(*) from groups") == before


def test_canvas_triggers_have_properties_and_are_for_cdi_alone(project: DbtProject) -> None:
    project.sql(
        "create table crm.rows as select * from (values ('1', 'a', 5), ('2', 'b', null)) as t(id, user_id, n)"
    )
    call = (
        "{{{{ dbt_braze.canvas_triggers_sync(source('crm', 'rows'), trigger_id='id', external_id='user_id', "
        "properties=[{{'name': 'n', 'type': 'integer'}}]{}) }}}}"
    )
    project.model("triggers", call.format(""))
    project.run()
    assert newest(project, "triggers", "EXTERNAL_ID, PROPERTIES") == [("a", {"n": 5}), ("b", {})]
    project.run()
    assert project.sql("select count(*) from triggers") == [(2,)]
    project.model("triggers", call.format(", deliver='rest'"))
    assert "read by Braze alone" in project.run(fails=True)


def test_arrays_of_objects_are_sent_element_by_element(project: DbtProject) -> None:
    project.sql(
        "create table crm.users as select * from (values "
        "('a', [{'id': 1, 'name': 'x'}, {'id': 2, 'name': 'y'}]), ('b', [{'id': 1, 'name': 'x'}]), ('c', null)) as t(id, orders)"
    )
    project.model(
        "users",
        "{{ dbt_braze.attributes_sync(source('crm', 'users'), external_id='id', "
        "attributes=[{'name': 'orders', 'type': 'array', 'key': 'id'}]) }}",
    )
    project.run()
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [
        ("a", {"orders": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]}),
        ("b", {"orders": [{"id": 1, "name": "x"}]}),
    ]
    project.sql(
        "update crm.users set orders = [{'id': 3, 'name': 'z'}, {'id': 2, 'name': 'Y'}] where id = 'a'"
    )
    project.sql("update crm.users set orders = null where id = 'b'")
    project.sql(
        "update crm.users set orders = [{'id': 1, 'name': 'x'}, {'id': 1, 'name': 'w'}] where id = 'c'"
    )
    project.run()
    operation = {
        "$add": [{"id": 3, "name": "z"}],
        "$update": [{"$identifier_key": "id", "$identifier_value": 2, "$new_object": {"id": 2, "name": "Y"}}],
        "$remove": [{"$identifier_key": "id", "$identifier_value": 1}],
    }
    assert newest(project, "users", "EXTERNAL_ID, PAYLOAD") == [
        ("a", {"orders": operation}),
        ("b", {"orders": None}),
        ("c", {"orders": [{"id": 1, "name": "x"}, {"id": 1, "name": "w"}]}),
    ]
    assert project.sql(
        "select objects, data_points from users_data_points order by estimated_at desc limit 1"
    ) == [(3, 10)]
    # The same elements in another order are the same array; an emptied one is removed element by element.
    project.sql(
        "update crm.users set orders = [{'id': 2, 'name': 'Y'}, {'id': 3, 'name': 'z'}] where id = 'a'"
    )
    project.run()
    assert project.sql("select count(*) from users") == [(5,)]
    project.sql("update crm.users set orders = [] where id = 'a'")
    project.sql("update crm.users set orders = [{'id': 1, 'name': 'x'}] where id in ('b', 'c')")
    project.run()
    removed = [{"$identifier_key": "id", "$identifier_value": n} for n in (2, 3)]
    rows = newest(project, "users", "EXTERNAL_ID, PAYLOAD")
    assert sorted(rows[0][1]["orders"]["$remove"], key=str) == removed
    assert rows[1:] == [
        ("b", {"orders": [{"id": 1, "name": "x"}]}),
        ("c", {"orders": [{"id": 1, "name": "x"}]}),
    ]
    project.run()
    assert project.sql("select count(*) from users") == [(8,)]
