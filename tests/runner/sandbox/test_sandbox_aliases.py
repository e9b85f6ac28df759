"""Aliases, and external_ids that are renamed and removed."""

from typing import Any

import pytest

NEW, UPDATE = "/users/alias/new", "/users/alias/update"
RENAME, REMOVE = "/users/external_ids/rename", "/users/external_ids/remove"


def alias_of(name: str, label: str = "crm", **more: str) -> dict[str, str]:
    return {"alias_name": name, "alias_label": label, **more}


def renaming(old: str, new: str, label: str = "crm") -> dict[str, Any]:
    return {"alias_updates": [{"alias_label": label, "old_alias_name": old, "new_alias_name": new}]}


def test_an_alias_is_added_to_a_user(braze: Any) -> None:
    user, name = braze.new_id(), braze.new_id()
    braze.attributes({"external_id": user, "plan": "gold"})
    answer = braze.accepted(NEW, {"user_aliases": [alias_of(name, external_id=user)]})
    assert answer == {"aliases_processed": 1, "message": "success"}
    assert braze.by_alias(name)["external_id"] == user


def test_an_alias_without_external_id_makes_a_user(braze: Any) -> None:
    name = braze.new_id()
    braze.accepted(NEW, {"user_aliases": [alias_of(name)]})
    user = braze.by_alias(name)
    assert user["user_aliases"] == [alias_of(name)]
    assert "external_id" not in user


def test_an_alias_of_an_unknown_user_does_nothing(braze: Any) -> None:
    name = braze.new_id()
    answer = braze.accepted(NEW, {"user_aliases": [alias_of(name, external_id="nobody")]})
    assert answer["aliases_processed"] == 1
    assert braze.by_alias(name) == {}


def test_an_alias_that_exists_counts_and_stays(braze: Any) -> None:
    user, other, name = braze.new_id(), braze.new_id(), braze.new_id()
    braze.attributes({"external_id": user, "n": 1}, {"external_id": other, "n": 1})
    for owner in (user, other):
        answer = braze.accepted(NEW, {"user_aliases": [alias_of(name, external_id=owner)]})
        assert answer["aliases_processed"] == 1
    braze.accepted(NEW, {"user_aliases": [alias_of(name)]})
    assert braze.by_alias(name)["external_id"] == user


def test_a_user_has_one_alias_of_a_label(braze: Any) -> None:
    user, first, second = braze.new_id(), braze.new_id(), braze.new_id()
    braze.attributes({"external_id": user, "n": 1})
    for name, label in ((first, "crm"), (second, "crm"), (second, "shop")):
        braze.accepted(NEW, {"user_aliases": [alias_of(name, label, external_id=user)]})
    assert braze.user(user)["user_aliases"] == [alias_of(first), alias_of(second, "shop")]


def test_errors_of_aliases_name_the_item(braze: Any) -> None:
    name = braze.new_id()
    answer = braze.accepted(NEW, {"user_aliases": [{"alias_name": "n"}, alias_of(name)]})
    (error,) = answer["errors"]
    assert answer["aliases_processed"] == 1
    assert (error["input_array"], error["index"]) == ("user_identifiers", 0)
    assert braze.by_alias(name) != {}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (NEW, "user_aliases"),
        (UPDATE, "alias_updates"),
        (RENAME, "external_id_renames"),
        (REMOVE, "external_ids"),
    ],
)
def test_lists_hold_1_to_50_items(braze: Any, path: str, field: str) -> None:
    for items, status in (([], 400), ([{}] * 51, 400), ("text", 400), ([{}] * 50, 201)):
        assert braze.post(path, {field: items}).status_code == status


def test_an_alias_gets_another_name(braze: Any) -> None:
    old, new = braze.new_id(), braze.new_id()
    braze.accepted(NEW, {"user_aliases": [alias_of(old)]})
    braze_id = braze.by_alias(old)["braze_id"]
    assert braze.accepted(UPDATE, renaming(old, new))["aliases_processed"] == 1
    assert braze.by_alias(new)["braze_id"] == braze_id
    assert braze.by_alias(old) == {}


def test_an_unknown_old_name_and_a_taken_new_one_do_nothing(braze: Any) -> None:
    first, second = braze.new_id(), braze.new_id()
    braze.accepted(NEW, {"user_aliases": [alias_of(first), alias_of(second)]})
    owners = [braze.by_alias(name)["braze_id"] for name in (first, second)]
    assert braze.accepted(UPDATE, renaming("nobody", "other"))["aliases_processed"] == 1
    braze.accepted(UPDATE, renaming(first, second))
    assert [braze.by_alias(name)["braze_id"] for name in (first, second)] == owners


def test_a_renamed_user_answers_to_both_ids(braze: Any) -> None:
    old, new = braze.new_id(), braze.new_id()
    braze.attributes({"external_id": old, "plan": "gold"})
    body = {"external_id_renames": [{"current_external_id": old, "new_external_id": new}]}
    assert braze.accepted(RENAME, body) == {"message": "success", "external_ids": [new], "rename_errors": []}
    braze.attributes({"external_id": old, "by": "old", "step": 1}, {"external_id": new, "step": 2})
    for external_id in (old, new):
        found = braze.user(external_id)
        assert found["external_id"] == new
        assert found["custom_attributes"] == {"plan": "gold", "by": "old", "step": 2}


@pytest.mark.parametrize("wrong", ["unknown", "deprecated", "taken", "taken by a deprecated one", "empty"])
def test_renames_that_fail_are_listed_with_their_index(braze: Any, wrong: str) -> None:
    old, new, free, other = (braze.new_id() for _ in range(4))
    braze.attributes({"external_id": old, "n": 1}, {"external_id": other, "n": 1})
    braze.accepted(RENAME, {"external_id_renames": [{"current_external_id": old, "new_external_id": new}]})
    current, wanted = {
        "unknown": ("nobody", free),
        "deprecated": (old, free),
        "taken": (other, new),
        "taken by a deprecated one": (other, old),
        "empty": (other, ""),
    }[wrong]
    good = {"current_external_id": new, "new_external_id": braze.new_id()}
    bad = {"current_external_id": current, "new_external_id": wanted}
    answer = braze.accepted(RENAME, {"external_id_renames": [good, bad]})
    assert answer["external_ids"] == [good["new_external_id"]]
    assert [error[0] for error in answer["rename_errors"]] == [1]


def test_a_deprecated_id_can_be_removed_and_a_primary_one_not(braze: Any) -> None:
    old, new = braze.new_id(), braze.new_id()
    braze.attributes({"external_id": old, "plan": "gold"})
    braze.accepted(RENAME, {"external_id_renames": [{"current_external_id": old, "new_external_id": new}]})
    answer = braze.accepted(REMOVE, {"external_ids": [new, old, "nobody"]})
    assert answer["removed_ids"] == [old]
    assert [error[0] for error in answer["removal_errors"]] == [0, 2]
    assert braze.user(old) == {}
    assert braze.custom(new) == {"plan": "gold"}


def test_deleting_by_a_deprecated_id_deletes_the_user(braze: Any) -> None:
    old, new = braze.new_id(), braze.new_id()
    braze.attributes({"external_id": old, "plan": "gold"})
    braze.accepted(RENAME, {"external_id_renames": [{"current_external_id": old, "new_external_id": new}]})
    braze.accepted("/users/delete", {"external_ids": [old]})
    assert braze.export(external_ids=[old, new])["users"] == []
    braze.attributes({"external_id": old, "back": True})
    assert braze.user(old)["external_id"] == old
