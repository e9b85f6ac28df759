import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from braze_runner import times

TIME = times.text_of(datetime.now(UTC) - timedelta(days=2))
EVENT = {"name": "visit", "time": TIME}
PURCHASE = {"product_id": "sku-17", "currency": "USD", "price": 9.5, "time": TIME}


def test_events_are_never_deduplicated(braze: Any) -> None:
    user = braze.new_id()
    event = {"external_id": user, **EVENT}
    assert braze.track(events=[event, event]).json() == {"message": "success", "events_processed": 2}
    braze.track(events=[event])
    assert braze.user(user)["custom_events"] == [{"name": "visit", "first": TIME, "last": TIME, "count": 3}]


def test_events_are_counted_by_name_with_first_and_last(braze: Any) -> None:
    user = braze.new_id()
    day = timedelta(days=1)
    moments = [datetime.now(UTC) - n * day for n in (2, 5, 3)]
    events = [{"external_id": user, "name": "visit", "time": moment.isoformat()} for moment in moments]
    braze.track(events=[*events, {"external_id": user, "name": "call", "time": TIME}])
    call, visit = braze.user(user)["custom_events"]
    assert (call["name"], call["count"]) == ("call", 1)
    assert visit == {
        "name": "visit",
        "first": times.text_of(moments[1]),
        "last": times.text_of(moments[0]),
        "count": 3,
    }


def test_a_time_in_the_future_becomes_now(braze: Any) -> None:
    user = braze.new_id()
    before = times.text_of(datetime.now(UTC))
    braze.track(events=[{"external_id": user, "name": "visit", "time": "2999-01-01T00:00:00Z"}])
    (event,) = braze.user(user)["custom_events"]
    assert before <= event["first"] <= times.text_of(datetime.now(UTC))


def test_export_tells_of_90_days(braze: Any) -> None:
    user = braze.new_id()
    ages = {"recent": 89, "old": 91}
    now = datetime.now(UTC)
    for name, days in ages.items():
        moment = (now - timedelta(days=days)).isoformat()
        braze.track(
            events=[{"external_id": user, "name": name, "time": moment}],
            purchases=[{"external_id": user, **PURCHASE, "product_id": name, "time": moment}],
        )
    profile = braze.user(user)
    assert [event["name"] for event in profile["custom_events"]] == ["recent"]
    assert [purchase["name"] for purchase in profile["purchases"]] == ["recent"]


@pytest.mark.parametrize(
    ("array", "item", "missing"),
    [("events", EVENT, name) for name in ("name", "time")]
    + [("purchases", PURCHASE, name) for name in ("product_id", "currency", "price", "time")],
)
def test_required_fields(braze: Any, array: str, item: dict[str, Any], missing: str) -> None:
    user = braze.new_id()
    incomplete = {key: value for key, value in item.items() if key != missing}
    (error,) = braze.errors(**{array: [{"external_id": user, **incomplete}]})
    assert missing in error
    assert braze.user(user) == {}


@pytest.mark.parametrize(
    ("array", "item", "changes"),
    [
        ("events", EVENT, {"time": "yesterday"}),
        ("events", EVENT, {"time": 1_700_000_000}),
        ("events", EVENT, {"time": "01/31/2026"}),
        ("purchases", PURCHASE, {"time": "01/31/2026"}),
        ("events", EVENT, {"name": ""}),
        ("purchases", PURCHASE, {"currency": "dollars"}),
        ("purchases", PURCHASE, {"price": "9.50"}),
        ("purchases", PURCHASE, {"price": True}),
        ("purchases", PURCHASE, {"product_id": "p" * 256}),
    ],
)
def test_wrong_values_reject_the_object(
    braze: Any, array: str, item: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert len(braze.errors(**{array: [{"external_id": braze.new_id(), **item, **changes}]})) == 1


@pytest.mark.parametrize(
    "time", ["2026-01-01T10:00:00:123Z", "2026-01-01T10:00:00+02:00", "2026-01-01 10:00:00"]
)
def test_times_that_braze_reads(braze: Any, time: str) -> None:
    assert braze.errors(events=[{"external_id": braze.new_id(), "name": "visit", "time": time}]) == []


@pytest.mark.parametrize(("array", "item"), [("events", EVENT), ("purchases", PURCHASE)])
@pytest.mark.parametrize(
    "properties",
    [
        {"time": 1},
        {"event_name": "x"},
        {"": 1},
        {"$price": 1},
        {"n" * 256: 1},
        "text",
        {"large": ["x" * 200] * 520},
    ],
)
def test_invalid_properties(braze: Any, array: str, item: dict[str, Any], properties: Any) -> None:
    sent = {"external_id": braze.new_id(), **item, "properties": properties}
    assert braze.errors(**{array: [sent]}) == ["Invalid 'properties' field"]


@pytest.mark.parametrize("name", ["product_id", "quantity", "price", "currency"])
def test_purchases_reserve_more_property_names(braze: Any, name: str) -> None:
    user = {"external_id": braze.new_id(), "properties": {name: 1}}
    assert braze.errors(purchases=[{**user, **PURCHASE}]) == ["Invalid 'properties' field"]
    assert braze.errors(events=[{**user, **EVENT}]) == []


def test_purchase_properties_hold_50_kb(braze: Any) -> None:
    user = {"external_id": braze.new_id(), "properties": {"large": ["x" * 200] * 300}}
    assert braze.errors(purchases=[{**user, **PURCHASE}]) == ["Invalid 'properties' field"]
    assert braze.errors(events=[{**user, **EVENT}]) == []


@pytest.mark.parametrize(("extra", "errors"), [(0, []), (1, ["Invalid 'properties' field"])])
def test_event_properties_hold_100_kb(braze: Any, extra: int, errors: list[str]) -> None:
    properties = {"large": "x" * (102_400 - len('{"large":""}') + extra)}
    assert braze.errors(events=[{"external_id": braze.new_id(), **EVENT, "properties": properties}]) == errors


def test_256_properties_are_kept(start: Callable[..., Any]) -> None:
    braze = start()
    properties = {f"property_{n}": n for n in range(257)}
    assert braze.errors(events=[{"external_id": "customer", **EVENT, "properties": properties}]) == []
    connection = sqlite3.connect(braze.server.settings.db)
    ((kept,),) = connection.execute("select properties from custom_events").fetchall()
    connection.close()
    assert json.loads(kept) == {f"property_{n}": n for n in range(256)}


@pytest.mark.parametrize("quantity", [1, 2, 100])
def test_quantity_is_as_many_purchases(braze: Any, quantity: int) -> None:
    user = braze.new_id()
    response = braze.track(purchases=[{"external_id": user, **PURCHASE, "quantity": quantity}])
    assert response.json() == {"message": "success", "purchases_processed": 1}
    profile = braze.user(user)
    assert profile["purchases"] == [{"name": "sku-17", "first": TIME, "last": TIME, "count": quantity}]
    assert profile["total_revenue"] == 9.5 * quantity


@pytest.mark.parametrize("quantity", [0, -1, 101, 1.5, "2", True, None])
def test_quantity_is_1_to_100(braze: Any, quantity: Any) -> None:
    item = {"external_id": braze.new_id(), **PURCHASE, "quantity": quantity}
    assert braze.errors(purchases=[item]) == ["'quantity' is not valid"]


def test_revenue_counts_us_dollars(braze: Any) -> None:
    user = braze.new_id()
    braze.track(purchases=[{"external_id": user, **PURCHASE, "currency": each} for each in ("USD", "EUR")])
    assert braze.user(user)["total_revenue"] == 9.5


def test_a_negative_price_is_a_refund(braze: Any) -> None:
    user = braze.new_id()
    bought = {"external_id": user, **PURCHASE}
    braze.track(purchases=[bought, {**bought, "price": -9.5}])
    profile = braze.user(user)
    assert profile["purchases"][0]["count"] == 2
    assert profile["total_revenue"] == 0


def test_attributes_apply_before_events_and_purchases(braze: Any) -> None:
    user = braze.new_id()
    only = {"external_id": user, "_update_existing_only": True}
    braze.track(
        purchases=[{**only, **PURCHASE}],
        events=[{**only, **EVENT}],
        attributes=[{"external_id": user, "plan": "gold"}],
    )
    profile = braze.user(user)
    assert profile["custom_attributes"] == {"plan": "gold"}
    assert profile["custom_events"][0]["count"] == profile["purchases"][0]["count"] == 1


def test_an_event_alone_creates_its_user(braze: Any) -> None:
    user = braze.new_id()
    braze.track(events=[{"external_id": user, **EVENT}])
    assert braze.user(user)["external_id"] == user


def test_objects_in_purchase_properties_become_texts(start: Callable[..., Any]) -> None:
    braze = start()
    properties = {"size": {"w": 1}, "tags": ["a"], "color": "red"}
    purchase = {
        "external_id": "c",
        "product_id": "p",
        "currency": "EUR",
        "price": 1,
        "properties": properties,
    }
    braze.track(purchases=[{**purchase, "time": "2026-01-01T00:00:00Z"}])
    stored = '{"size":"{\\"w\\":1}","tags":["a"],"color":"red"}'
    assert braze.table("select properties from purchases") == [(stored,)]
