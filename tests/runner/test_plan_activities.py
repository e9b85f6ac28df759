"""Events and purchases: what Braze needs of each, and whose time is sent."""

import json
from typing import Any

import pytest
from plan_helpers import CUSTOMER, TRACKED, activity, batch_of, plan_one, reason, sent

from braze_runner.plan import Identifiers, Row
from braze_runner.plan.track import ActivityPlanner

TIME = "2026-01-01T00:00:00Z"
EVENT: dict[str, Any] = {"name": "visited", "time": TIME}
PURCHASE: dict[str, Any] = {"product_id": "p-1", "currency": "USD", "price": 9.5, "time": TIME}


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("events", None, "payload_missing"),
        ("events", "[]", "payload_not_object"),
        ("events", without(EVENT, "name"), "payload_incomplete"),
        ("events", without(EVENT, "time"), "payload_incomplete"),
        ("events", EVENT | {"name": ""}, "payload_incomplete"),
        ("events", EVENT | {"name": 5}, "payload_incomplete"),
        ("events", EVENT | {"time": None}, "payload_incomplete"),
        ("events", EVENT | {"time": 1_800_000_000}, "payload_incomplete"),
        ("events", EVENT | {"external_id": "x"}, "identifier_in_payload"),
        ("events", EVENT | {"email": "a@b.example"}, "identifier_in_payload"),
        ("purchases", without(PURCHASE, "product_id"), "payload_incomplete"),
        ("purchases", without(PURCHASE, "currency"), "payload_incomplete"),
        ("purchases", without(PURCHASE, "price"), "payload_incomplete"),
        ("purchases", without(PURCHASE, "time"), "payload_incomplete"),
        ("purchases", PURCHASE | {"price": "9.5"}, "payload_incomplete"),
        ("purchases", PURCHASE | {"price": True}, "payload_incomplete"),
        ("purchases", PURCHASE | {"quantity": 0}, "payload_incomplete"),
        ("purchases", PURCHASE | {"quantity": 101}, "payload_incomplete"),
        ("purchases", PURCHASE | {"quantity": 1.0}, "payload_incomplete"),
        ("purchases", PURCHASE | {"quantity": True}, "payload_incomplete"),
        ("purchases", PURCHASE | {"quantity": None}, "payload_incomplete"),
    ],
)
def test_rows_that_are_rejected(kind: str, payload: Any, expected: str) -> None:
    assert reason(activity(kind, payload)) == expected


@pytest.mark.parametrize(
    ("kind", "payload", "points"),
    [
        ("events", EVENT, 1),
        ("events", EVENT | {"properties": {"a": {"b": [1]}, "email": "a@b.example"}}, 1),
        ("purchases", PURCHASE, 1),
        ("purchases", PURCHASE | {"price": -3, "quantity": 100}, 100),
    ],
)
def test_rows_that_are_sent(kind: str, payload: dict[str, Any], points: int) -> None:
    planned = activity(kind, payload)
    assert sent(planned) == '{"external_id":"customer-000001",' + json.dumps(payload)[1:]
    assert isinstance(planned, Row)
    assert (planned.array.decode(), planned.repeatable) == (kind, False)
    assert (planned.attributes, planned.data_points) == (0, points)


def test_a_user_is_named_in_any_way() -> None:
    alias = Identifiers(alias_name="n", alias_label="l")
    assert sent(activity("events", EVENT, alias)).startswith(
        '{"user_alias":{"alias_name":"n","alias_label":"l"},"name"'
    )
    assert reason(activity("events", EVENT, Identifiers())) == "no_identifier"
    assert sent(activity("events", EVENT, CUSTOMER, _update_existing_only=True)).startswith(
        '{"external_id":"customer-000001","_update_existing_only":true,"name"'
    )
    assert (
        reason(activity("events", EVENT | {"_update_existing_only": 1}, CUSTOMER, _update_existing_only=True))
        == "setting_in_payload"
    )


def test_the_time_of_the_row_stands_in_for_one_that_is_missing() -> None:
    planner = ActivityPlanner("events", TRACKED)
    own, missing, wrong, no_time = planner.plan_batch(
        batch_of(
            [
                {"external_id": "c", "payload": '{"name":"a","time":"own"}', "time_of_row": TIME},
                {"external_id": "c", "payload": '{"name":"a"}', "time_of_row": TIME},
                {"external_id": "c", "payload": '{"name":"a","time":5}', "time_of_row": TIME},
                {"external_id": "c", "payload": '{"name":"a"}', "time_of_row": None},
            ]
        )
    )
    assert sent(own) == '{"external_id":"c","name":"a","time":"own"}'
    assert sent(missing) == f'{{"external_id":"c","time":"{TIME}","name":"a"}}'
    assert (reason(wrong), reason(no_time)) == ("payload_incomplete", "payload_incomplete")
    assert reason(plan_one(planner, external_id="c", payload='{"name":"a"}')) == "payload_incomplete"
