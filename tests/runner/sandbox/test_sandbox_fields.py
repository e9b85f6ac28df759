import json
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

import pytest

GROUP, OTHER_GROUP = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))


def stored(braze: Any, field: str, *values: Any) -> Any:
    user = braze.new_id()
    for value in values:
        braze.attributes({"external_id": user, field: value})
    return braze.user(user).get(field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", "Given 17"),
        ("last_name", "Family 17"),
        ("home_city", "City 17"),
        ("email", "customer-17@example.com"),
        ("phone", "+4930123456"),
        ("dob", "1990-02-28"),
        ("gender", "F"),
        ("country", "DE"),
        ("language", "de"),
        ("time_zone", "Europe/Berlin"),
        ("time_zone", "Eastern Time (US & Canada)"),
        ("email_subscribe", "opted_in"),
        ("push_subscribe", "unsubscribed"),
    ],
)
def test_reserved_fields_are_no_custom_attributes(braze: Any, field: str, value: str) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, field: value})
    profile = braze.user(user)
    assert profile[field] == value
    assert "custom_attributes" not in profile


@pytest.mark.parametrize("field", ["first_name", "email", "phone", "dob", "gender", "country", "time_zone"])
def test_null_removes_a_reserved_field(braze: Any, field: str) -> None:
    values = {
        "email": "customer@example.com",
        "dob": "1990-01-01",
        "gender": "M",
        "country": "FR",
        "time_zone": "UTC",
    }
    assert stored(braze, field, values.get(field, "+493012345"), None) is None


@pytest.mark.parametrize("name", ["First_Name", "GENDER", "Email"])
def test_another_spelling_is_a_custom_attribute(braze: Any, name: str) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, name: "value"})
    assert braze.custom(user) == {name: "value"}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("gender", "M", "X"),
        ("gender", "P", "m"),
        ("time_zone", "UTC", "Mars/Olympus"),
        ("dob", "2000-02-29", "2001-02-29"),
        ("dob", "2000-01-01", "01/01/2000"),
        ("first_name", "Given", 7),
    ],
)
def test_a_value_that_is_not_taken_leaves_the_current_one(
    braze: Any, field: str, good: Any, bad: Any
) -> None:
    assert stored(braze, field, good, bad) == good


def test_an_image_url_holds_1024_characters(braze: Any) -> None:
    user, longest = braze.new_id(), "x" * 1_024
    braze.attributes(
        {"external_id": user, "image_url": longest}, {"external_id": user, "image_url": longest + "x"}
    )
    assert braze.fields(user) == {"image_url": longest}


@pytest.mark.parametrize(
    ("sent", "country"),
    [("de", "DE"), ("Germany", "DE"), ("united states", "US"), ("Atlantis", None), (7, None)],
)
def test_country_is_mapped_and_an_unknown_one_becomes_null(
    braze: Any, sent: Any, country: str | None
) -> None:
    assert stored(braze, "country", "FR", sent) == country


LOCATION = {"longitude": 13.4, "latitude": 52.5}


def group(**changes: Any) -> dict[str, Any]:
    return {"subscription_group_id": GROUP, "subscription_state": "subscribed", **changes}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"email": "no address"}, "The value provided for the 'email' field is not a valid email."),
        ({"email": 7}, "The value provided for the 'email' field is not a valid email."),
        ({"email_subscribe": "yes"}, "BAD_EMAIL_SUBSCRIPTION_STATE"),
        ({"push_subscribe": None}, "BAD_PUSH_SUBSCRIPTION_STATE"),
        ({"current_location": {"longitude": 1}}, "BAD_LOCATION_UPDATE"),
        ({"current_location": "Berlin"}, "BAD_LOCATION_UPDATE"),
        ({"subscription_groups": group()}, "BAD_SUBSCRIPTION_GROUP_ARRAY"),
        ({"subscription_groups": [{"subscription_group_id": GROUP}]}, "BAD_SUBSCRIPTION_GROUP_HASH"),
        ({"subscription_groups": [group(subscription_group_id="7")]}, "BAD_SUBSCRIPTION_GROUP_ID"),
        ({"subscription_groups": [group(subscription_group_id=f"{{{GROUP}}}")]}, "BAD_SUBSCRIPTION_GROUP_ID"),
        ({"subscription_groups": [group(subscription_state="opted_in")]}, "BAD_SUBSCRIPTION_GROUP_STATE"),
        ({"push_tokens": "token"}, "BAD_PUSH_TOKEN_VALUE"),
        ({"push_tokens": [{"token": 7}]}, "BAD_PUSH_TOKEN_STRING"),
        ({"push_tokens": [{"token": "t", "device_id": "short"}]}, "BAD_DEVICE_ID"),
        ({"push_tokens": [{"token": "t", "device_id": "d" * 256}]}, "BAD_DEVICE_ID"),
        ({"push_tokens": [{"token": "t"}], "push_token_import": True}, "BAD_PUSH_TOKEN_IMPORT"),
        ({"push_token_import": True}, "BAD_PUSH_TOKEN_IMPORT"),
        ({"email_subscription_info": {}}, "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO"),
    ],
)
def test_errors_of_reserved_fields_reject_the_object(braze: Any, fields: dict[str, Any], error: str) -> None:
    user = braze.new_id()
    assert braze.errors(attributes=[{"external_id": user, "plan": "gold", **fields}]) == [error]
    assert braze.user(user) == {}


def test_an_index_is_listed_once_for_each_error(start: Callable[..., Any]) -> None:
    braze = start()
    wrong = {"external_id": "c", "push_subscribe": "x", "plan": "gold", "email_subscribe": "x"}
    purchase = {"external_id": "c", "product_id": "p", "currency": "dollars", "price": "9", "time": "soon"}
    answer = braze.track(attributes=[wrong, {"external_id": "c"}], purchases=[purchase]).json()
    assert answer["errors"] == [
        {"type": "BAD_EMAIL_SUBSCRIPTION_STATE", "input_array": "attributes", "index": 0},
        {"type": "BAD_PUSH_SUBSCRIPTION_STATE", "input_array": "attributes", "index": 0},
        {"type": "'currency' is not valid", "input_array": "purchases", "index": 0},
        {"type": "'price' is not valid", "input_array": "purchases", "index": 0},
        {"type": "'time' is not valid", "input_array": "purchases", "index": 0},
    ]
    assert braze.table("select objects, errors from requests") == [(3, 2)]


def test_location_is_exported_as_coordinates(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "current_location": LOCATION})
    assert braze.user(user)["last_coordinates"] == [13.4, 52.5]


def test_email_subscription_state_belongs_to_the_address(braze: Any) -> None:
    first, second, third = braze.new_id(), braze.new_id(), braze.new_id()
    email = f"{first}@example.com"
    for user, address in ((first, email), (second, email), (third, f"{third}@example.com")):
        braze.attributes({"external_id": user, "email": address})
    braze.attributes({"external_id": first, "email_subscribe": "unsubscribed"})
    assert braze.user(second)["email_subscribe"] == "unsubscribed"
    assert "email_subscribe" not in braze.user(third)


def test_a_state_goes_by_the_address_in_the_same_object(braze: Any) -> None:
    first, second = braze.new_id(), braze.new_id()
    email = f"{first}@example.com"
    braze.attributes({"external_id": first, "email": email})
    braze.attributes({"external_id": second, "email_subscribe": "opted_in", "email": email})
    assert braze.user(first)["email_subscribe"] == "opted_in"


def test_subscription_groups_belong_to_the_address(start: Callable[..., Any]) -> None:
    braze = start()
    email, phone = "customer@example.com", "+4930123456"
    addresses = {"a": {"email": email, "phone": phone}, "b": {"email": email}, "c": {"phone": phone}, "d": {}}
    braze.attributes(*({"external_id": user, **address} for user, address in addresses.items()))
    braze.attributes({"external_id": "c", "subscription_groups": [group(subscription_group_id=OTHER_GROUP)]})
    braze.attributes({"external_id": "a", "subscription_groups": [group()]})
    connection = sqlite3.connect(braze.server.settings.db)
    rows = connection.execute(
        "select external_id, fields ->> '$.subscription_groups' from profiles"
    ).fetchall()
    connection.close()
    both = {OTHER_GROUP: "subscribed", GROUP: "subscribed"}
    groups = {user: json.loads(found) if found else None for user, found in rows}
    assert groups == {"a": both, "b": {GROUP: "subscribed"}, "c": both, "d": None}


def test_identifiers_cannot_be_written_as_attributes(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "alias_name": "n", "alias_label": "l", "plan": "gold"})
    profile = braze.user(user)
    assert profile["custom_attributes"] == {"plan": "gold"}
    assert "user_aliases" not in profile
