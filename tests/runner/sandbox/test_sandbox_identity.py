from collections.abc import Callable
from typing import Any

import pytest

REQUIRED = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"


def alias_of(name: str, label: str = "crm") -> dict[str, str]:
    return {"alias_name": name, "alias_label": label}


@pytest.mark.parametrize(
    "identifier",
    [
        {},
        {"external_id": ""},
        {"external_id": None},
        {"external_id": 7},
        {"braze_id": ""},
        {"phone": "not a number"},
        {"user_alias": "name"},
        {"user_alias": {"alias_name": "name"}},
        {"user_alias": {"alias_name": "", "alias_label": "crm"}},
        {"user_alias": {"alias_name": "n" * 237, "alias_label": "crm"}},
    ],
)
def test_an_identifier_is_required(braze: Any, identifier: dict[str, Any]) -> None:
    assert braze.errors(attributes=[{**identifier, "plan": "gold"}]) == [REQUIRED]


def test_both_parts_of_an_alias_have_236_bytes(braze: Any) -> None:
    name = braze.new_id() + "é" * 100
    name += "x" * (236 - len(name.encode()))
    label = "l" * 236
    braze.attributes({"user_alias": alias_of(name, label), "plan": "gold", "_update_existing_only": False})
    assert braze.by_alias(name, label)["custom_attributes"] == {"plan": "gold"}
    for too_long in (alias_of(name + "x", label), alias_of(name, label + "l")):
        assert braze.errors(attributes=[{"user_alias": too_long, "plan": "gold"}]) == [REQUIRED]


def test_errors_name_array_and_index_and_the_rest_is_processed(braze: Any) -> None:
    user = braze.new_id()
    event = {"external_id": user, "name": "visit", "time": "2026-01-01T00:00:00Z"}
    response = braze.track(
        attributes=[{"plan": "lost"}, {"external_id": user, "plan": "gold"}],
        events=[event, {"name": "visit"}],
    )
    assert response.status_code == 201
    assert response.json() == {
        "message": "success",
        "attributes_processed": 1,
        "events_processed": 1,
        "errors": [
            {"type": REQUIRED, "input_array": "attributes", "index": 0},
            {"type": REQUIRED, "input_array": "events", "index": 1},
        ],
    }
    assert braze.custom(user) == {"plan": "gold"}


def test_all_invalid_is_400_with_the_errors(braze: Any) -> None:
    response = braze.track(attributes=[{"plan": "gold"}, "text"])
    assert response.status_code == 400
    assert response.json()["message"].startswith("Valid data must be provided")
    assert [error["index"] for error in response.json()["errors"]] == [0, 1]


@pytest.mark.parametrize("other", [{"braze_id": "0" * 24}, {"user_alias": alias_of("n")}])
def test_two_primary_identifiers_are_rejected(braze: Any, other: dict[str, Any]) -> None:
    user = braze.new_id()
    assert len(braze.errors(attributes=[{"external_id": user, **other, "plan": "gold"}])) == 1
    assert braze.user(user) == {}


def test_external_id_up_to_987_bytes(braze: Any) -> None:
    longest = braze.new_id() + "é" * 400
    longest += "x" * (987 - len(longest.encode()))
    assert braze.errors(attributes=[{"external_id": longest, "plan": "gold"}]) == []
    too_long = {"external_id": longest + "x", "plan": "gold"}
    assert braze.errors(attributes=[too_long]) == ["EXTERNAL_USER_ID_TOO_LARGE"]


def test_blocked_external_id_by_switch(start: Callable[..., Any]) -> None:
    braze = start(blocked_external_ids=["dummy"])
    errors = braze.errors(attributes=[{"external_id": "dummy", "plan": "gold"}])
    assert errors == ["provided external_id is blacklisted and disallowed"]


def test_attributes_processed_counts_users(braze: Any) -> None:
    one, two = braze.new_id(), braze.new_id()
    items = [{"external_id": user, "plan": "gold"} for user in (one, two, one)]
    assert braze.track(attributes=items).json() == {"message": "success", "attributes_processed": 2}


def test_email_and_phone_are_attributes_beside_a_primary_identifier(braze: Any) -> None:
    first, second = braze.new_id(), braze.new_id()
    email = f"{first}@example.com"
    braze.attributes({"external_id": first, "email": email, "phone": "+4930123456"})
    braze.attributes({"external_id": second, "email": email})
    assert braze.user(first)["phone"] == "+4930123456"
    assert len(braze.export(email_address=email)["users"]) == 2


def test_unknown_email_or_phone_makes_a_profile_of_its_own(braze: Any) -> None:
    email, phone = f"{braze.new_id()}@example.com", "+4930555001"
    braze.attributes({"email": email, "plan": "gold"}, {"phone": phone, "plan": "silver"})
    (by_email,), (by_phone,) = braze.export(email_address=email)["users"], braze.export(phone=phone)["users"]
    assert by_email["custom_attributes"] == {"plan": "gold"}
    assert by_phone["custom_attributes"] == {"plan": "silver"}
    assert "external_id" not in by_email


def test_email_wins_over_phone(braze: Any) -> None:
    email, phone = f"{braze.new_id()}@example.com", "+4930555002"
    braze.attributes({"phone": phone, "plan": "of the phone"})
    braze.attributes({"email": email, "phone": phone, "plan": "of the email"})
    plans = [user["custom_attributes"]["plan"] for user in braze.export(phone=phone)["users"]]
    assert sorted(plans) == ["of the email", "of the phone"]


@pytest.mark.parametrize("in_one_request", [True, False])
@pytest.mark.parametrize("created_first", ["older", "newer"])
def test_shared_email_prefers_the_latest_profile_with_external_id(
    braze: Any, created_first: str, in_one_request: bool
) -> None:
    older, newer = braze.new_id(), braze.new_id()
    email = f"{older}@example.com"
    created = [older, newer] if created_first == "older" else [newer, older]
    steps = [
        {"email": email, "step": 1},
        *({"external_id": user, "email": email} for user in created),
        {"external_id": newer, "step": 2},
        {"email": email, "found": True},
    ]
    if in_one_request:
        braze.attributes(*steps)
    else:
        for step in steps:
            braze.attributes(step)
    assert braze.custom(newer) == {"step": 2, "found": True}
    assert braze.custom(older) == {}


def test_a_profile_with_external_id_wins_over_a_later_one_without(braze: Any) -> None:
    email = f"{braze.new_id()}@example.com"
    braze.attributes({"email": email, "plan": "of the email"})
    braze_id = braze.export(email_address=email)["users"][0]["braze_id"]
    user = braze.new_id()
    braze.attributes({"external_id": user, "email": email})
    braze.attributes({"braze_id": braze_id, "later": True})
    braze.attributes({"email": email, "found": True})
    assert braze.custom(user) == {"found": True}


def test_update_existing_only_never_creates(braze: Any) -> None:
    user = braze.new_id()
    item = {"external_id": user, "plan": "gold", "_update_existing_only": True}
    assert braze.track(attributes=[item]).status_code == 201
    assert braze.user(user) == {}
    braze.attributes({"external_id": user, "plan": "silver"})
    braze.attributes(item)
    assert braze.custom(user) == {"plan": "gold"}


def test_alias_is_update_only_unless_told_otherwise(braze: Any) -> None:
    alias = alias_of(braze.new_id())
    braze.attributes({"user_alias": alias, "plan": "lost"})
    assert braze.export(user_aliases=[alias])["users"] == []
    braze.attributes({"user_alias": alias, "plan": "gold", "_update_existing_only": False})
    braze.attributes({"user_alias": alias, "level": 2})
    (user,) = braze.export(user_aliases=[alias])["users"]
    assert user["custom_attributes"] == {"plan": "gold", "level": 2}
    assert user["user_aliases"] == [alias]


@pytest.mark.parametrize(("switch", "users"), [("update-only", 0), ("create", 1)])
def test_alias_events_create_by_switch(start: Callable[..., Any], switch: str, users: int) -> None:
    braze = start(alias_events=switch)
    alias = alias_of("someone")
    event = {"name": "visit", "time": "2026-01-01T00:00:00Z", "_update_existing_only": False}
    assert braze.track(events=[{"user_alias": alias, **event}]).status_code == 201
    assert len(braze.export(user_aliases=[alias])["users"]) == users


def test_same_alias_name_under_two_labels_is_two_users(braze: Any) -> None:
    name = braze.new_id()
    for label in ("crm", "shop"):
        item = {"user_alias": alias_of(name, label), "label": label, "_update_existing_only": False}
        braze.attributes(item, item)
    found = braze.export(user_aliases=[alias_of(name, "crm"), alias_of(name, "shop")])["users"]
    assert [user["custom_attributes"]["label"] for user in found] == ["crm", "shop"]


def test_braze_id_updates_and_never_creates(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "plan": "gold"})
    braze_id, profiles = braze.user(user)["braze_id"], braze.state()["profiles"]
    braze.attributes({"braze_id": braze_id, "level": 1}, {"braze_id": "f" * 24, "level": 2})
    assert braze.state()["profiles"] == profiles
    assert braze.custom(user) == {"plan": "gold", "level": 1}
    for unknown in ("f" * 24, "7" + "0" * 23, "no hex"):
        assert braze.export(braze_id=unknown)["users"] == []


def test_objects_of_one_request_apply_in_order_to_one_user(braze: Any) -> None:
    user = braze.new_id()
    email = f"{user}@example.com"
    braze.attributes(
        {"external_id": user, "email": email, "step": 1, "first": True},
        {"email": email, "step": 2},
        {"external_id": user, "step": 3, "first": None},
    )
    assert braze.custom(user) == {"step": 3}


def test_push_token_import_makes_an_anonymous_profile(braze: Any) -> None:
    tokens = [{"app_id": "app", "token": "t-1", "device_id": "device-0001"}]
    braze.attributes({"push_token_import": True, "push_tokens": tokens})
    (user,) = braze.export(device_id="device-0001")["users"]
    assert user["devices"] == [{"device_id": "device-0001"}]
    assert user["push_tokens"] == tokens
