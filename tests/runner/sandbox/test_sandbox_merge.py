"""Identifying and merging."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

IDENTIFY, MERGE = "/users/identify", "/users/merge"
DAYS = [  # an export tells of 90 days
    (datetime.now(UTC) - timedelta(days=10 - day)).strftime("%Y-%m-%dT00:00:00.000Z") for day in range(6)
]


def alias_of(name: str, label: str = "crm") -> dict[str, str]:
    return {"alias_name": name, "alias_label": label}


def alias_only(braze: Any, **attributes: Any) -> str:
    """Make a user that has an alias alone; return the alias's name."""
    name = str(braze.new_id())
    braze.attributes(
        {"user_alias": alias_of(name), "_update_existing_only": False, "of": "alias", **attributes}
    )
    return name


def identifying(name: str, external_id: str) -> dict[str, Any]:
    return {"aliases_to_identify": [{"external_id": external_id, "user_alias": alias_of(name)}]}


def merging(source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    return {"merge_updates": [{"identifier_to_merge": source, "identifier_to_keep": target}]}


def test_an_unknown_external_id_is_put_on_the_alias_only_user(braze: Any) -> None:
    name, user = alias_only(braze), braze.new_id()
    braze_id = braze.by_alias(name)["braze_id"]
    answer = braze.accepted(IDENTIFY, identifying(name, user))
    assert answer == {"aliases_processed": 1, "message": "success"}
    assert braze.user(user)["braze_id"] == braze_id
    assert braze.by_alias(name)["external_id"] == user


def test_a_known_external_id_takes_over_what_it_lacks(braze: Any) -> None:
    user = braze.new_id()
    lacking = {
        "last_name": "Lee", "gender": "F", "dob": "1990-01-01", "phone": "+4930123456", "time_zone": "UTC",
        "home_city": "Rome", "country": "IT", "language": "it", "email": f"{user}@example.com",
        "email_subscribe": "unsubscribed",
    }  # fmt: skip
    name = alias_only(braze, first_name="Ann", plan="silver", **lacking)
    braze.attributes({"external_id": user, "first_name": "Bea", "plan": "gold", "own": None})
    braze.accepted(IDENTIFY, identifying(name, user))
    found = braze.user(user)
    assert {field: found[field] for field in lacking} == lacking
    assert (found["first_name"], found["custom_attributes"]) == ("Bea", {"plan": "gold", "of": "alias"})
    assert found["user_aliases"] == [alias_of(name)]


def test_counters_are_summed_and_first_and_last_widened(braze: Any) -> None:
    user, name = braze.new_id(), alias_only(braze)

    def event(day: int, **who: Any) -> dict[str, Any]:
        return {**who, "name": "visit", "time": DAYS[day]}

    def purchase(day: int, **who: Any) -> dict[str, Any]:
        return {**who, "product_id": "p", "currency": "USD", "price": 2, "time": DAYS[day]}

    mine, its = {"external_id": user}, {"user_alias": alias_of(name)}
    braze.track(events=[event(2, **mine)], purchases=[purchase(2, **mine)])
    braze.track(events=[event(1, **its), event(3, **its)], purchases=[purchase(3, **its)])
    braze.attributes(
        {**mine, "date_of_first_session": DAYS[4], "date_of_last_session": DAYS[5]},
        {**its, "date_of_first_session": DAYS[3], "date_of_last_session": DAYS[4]},
    )
    braze.accepted(IDENTIFY, identifying(name, user))
    found = braze.user(user)
    visits = {"name": "visit", "first": DAYS[1], "last": DAYS[3], "count": 3}
    assert found["custom_events"] == [visits]
    assert found["purchases"][0]["count"] == 2
    assert found["total_revenue"] == 4
    assert braze.fields(user)["date_of_first_session"] == DAYS[3]
    assert braze.fields(user)["date_of_last_session"] == DAYS[5]


def test_an_alias_of_a_label_that_the_user_has_is_not_combined(braze: Any) -> None:
    user, name, own = braze.new_id(), alias_only(braze), braze.new_id()
    braze.attributes({"external_id": user, "plan": "gold"})
    braze.accepted("/users/alias/new", {"user_aliases": [{**alias_of(own), "external_id": user}]})
    assert braze.accepted(IDENTIFY, identifying(name, user))["aliases_processed"] == 1
    assert braze.custom(user) == {"plan": "gold"}
    assert braze.by_alias(name)["custom_attributes"] == {"of": "alias"}


def test_alias_names_are_case_sensitive(braze: Any) -> None:
    user, name = braze.new_id(), alias_only(braze)
    braze.accepted(IDENTIFY, identifying(name.upper(), user))
    assert braze.user(user) == {}


def test_who_has_an_external_id_is_not_identified_again(braze: Any) -> None:
    user, other, name = braze.new_id(), braze.new_id(), alias_only(braze)
    braze.accepted(IDENTIFY, identifying(name, user))
    braze.accepted(IDENTIFY, identifying(name, other))
    assert braze.by_alias(name)["external_id"] == user
    assert braze.user(other) == {}


@pytest.mark.parametrize(
    ("prioritization", "found"),
    [([], None), (["unidentified"], None), (["most_recently_updated"], 2), (["least_recently_updated"], 1)],
)
def test_identifying_by_email_needs_one_user_to_be_left(
    braze: Any, prioritization: list[str], found: int | None
) -> None:
    user, names = braze.new_id(), [braze.new_id(), braze.new_id()]
    email = f"{user}@example.com"
    braze.accepted("/users/alias/new", {"user_aliases": [alias_of(name) for name in names]})
    for step, name in enumerate(names, start=1):
        braze.attributes({"user_alias": alias_of(name), "email": email, "step": step})
    item = {"external_id": user, "email": email, "prioritization": prioritization}
    assert braze.accepted(IDENTIFY, {"emails_to_identify": [item]})["aliases_processed"] == 1
    assert braze.custom(user).get("step") == found


def test_identifying_by_phone(braze: Any) -> None:
    user, phone = braze.new_id(), "+4930777001"
    braze.attributes({"phone": phone, "plan": "gold"})
    item = {"external_id": user, "phone": phone, "prioritization": ["unidentified"]}
    braze.accepted(IDENTIFY, {"phone_numbers_to_identify": [item]})
    assert braze.custom(user) == {"plan": "gold"}


def test_the_list_says_what_names_the_user(braze: Any) -> None:
    user, name, other = braze.new_id(), alias_only(braze), braze.new_id()
    braze.attributes({"email": f"{other}@example.com", "of": "email"})
    (item,) = identifying(name, user)["aliases_to_identify"]
    braze.accepted(IDENTIFY, {"aliases_to_identify": [{**item, "email": f"{other}@example.com"}]})
    assert braze.custom(user) == {"of": "alias"}


def test_items_that_are_invalid_are_listed(braze: Any) -> None:
    name = alias_only(braze)
    (too_long,) = identifying(name, "x" * 988)["aliases_to_identify"]
    answer = braze.accepted(IDENTIFY, {"aliases_to_identify": [{"external_id": "c"}, too_long]})
    assert answer["aliases_processed"] == 0
    assert [error["index"] for error in answer["errors"]] == [0, 1]
    assert "external_id" not in braze.by_alias(name)


@pytest.mark.parametrize(
    "body", [{}, {"aliases_to_identify": {}}, {"aliases_to_identify": []}, {"emails_to_identify": [{}] * 51}]
)
def test_identify_needs_1_to_50_items(braze: Any, body: Any) -> None:
    assert braze.post(IDENTIFY, body).status_code == 400


def test_a_merge_keeps_the_targets_values_and_removes_the_source(braze: Any) -> None:
    source, target = braze.new_id(), braze.new_id()
    event = {"external_id": source, "name": "visit", "time": DAYS[1]}
    braze.attributes(
        {"external_id": source, "plan": "silver", "level": 1, "home_city": "Rome", "phone": "+49301"},
        {"external_id": target, "plan": "gold", "phone": "+49302", "email": f"{target}@example.com"},
    )
    owned = [(braze.new_id(), source), (braze.new_id(), target)]
    aliases = [{**alias_of(name), "external_id": owner} for name, owner in owned]
    braze.accepted("/users/alias/new", {"user_aliases": aliases})
    braze.track(events=[event])
    answer = braze.accepted(MERGE, merging({"external_id": source}, {"external_id": target}), 202)
    assert answer == {"message": "success"}
    found = braze.user(target)
    assert found["custom_attributes"] == {"plan": "gold", "level": 1}
    assert (found["home_city"], found["custom_events"][0]["count"]) == ("Rome", 1)
    assert (found["phone"], found["email"]) == ("+49302", f"{target}@example.com")
    assert found["user_aliases"] == [alias_of(owned[1][0])]
    assert braze.user(source) == {}


def test_a_merge_by_alias_email_and_phone(braze: Any) -> None:
    target, name = braze.new_id(), alias_only(braze)
    email, phone = f"{target}@example.com", "+4930777002"
    braze.attributes(
        {"external_id": target, "plan": "gold"}, {"email": email, "a": 1}, {"phone": phone, "b": 2}
    )
    for source in (
        {"user_alias": alias_of(name)},
        {"email": email, "prioritization": ["unidentified"]},
        {"phone": phone, "prioritization": ["most_recently_updated"]},
    ):
        braze.accepted(MERGE, merging(source, {"external_id": target}), 202)
    found = braze.user(target)
    assert found["custom_attributes"] == {"plan": "gold", "of": "alias", "a": 1, "b": 2}
    assert (found["email"], found["phone"]) == (email, phone)


def test_a_merge_that_finds_nobody_or_one_user_does_nothing(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "plan": "gold"})
    for other in ({"external_id": "nobody"}, {"phone": "no number"}, {"external_id": user}):
        braze.accepted(MERGE, merging(other, {"external_id": user}), 202)
    assert braze.custom(user) == {"plan": "gold"}


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ("text", "'merge_updates' must be an array of objects"),
        (["text"], "'merge_updates' must be an array of objects"),
        ([{}] * 51, "a single request may not contain more than 50 merge updates"),
        (
            [
                {
                    "identifier_to_merge": {"external_id": "a"},
                    "identifier_to_keep": {"external_id": "b"},
                    "x": 1,
                }
            ],
            "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'",
        ),
    ],
)
def test_documented_texts_of_merges(braze: Any, updates: Any, message: str) -> None:
    response = braze.post(MERGE, {"merge_updates": updates})
    assert (response.status_code, response.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    "identifier",
    [
        {},
        "a",
        {"external_id": ""},
        {"external_id": "a", "email": "a@example.com"},
        {"user_alias": {"alias_name": "n"}},
        {"email": "a@example.com", "prioritization": ["newest"]},
        {"external_id": "a", "other": 1},
    ],
)
def test_identifiers_of_merges_are_objects_of_one_kind(braze: Any, identifier: Any) -> None:
    response = braze.post(MERGE, merging({"external_id": "b"}, identifier))
    assert response.status_code == 400
    assert "must be objects with one of" in response.json()["message"]
