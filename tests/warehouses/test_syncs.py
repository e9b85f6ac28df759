"""Every other kind of sync on every warehouse: what each table gets from three runs."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from replay import CdiReader
from sqlfluff.core import FluffConfig, Linter
from warehouse import Warehouse, WarehouseProject

TIME = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 (the columns have no zone)
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001
ISO = "2026-01-02T03:04:05.000Z"
KINDS: dict[str, dict[str, str]] = {
    "happened": {
        "id": "string",
        "user_id": "string",
        "name": "string",
        "happened_at": "timestamp",
        "n": "integer",
    },
    "orders": {
        "id": "string",
        "user_id": "string",
        "product": "string",
        "currency": "string",
        "price": "decimal",
        "quantity": "integer",
        "bought_at": "timestamp",
    },
    "users": {"id": "string", "email": "string", "phone": "string", "city": "string", "age": "integer"},
    "members": {"id": "string", "label": "string", "state": "string"},
    "items": {"id": "string", "title": "string", "stars": "integer"},
    "links": {"a": "string", "b": "string", "c": "string", "d": "string"},
}
MODELS = {
    "events": "events_sync(source('crm', 'happened'), event_id='id', external_id='user_id', name='name', time='happened_at', "
    "properties=[{'name': 'n', 'type': 'integer'}])",
    "purchases": "purchases_sync(source('crm', 'orders'), purchase_id='id', external_id='user_id', product_id='product', "
    "currency='currency', price='price', quantity='quantity', time='bought_at')",
    "users": "attributes_sync(source('crm', 'users'), external_id='id', email='email', phone='phone', "
    "priority=['external_id', 'email', 'phone'], attributes=[{'name': 'city', 'type': 'string'}, {'name': 'age', 'type': 'integer'}])",
    "gone": "deletes_sync(source('crm', 'users'), sent_by=ref('users'), external_id='id')",
    "mirror": "attributes_sync(source('crm', 'users'), external_id='id', users_that_left='unset', dropped_attributes='unset', "
    "attributes=[{'name': 'city', 'type': 'string'}])",
    "listed": "deletes_sync(source('crm', 'links'), alias_name='a', alias_label='b', request_id='c')",
    "members": "audience_sync(source('crm', 'members'), external_id='id', label='label', attribute='labels')",
    "groups": "subscription_groups_sync(source('crm', 'members'), external_id='id', subscription_group_id='label', "
    "subscription_state='state', pairs_that_left='unsubscribed')",
    "items": "catalog_sync(source('crm', 'items'), catalog='films', id='id', fields=[{'name': 'title', 'type': 'string'}, "
    "{'name': 'stars', 'type': 'integer'}])",
    "triggers": "canvas_triggers_sync(source('crm', 'happened'), trigger_id='id', external_id='user_id', "
    "properties=[{'name': 'n', 'type': 'integer'}])",
    "aliases": "aliases_sync(source('crm', 'links'), alias_name='a', alias_label='b', external_id='c')",
    "identifies": "identifies_sync(source('crm', 'links'), external_id='d', alias_name='a', alias_label='b')",
    "merges": "merges_sync(source('crm', 'links'), to_merge={'external_id': 'd'}, to_keep={'external_id': 'c'})",
    "status": "email_status_sync(source('crm', 'users'), email='email', subscription_state=\"'unsubscribed'\")",
}
FIRST: dict[str, list[dict[str, Any]]] = {
    "happened": [
        {"id": "1", "user_id": "a", "name": "Signed 'up'", "happened_at": TIME, "n": 7},
        {"id": "2", "user_id": "b", "name": "Ordered", "happened_at": TIME},
        {"id": "2", "user_id": "b", "name": "Ordered", "happened_at": TIME},
        {"id": "3", "user_id": None, "name": "Nobody", "happened_at": TIME},
    ],
    "orders": [
        {
            "id": "1",
            "user_id": "a",
            "product": "shoe",
            "currency": "USD",
            "price": Decimal("12.50"),
            "quantity": 250,
            "bought_at": TIME,
        },
        {
            "id": "2",
            "user_id": "a",
            "product": "hat",
            "currency": "EUR",
            "price": Decimal("-3.00"),
            "bought_at": TIME,
        },
        {
            "id": "3",
            "user_id": "a",
            "product": "hat",
            "currency": "eur",
            "price": Decimal("1.00"),
            "bought_at": TIME,
        },
    ],
    "users": [
        {"id": "a", "email": "a@x.y", "city": "X", "age": 1},
        {"id": "b", "city": "Y"},
        {"email": "c@x.y", "phone": "+1", "city": "Z"},
        {"phone": "+2", "age": 3},
        {"city": "nobody"},
    ],
    "members": [
        {"id": "a", "label": "vip", "state": "subscribed"},
        {"id": "a", "label": 'new "x"', "state": "subscribed"},
        {"id": "b", "label": "vip", "state": "unsubscribed"},
    ],
    "items": [
        {"id": "a", "title": "A", "stars": 1},
        {"id": "b", "title": "B"},
        {"id": "no good", "title": "C"},
    ],
    "links": [{"a": "n", "b": "l", "c": "x", "d": "y"}],
}
SECOND: dict[str, list[dict[str, Any]]] = {
    "happened": [
        *FIRST["happened"],
        {"id": "0", "user_id": "c", "name": "Late", "happened_at": LONG_AGO},
    ],
    "orders": FIRST["orders"],
    "users": [{"id": "a", "email": "a@x.y", "city": "X", "age": 2}, *FIRST["users"][2:]],
    "members": [
        {"id": "a", "label": "vip", "state": "unsubscribed"},
        {"id": "a", "label": "old", "state": "subscribed"},
        {"id": "c", "label": "vip", "state": "subscribed"},
    ],
    "items": [{"id": "b", "title": "B", "stars": 5}],
    "links": FIRST["links"],
}


def event(name: str, time: str = ISO, **properties: int) -> dict[str, Any]:
    return {"name": name, "time": time, **({"properties": properties} if properties else {})}


def group(name: str, state: str) -> dict[str, str]:
    return {"subscription_group_id": name, "subscription_state": state}


SHOE = {"product_id": "shoe", "currency": "USD", "price": 12.5, "time": ISO}
FIRST_BATCHES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "events": ("EXTERNAL_ID, PAYLOAD", [("a", event("Signed 'up'", n=7)), ("b", event("Ordered"))]),
    "purchases": (
        "EXTERNAL_ID, PAYLOAD",
        [
            *(("a", {**SHOE, "quantity": n}) for n in (100, 100, 50)),
            ("a", {"product_id": "hat", "currency": "EUR", "price": -3, "time": ISO}),
        ],
    ),
    "users": (
        "EXTERNAL_ID, EMAIL, PHONE, PAYLOAD",
        [
            ("a", None, None, {"city": "X", "age": 1}),
            ("b", None, None, {"city": "Y"}),
            (None, "c@x.y", None, {"city": "Z"}),
            (None, None, "+2", {"age": 3}),
        ],
    ),
    "gone": ("EXTERNAL_ID", []),
    "mirror": ("EXTERNAL_ID, PAYLOAD", [("a", {"city": "X"}), ("b", {"city": "Y"})]),
    "listed": ("ALIAS_NAME, ALIAS_LABEL", [("n", "l")]),
    "members": (
        "EXTERNAL_ID, PAYLOAD",
        [("a", {"labels": {"add": ['new "x"', "vip"]}}), ("b", {"labels": {"add": ["vip"]}})],
    ),
    "groups": (
        "EXTERNAL_ID, PAYLOAD",
        [
            ("a", group("vip", "subscribed")),
            ("a", group('new "x"', "subscribed")),
            ("b", group("vip", "unsubscribed")),
        ],
    ),
    "items": (
        "ID, PAYLOAD, DELETED",
        [("a", {"title": "A", "stars": 1}, False), ("b", {"title": "B"}, False)],
    ),
    "triggers": ("EXTERNAL_ID, PROPERTIES", [("a", {"n": 7}), ("b", {})]),
    "aliases": ("PAYLOAD", [({"alias_name": "n", "alias_label": "l", "external_id": "x"},)]),
    "identifies": (
        "PAYLOAD",
        [({"external_id": "y", "user_alias": {"alias_name": "n", "alias_label": "l"}},)],
    ),
    "merges": (
        "PAYLOAD",
        [({"identifier_to_merge": {"external_id": "y"}, "identifier_to_keep": {"external_id": "x"}},)],
    ),
    "status": (
        "EMAIL, PAYLOAD",
        [
            ("a@x.y", {"subscription_state": "unsubscribed"}),
            ("c@x.y", {"subscription_state": "unsubscribed"}),
        ],
    ),
}
SECOND_BATCHES: dict[str, list[tuple[Any, ...]]] = {
    "events": [("c", event("Late", "2020-01-01T00:00:00.000Z"))],
    "users": [("a", None, None, {"age": 2})],
    "gone": [("b",)],
    "mirror": [("b", {"city": None})],
    "members": [
        ("a", {"labels": {"add": ["old"], "remove": ['new "x"']}}),
        ("b", {"labels": {"remove": ["vip"]}}),
        ("c", {"labels": {"add": ["vip"]}}),
    ],
    "groups": [
        ("a", group("vip", "unsubscribed")),
        ("a", group("old", "subscribed")),
        ("a", group('new "x"', "unsubscribed")),
        ("c", group("vip", "subscribed")),
    ],
    "items": [("a", {}, True), ("b", {"title": "B", "stars": 5}, False)],
    "triggers": [("c", {})],
}


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A project with a model of every kind."""
    project = warehouse.project("syncs")
    project.sources(*KINDS)
    for name, kinds in KINDS.items():
        project.table(name, kinds)
    for name, call in MODELS.items():
        project.model(name, f"{{{{ dbt_braze.{call} }}}}")
    return project


def batches(project: WarehouseProject) -> dict[str, list[tuple[Any, ...]]]:
    """The newest batch of every log."""
    return {
        model: sorted((tuple(row.values()) for row in project.newest(model, columns)), key=str)
        for model, (columns, _) in FIRST_BATCHES.items()
    }


class Readers:
    """Braze's two possible readers of each log, by its stamps alone."""

    def __init__(self, project: WarehouseProject) -> None:
        self.project = project
        self.readers = {model: [CdiReader(inclusive=False), CdiReader(inclusive=True)] for model in MODELS}

    def visit(self) -> None:
        """Let them come by: each has read every row by now, and one row at most a second time."""
        for model, readers in self.readers.items():
            rows = self.project.log(model, "braze_base")
            every = sorted((row["braze_batch"], row["braze_row"]) for row in rows)
            for reader in readers:
                read = {(row["braze_batch"], row["braze_row"]) for row in reader.visit(rows)}
                assert sorted(read) == every


def test_each_run_emits_what_is_new_and_no_more(project: WarehouseProject) -> None:
    readers = Readers(project)
    for name, rows in FIRST.items():
        project.fill(name, KINDS[name], rows)
    project.run()
    assert batches(project) == {model: sorted(rows, key=str) for model, (_, rows) in FIRST_BATCHES.items()}
    readers.visit()
    before = {model: project.count(model) for model in MODELS}
    project.run()
    readers.visit()
    assert {model: project.count(model) for model in MODELS} == before
    for name, rows in SECOND.items():
        project.fill(name, KINDS[name], rows)
    project.run()
    added = {model: project.count(model) - before[model] for model in MODELS}
    assert added == {model: len(SECOND_BATCHES.get(model, [])) for model in MODELS}
    readers.visit()
    newest = batches(project)
    assert {model: newest[model] for model in SECOND_BATCHES} == {
        model: sorted(rows, key=str) for model, rows in SECOND_BATCHES.items()
    }
    # The guard of the mirror's and the list's users is told in the view of invalid rows too.
    invalid = project.statement(f"select invalid_reason from {project.schema}.users_invalid")
    assert [tuple(row) for row in invalid] == [("no identifier",)]


def test_compiled_models_are_read_by_sqlfluff_too(project: WarehouseProject) -> None:
    project.dbt("compile")
    settings = {"dialect": project.warehouse.name, "templater": "raw", "large_file_skip_byte_limit": 0}
    linter = Linter(config=FluffConfig(overrides=settings))
    models = {name: project.folder / "target/compiled/shop/models" / f"{name}.sql" for name in MODELS}
    found = {name: linter.parse_string(model.read_text()).violations for name, model in models.items()}
    assert {name: problems for name, problems in found.items() if problems} == {}
