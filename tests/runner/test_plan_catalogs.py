"""Catalog items: written as a whole, or deleted."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from plan_helpers import Value, bodies, plan_one, reason, sent

from braze_runner.errors import ConfigError
from braze_runner.plan import Row, planner_for
from braze_runner.plan.catalogs import CatalogPlanner
from braze_runner.project import Location, Sync

PLANNER = CatalogPlanner("restaurants")


def test_an_item_is_written_with_its_own_text() -> None:
    planned = plan_one(PLANNER, id="item-1", payload=' { "price" : 1.50 }')
    assert sent(planned) == '{"id":"item-1", "price" : 1.50 }'
    assert isinstance(planned, Row)
    endpoint = planned.envelope.endpoint
    assert (endpoint.method, planned.envelope.path) == ("PUT", "/catalogs/restaurants/items")
    assert bodies([planned]) == [b'{"items":[{"id":"item-1", "price" : 1.50 }]}']
    assert sent(plan_one(PLANNER, id="item-1", payload=" {} ")) == '{"id":"item-1"}'


def test_a_deleted_item_needs_no_payload() -> None:
    for payload in (None, "no json", '{"a":1}'):
        planned = plan_one(PLANNER, id="item-1", payload=payload, deleted=True)
        assert sent(planned) == '{"id":"item-1"}'
        assert isinstance(planned, Row)
        assert planned.envelope.endpoint.method == "DELETE"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (pa.array([True, False, None]), [True, False, False]),
        (pa.array([1, 0, None]), [True, False, False]),
        (pa.array([Decimal(1), Decimal(0), None]), [True, False, False]),
        (pa.array(["true", "false", None]), [True, False, False]),
        (pa.array([" T", "f", "no"]), [True, False, False]),
    ],
)
def test_only_what_says_so_is_deleted(flags: Any, expected: list[bool]) -> None:
    columns = {"braze_row": ["1", "2", "3"], "id": ["a", "b", "c"], "payload": ["{}"] * 3}
    batch = pa.RecordBatch.from_pydict(
        {**{name: pa.array(each) for name, each in columns.items()}, "deleted": flags}
    )
    rows = PLANNER.plan_batch(batch)
    assert [row.envelope.endpoint.method == "DELETE" for row in rows if isinstance(row, Row)] == expected


@pytest.mark.parametrize(
    ("item_id", "payload", "expected"),
    [
        (None, "{}", "bad_item_id"),
        ("", "{}", "bad_item_id"),
        ("a b", "{}", "bad_item_id"),
        ("a\n", "{}", "bad_item_id"),
        ("é", "{}", "bad_item_id"),
        (b"\xff", "{}", "bad_item_id"),
        ("a" * 251, "{}", "bad_item_id"),
        ("a", None, "payload_missing"),
        ("a", "[]", "payload_not_object"),
        ("a", '{"id":"b"}', "identifier_in_payload"),
        ("a", '{"\\u0069d":"b"}', "identifier_in_payload"),
    ],
)
def test_items_that_are_rejected(item_id: Value, payload: Value, expected: str) -> None:
    planned = plan_one(PLANNER, id=item_id, payload=payload)
    assert reason(planned) == expected
    assert isinstance(json.loads(planned.identifier), dict)


def test_the_longest_id() -> None:
    assert isinstance(plan_one(PLANNER, id="a" * 250, payload="{}"), Row)


def test_a_catalog_s_name_stays_in_its_place() -> None:
    planned = plan_one(CatalogPlanner("a/../b?c"), id="a", payload="{}")
    assert isinstance(planned, Row)
    assert planned.envelope.path == "/catalogs/a%2F..%2Fb%3Fc/items"


def test_a_catalog_has_to_be_named() -> None:
    sync = Sync("model.shop.items", "items", Location(None, "braze", "items"), "catalog_items")
    with pytest.raises(ConfigError, match=r"meta\.braze\.catalog has to name the catalog"):
        planner_for(sync)
