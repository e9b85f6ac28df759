"""Subscription groups and the state of email addresses."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.sandbox.endpoints import ENDPOINTS

FIRST, SECOND, EMAIL = "/subscription/status/set", "/v2/subscription/status/set", "/email/status"
NEWS, OFFERS = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
NOT_BOTH = "Either an email address or a phone number should be provided, but not both."


def group(state: str = "subscribed", **who: Any) -> dict[str, Any]:
    return {"subscription_group_id": NEWS, "subscription_state": state, **who}


def groups(braze: Any, user: str) -> dict[str, str]:
    return dict(braze.fields(user).get("subscription_groups", {}))


def test_one_user_or_a_list(braze: Any) -> None:
    users = [braze.new_id() for _ in range(3)]
    braze.attributes(*({"external_id": user, "n": 1} for user in users))
    assert braze.accepted(FIRST, group(external_id=users[0])) == {"message": "success"}
    braze.accepted(FIRST, group("unsubscribed", external_id=[*users[1:], "nobody"]))
    states = [groups(braze, user) for user in users]
    assert states == [{NEWS: "subscribed"}, {NEWS: "unsubscribed"}, {NEWS: "unsubscribed"}]
    assert braze.user("nobody") == {}


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_every_user_of_an_address_changes(braze: Any, kind: str) -> None:
    users = [braze.new_id(), braze.new_id()]
    address = f"{users[0]}@example.com" if kind == "email" else "+4930888001"
    braze.attributes(*({"external_id": user, kind: address} for user in users))
    braze.accepted(FIRST, group(**{kind: address}))
    assert [groups(braze, user) for user in users] == [{NEWS: "subscribed"}] * 2


def test_setting_it_for_one_user_changes_the_others_of_the_address(braze: Any) -> None:
    users = [braze.new_id(), braze.new_id()]
    braze.attributes(*({"external_id": user, "email": f"{users[0]}@example.com"} for user in users))
    braze.accepted(FIRST, group(external_id=users[0]))
    assert groups(braze, users[1]) == {NEWS: "subscribed"}


@pytest.mark.parametrize("path", [FIRST, SECOND])
def test_an_email_and_a_phone_are_one_too_many(braze: Any, path: str) -> None:
    if path == FIRST:
        body: dict[str, Any] = group(email="a@example.com", phone="+4930123")
    else:
        body = {"subscription_groups": [group(emails=["a@example.com"]), group(phones=["+4930123"])]}
    response = braze.post(path, body)
    assert (response.status_code, response.json()) == (400, {"message": NOT_BOTH})


def test_several_groups_in_one_request(braze: Any) -> None:
    user = braze.new_id()
    email = f"{user}@example.com"
    braze.attributes({"external_id": user, "email": email})
    offers = {"subscription_group_id": OFFERS, "subscription_state": "unsubscribed", "emails": [email]}
    answer = braze.accepted(SECOND, {"subscription_groups": [group(external_ids=[user]), offers]})
    assert answer == {"message": "success"}
    assert groups(braze, user) == {NEWS: "subscribed", OFFERS: "unsubscribed"}


@pytest.mark.parametrize(
    "body",
    [
        group(),
        group(external_id=[]),
        group("opted_in", external_id="c"),
        group(external_id=7),
        group(external_id=["c"] * 51),
        group(email="no address"),
        {"subscription_state": "subscribed", "external_id": "c"},
        {"subscription_group_id": "7", "subscription_state": "subscribed", "external_id": "c"},
    ],
)
def test_a_group_update_that_makes_no_sense_is_400(braze: Any, body: Any) -> None:
    assert braze.post(FIRST, body).status_code == 400
    assert braze.post(SECOND, {"subscription_groups": [body]}).status_code == 400


@pytest.mark.parametrize("phone", ["4930123456", "+49 30 123456", "030123456"])
def test_the_second_version_wants_phones_in_e164(braze: Any, phone: str) -> None:
    assert braze.post(SECOND, {"subscription_groups": [group(phones=[phone])]}).status_code == 400
    assert braze.post(FIRST, group(phone=phone)).status_code == 201


def test_both_versions_share_one_allowance(start: Callable[..., Any]) -> None:
    braze = start()
    first, second = braze.post(FIRST, {}).headers, braze.post(SECOND, {}).headers
    assert first["x-ratelimit-limit"] == second["x-ratelimit-limit"] == "5000"
    assert ENDPOINTS[("POST", FIRST)].bucket is ENDPOINTS[("POST", SECOND)].bucket


@pytest.mark.parametrize("state", ["subscribed", "unsubscribed", "opted_in"])
def test_the_state_of_email_addresses(braze: Any, state: str) -> None:
    users = [braze.new_id(), braze.new_id()]
    emails = [f"{user}@example.com" for user in users]
    braze.attributes(
        *({"external_id": user, "email": email} for user, email in zip(users, emails, strict=True))
    )
    braze.accepted(EMAIL, {"email": emails[0], "subscription_state": state})
    braze.accepted(EMAIL, {"email": [emails[1]], "subscription_state": state})
    assert [braze.user(user)["email_subscribe"] for user in users] == [state] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"email": "a@example.com"},
        {"subscription_state": "subscribed"},
        {"email": "no address", "subscription_state": "subscribed"},
        {"email": [], "subscription_state": "subscribed"},
        {"email": ["a@example.com"] * 51, "subscription_state": "subscribed"},
        {"email": "a@example.com", "subscription_state": "maybe"},
    ],
)
def test_an_email_status_that_makes_no_sense_is_400(braze: Any, body: Any) -> None:
    assert braze.post(EMAIL, body).status_code == 400


def test_a_new_user_inherits_what_was_set_for_its_address(braze: Any) -> None:
    user, other = braze.new_id(), braze.new_id()
    email = f"{user}@example.com"
    braze.accepted(FIRST, group("unsubscribed", email=email))
    braze.accepted(EMAIL, {"email": email, "subscription_state": "unsubscribed"})
    braze.attributes({"external_id": user, "email": email}, {"external_id": other, "plan": "gold"})
    assert groups(braze, user) == {NEWS: "unsubscribed"}
    assert braze.user(user)["email_subscribe"] == "unsubscribed"
    assert braze.fields(other) == {}


def test_a_new_user_inherits_by_phone(braze: Any) -> None:
    user, phone = braze.new_id(), "+4930888002"
    braze.accepted(FIRST, group("unsubscribed", phone=phone))
    braze.attributes({"external_id": user, "phone": phone})
    assert groups(braze, user) == {NEWS: "unsubscribed"}


def test_a_state_of_its_own_is_not_overwritten_by_inheriting(braze: Any) -> None:
    user = braze.new_id()
    email = f"{user}@example.com"
    braze.accepted(EMAIL, {"email": email, "subscription_state": "unsubscribed"})
    braze.accepted(FIRST, group("unsubscribed", email=email))
    braze.attributes({"external_id": user, "email": email, "email_subscribe": "opted_in"})
    assert braze.user(user)["email_subscribe"] == "opted_in"
    assert groups(braze, user) == {NEWS: "unsubscribed"}


def test_a_user_that_exists_already_does_not_inherit(braze: Any) -> None:
    user = braze.new_id()
    email = f"{user}@example.com"
    braze.attributes({"external_id": user, "plan": "gold"})
    braze.accepted(EMAIL, {"email": email, "subscription_state": "unsubscribed"})
    braze.attributes({"external_id": user, "email": email})
    assert "email_subscribe" not in braze.user(user)


def test_a_state_that_a_later_one_replaced_is_not_inherited(braze: Any) -> None:
    first, second = braze.new_id(), braze.new_id()
    email = f"{first}@example.com"
    braze.accepted(EMAIL, {"email": email, "subscription_state": "unsubscribed"})
    braze.attributes({"external_id": first, "email": email})
    braze.accepted(EMAIL, {"email": email, "subscription_state": "subscribed"})
    braze.attributes({"external_id": second, "email": email})
    assert braze.user(first)["email_subscribe"] == "subscribed"
    assert "email_subscribe" not in braze.user(second)


def test_a_state_of_an_address_without_user_is_kept_30_days(start: Callable[..., Any]) -> None:
    braze = start()
    braze.accepted(EMAIL, {"email": ["old@example.com", "new@example.com"], "subscription_state": "opted_in"})
    connection = sqlite3.connect(braze.server.settings.db)
    aged = "update address_states set set_at = set_at - 31 * 86400 where address = 'old@example.com'"
    connection.execute(aged)
    connection.commit()
    connection.close()
    braze.attributes({"external_id": "a", "email": "old@example.com"}, {"email": "new@example.com", "n": 1})
    assert "email_subscribe" not in braze.user("a")
    assert braze.export(email_address="new@example.com")["users"][0]["email_subscribe"] == "opted_in"
