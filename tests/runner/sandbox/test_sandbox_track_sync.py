"""POST /users/track/sync, a limited beta."""

from collections.abc import Callable
from typing import Any

import pytest

PATH = "/users/track/sync"
DAY = 86_400


@pytest.fixture(scope="module")
def sync(start_once: Callable[..., Any]) -> Any:
    return start_once(track_sync=True, lag=DAY)


def test_sync_is_404_unless_the_account_has_it(braze: Any) -> None:
    assert braze.post(PATH, {"attributes": [{"external_id": "c", "plan": "gold"}]}).status_code == 404


def test_the_answer_tells_what_was_touched(sync: Any) -> None:
    user = sync.new_id()
    first = {"external_id": user, "plan": "gold", "list": {"add": ["a"]}, "first_name": "Ann"}
    answer = sync.accepted(PATH, {"attributes": [first]})
    touched = {"plan": "gold", "list": ["a"]}
    assert answer == {"users": [{"external_id": user, "custom_attributes": touched}], "message": "success"}
    second = {"external_id": user, "list": {"add": ["b"]}, "plan": None}
    answer = sync.accepted(PATH, {"attributes": [second]})
    assert answer["users"][0]["custom_attributes"] == {"list": ["a", "b"], "plan": None}
    assert sync.user(user)["first_name"] == "Ann"


def test_events_and_purchases_are_counted(sync: Any) -> None:
    user = sync.new_id()
    times = ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"]
    for time in times:
        events = sync.accepted(PATH, {"events": [{"external_id": user, "name": "visit", "time": time}]})
    assert events["users"] == [
        {
            "external_id": user,
            "custom_events": [
                {
                    "name": "visit",
                    "first": "2026-01-01T00:00:00.000Z",
                    "last": "2026-01-02T00:00:00.000Z",
                    "count": 2,
                }
            ],
        }
    ]
    purchase = {"external_id": user, "product_id": "p", "currency": "EUR", "price": 1, "time": times[0]}
    bought = sync.accepted(PATH, {"purchases": [{**purchase, "quantity": 3}]})
    counted = bought["users"][0]["purchase_events"]
    assert [(each["product_id"], each["count"]) for each in counted] == [("p", 3)]


def test_nobody_is_touched_where_nobody_may_be_made(sync: Any) -> None:
    item = {"external_id": sync.new_id(), "plan": "gold", "_update_existing_only": True}
    assert sync.accepted(PATH, {"attributes": [item]}) == {"users": [], "message": "success"}


def test_one_object_a_request(sync: Any) -> None:
    item = {"external_id": sync.new_id(), "plan": "gold"}
    for body in ({}, {"attributes": []}, {"attributes": [item, item]}, {"attributes": [{"plan": "gold"}]}):
        assert sync.post(PATH, body).status_code == 400
    assert sync.post(PATH, {}).headers["x-ratelimit-limit"] == "500"
