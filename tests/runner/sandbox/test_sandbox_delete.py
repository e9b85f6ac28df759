"""POST /users/delete."""

from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.limits import USERS
from braze_runner.sandbox.endpoints import ENDPOINTS

PATH = "/users/delete"


def email_only(braze: Any, email: str) -> None:
    """Make a profile that has nothing but an email."""
    braze.attributes({"email": email, "plan": "of the email"})


def plans(braze: Any, email: str) -> list[str]:
    return sorted(user["custom_attributes"]["plan"] for user in braze.export(email_address=email)["users"])


def test_deleted_users_are_gone_with_their_events(start: Callable[..., Any]) -> None:
    braze = start()
    event = {"external_id": "a", "name": "visit", "time": "2026-01-01T00:00:00Z"}
    purchase = {**event, "product_id": "p", "currency": "EUR", "price": 1}
    alias = {"alias_name": "n", "alias_label": "crm"}
    users = [{"external_id": "a", "n": 1}, {"external_id": "b", "n": 1}]
    braze.track(attributes=users, events=[event], purchases=[purchase])
    braze.accepted("/users/alias/new", {"user_aliases": [{**alias, "external_id": "a"}]})
    answer = braze.accepted(PATH, {"external_ids": ["a", "nobody"]})
    assert answer == {"deleted": 2, "message": "success"}
    assert (braze.user("a"), braze.custom("b")) == ({}, {"n": 1})
    for table in ("custom_events", "purchases", "user_aliases"):
        assert braze.table(f"select count(*) from {table}") == [(0,)]
    braze.attributes({"external_id": "a", "back": True})
    assert braze.custom("a") == {"back": True}


def test_deletion_by_alias_and_braze_id(braze: Any) -> None:
    user, alias = braze.new_id(), {"alias_name": braze.new_id(), "alias_label": "crm"}
    braze.attributes(
        {"external_id": user, "n": 1}, {"user_alias": alias, "n": 2, "_update_existing_only": False}
    )
    braze.accepted(PATH, {"user_aliases": [alias]})
    assert braze.by_alias(alias["alias_name"]) == {}
    braze.accepted(PATH, {"braze_ids": [braze.user(user)["braze_id"], "f" * 24]})
    assert braze.user(user) == {}


@pytest.mark.parametrize(
    ("prioritization", "left"),
    [
        ([], ["first", "of the email", "second"]),
        (["identified"], ["first", "of the email", "second"]),
        (["unidentified"], ["first", "second"]),
        (["most_recently_updated"], ["of the email", "second"]),
        (["identified", "most_recently_updated"], ["of the email", "second"]),
        (["unidentified", "most_recently_updated"], ["first", "second"]),
    ],
)
def test_prioritization_chooses_between_profiles_of_one_email(
    braze: Any, prioritization: list[str], left: list[str]
) -> None:
    first, second = braze.new_id(), braze.new_id()
    email = f"{first}@example.com"
    email_only(braze, email)
    braze.attributes({"external_id": second, "email": email, "plan": "second"})
    braze.attributes({"external_id": first, "email": email, "plan": "first"})
    body = {"email_addresses": [{"email": email, "prioritization": prioritization}]}
    assert braze.accepted(PATH, body)["deleted"] == 1
    assert plans(braze, email) == left


@pytest.mark.parametrize(
    ("prioritization", "left"), [("identified", ["of the email"]), ("unidentified", ["identified"])]
)
def test_prioritization_tells_who_is_identified(braze: Any, prioritization: str, left: list[str]) -> None:
    user = braze.new_id()
    email = f"{user}@example.com"
    email_only(braze, email)
    braze.attributes({"external_id": user, "email": email, "plan": "identified"})
    braze.accepted(PATH, {"email_addresses": [{"email": email, "prioritization": [prioritization]}]})
    assert plans(braze, email) == left


def test_deletion_by_phone(braze: Any) -> None:
    phone = "+4930666001"
    braze.attributes({"phone": phone, "plan": "gold"})
    braze.accepted(PATH, {"phone_numbers": [{"phone": phone, "prioritization": ["unidentified"]}]})
    assert braze.export(phone=phone)["users"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"external_ids": []},
        {"external_ids": "a"},
        {"external_ids": [7]},
        {"external_ids": ["x"] * 51},
        {"user_aliases": [{"alias_name": "n"}]},
        {"external_ids": ["a"], "braze_ids": ["b"]},
        {"email_addresses": ["a@example.com"]},
        {"email_addresses": [{"email": "a@example.com"}]},
        {"email_addresses": [{"email": "a@example.com", "prioritization": ["identified", "unidentified"]}]},
        {"email_addresses": [{"email": "a@example.com", "prioritization": ["least_recently_updated"]}]},
        {"email_addresses": [{"email": "no address", "prioritization": []}]},
    ],
)
def test_a_deletion_that_makes_no_sense_is_400(braze: Any, body: Any) -> None:
    assert braze.post(PATH, body).status_code == 400


def test_several_kinds_at_once_by_switch(start: Callable[..., Any]) -> None:
    braze = start(mixed_deletes="accept")
    braze.attributes({"external_id": "a", "n": 1}, {"external_id": "b", "n": 1})
    body = {"external_ids": ["a"], "braze_ids": [braze.user("b")["braze_id"]]}
    assert braze.accepted(PATH, body)["deleted"] == 2
    assert braze.export(external_ids=["a", "b"])["users"] == []
    over = {"external_ids": ["x"] * 26, "braze_ids": ["f" * 24] * 25}
    assert braze.post(PATH, over).status_code == 400


def test_deletions_are_queued(start: Callable[..., Any]) -> None:
    braze = start(lag=86_400)
    braze.attributes({"external_id": "a", "n": 1})
    braze.flush()
    braze.accepted(PATH, {"external_ids": ["a"]})
    assert braze.user("a") != {}
    braze.flush()
    assert braze.user("a") == {}


def test_five_endpoints_share_one_allowance(braze: Any) -> None:
    paths = [f"/users/{name}" for name in ("delete", "alias/new", "alias/update", "identify", "merge")]
    told = {braze.post(path, {}).headers["x-ratelimit-limit"] for path in paths}
    assert (told, {ENDPOINTS[("POST", path)].bucket for path in paths}) == ({"20000"}, {USERS})
