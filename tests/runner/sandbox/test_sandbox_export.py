import re
from collections.abc import Callable
from typing import Any

import pytest


def alias_of(name: str) -> dict[str, str]:
    return {"alias_name": name, "alias_label": "crm"}


def test_external_ids_and_aliases_together(braze: Any) -> None:
    user, alias, nobody = braze.new_id(), alias_of(braze.new_id()), braze.new_id()
    braze.attributes(
        {"external_id": user, "plan": "gold"},
        {"user_alias": alias, "plan": "silver", "_update_existing_only": False},
    )
    answer = braze.export(external_ids=[user, nobody, user], user_aliases=[alias, alias_of(nobody)])
    assert [one["custom_attributes"] for one in answer["users"]] == [{"plan": "gold"}, {"plan": "silver"}]
    assert answer["invalid_user_ids"] == [nobody, alias_of(nobody)]
    assert answer["message"] == "success"


@pytest.mark.parametrize("field", ["braze_id", "email_address", "phone", "device_id"])
def test_one_other_identifier(braze: Any, field: str) -> None:
    user = braze.new_id()
    values = {
        "email_address": f"{user}@example.com",
        "phone": "+4930" + user[-6:],
        "device_id": f"device-{user}",
    }
    tokens = [{"app_id": "app", "token": "t", "device_id": values["device_id"]}]
    item = {
        "external_id": user,
        "email": values["email_address"],
        "phone": values["phone"],
        "push_tokens": tokens,
    }
    braze.attributes(item)
    values["braze_id"] = braze.user(user)["braze_id"]
    (found,) = braze.export(**{field: values[field]})["users"]
    assert found["external_id"] == user
    unknown = braze.export(**{field: "unknown"})
    assert (unknown["users"], unknown["invalid_user_ids"]) == ([], ["unknown"])


def test_fields_to_export_chooses(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "plan": "gold", "country": "DE", "first_name": "Given 1"})
    answer = braze.export(
        external_ids=[user], fields_to_export=["country", "custom_attributes", "gender", "apps"]
    )
    assert answer["users"] == [{"country": "DE", "custom_attributes": {"plan": "gold"}}]


def test_full_profile_leaves_out_what_is_empty(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user})
    assert braze.user(user).keys() == {"external_id", "braze_id", "created_at", "random_bucket"}


def test_created_at_has_brazes_form(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user})
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC", braze.user(user)["created_at"])


@pytest.mark.parametrize(
    ("ids", "aliases", "status"), [(50, 0, 200), (25, 25, 200), (51, 0, 400), (26, 25, 400)]
)
def test_up_to_50_identifiers_together(braze: Any, ids: int, aliases: int, status: int) -> None:
    body = {
        "external_ids": [f"nobody-{n}" for n in range(ids)],
        "user_aliases": [alias_of(f"nobody-{n}") for n in range(aliases)],
    }
    assert braze.post("/users/export/ids", body).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"external_ids": "customer"},
        {"external_ids": [7]},
        {"external_ids": ["customer"], "phone": "+49301"},
        {"phone": "+49301", "braze_id": "0" * 24},
        {"external_ids": ["customer"], "fields_to_export": "email"},
        {"external_ids": ["customer"], "fields_to_export": []},
    ],
)
def test_a_body_that_names_no_users_is_400(braze: Any, body: Any) -> None:
    assert braze.post("/users/export/ids", body).status_code == 400


@pytest.mark.parametrize("alias", ["text", None, {}, {"alias_name": "n"}])
def test_a_broken_alias_is_invalid(braze: Any, alias: Any) -> None:
    assert braze.export(user_aliases=[alias])["invalid_user_ids"] == [alias]


def test_fields_to_export_can_be_required(start: Callable[..., Any]) -> None:
    braze = start(require_export_fields=True)
    assert braze.post("/users/export/ids", {"external_ids": ["customer"]}).status_code == 400
    assert braze.export(external_ids=["customer"], fields_to_export=["email"])["users"] == []
