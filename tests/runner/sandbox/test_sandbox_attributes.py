from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    "value", ["text", "", "größe 🎈", 0, -7, 1.5, True, False, "2026-01-01T00:00:00Z", 2**53]
)
def test_scalars_are_stored_as_sent(braze: Any, value: Any) -> None:
    stored = braze.after(value)
    assert stored == value
    assert type(stored) is type(value)


def test_integers_beyond_64_bits_become_floating_point(braze: Any) -> None:
    stored = braze.after(10**30)
    assert (type(stored), stored) == (float, 1e30)
    assert braze.after(2**63 - 1, {"inc": 1}) == 2**63 - 1


def test_a_later_value_replaces_one_of_another_type(braze: Any) -> None:
    assert braze.after("text", 5) == 5
    assert braze.after([1, 2], {"a": 1}, "text") == "text"


@pytest.mark.parametrize("value", ["text", 0, False, [1], {"a": 1}, [{"a": 1}]])
def test_null_removes_the_attribute(braze: Any, value: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "attribute": value, "other": 1})
    braze.attributes({"external_id": user, "attribute": None})
    assert braze.custom(user) == {"other": 1}


def test_null_of_an_unknown_attribute_changes_nothing(braze: Any) -> None:
    assert braze.after(None) is None


def test_names_are_stripped_and_case_sensitive(braze: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "  Plan ": "gold", "plan": "silver", "   ": "nothing"})
    assert braze.custom(user) == {"Plan": "gold", "plan": "silver"}


@pytest.mark.parametrize(
    ("switch", "plain", "nested", "array"),
    [
        ("keep", "x" * 300, {"a": "x" * 300}, ["x" * 300]),
        ("truncate", "x" * 255, {"a": "x" * 255}, ["x" * 255]),
        ("drop", "before", "before", "before"),
    ],
)
def test_long_strings_by_switch(
    start: Callable[..., Any], switch: str, plain: Any, nested: Any, array: Any
) -> None:
    braze = start(long_strings=switch)
    assert braze.after("before", "x" * 300) == plain
    assert braze.after("before", {"a": "x" * 300}) == nested
    assert braze.after("before", ["x" * 300]) == array
    assert braze.after("before", "x" * 255) == "x" * 255
    user = braze.new_id()
    braze.attributes({"external_id": user, "n" * 256: 1})
    lengths = {"keep": [256], "truncate": [255], "drop": []}
    assert [len(name) for name in braze.custom(user)] == lengths[switch]


def test_increment(braze: Any) -> None:
    assert braze.after({"inc": 3}) == 3
    assert braze.after(5, {"inc": 2}, {"inc": -4}) == 3
    assert braze.after(1.5, {"inc": 1}) == 2.5


@pytest.mark.parametrize(
    ("before", "amount"), [("text", 1), (True, 1), ([1], 1), (5, "1"), (5, 1.5), (5, True)]
)
def test_increment_that_makes_no_sense_is_dropped(braze: Any, before: Any, amount: Any) -> None:
    assert braze.after(before, {"inc": amount}) == before


def test_array_is_set_without_duplicates(braze: Any) -> None:
    assert braze.after(["old"], ["a", "b", "a", 1, True, 1.0]) == ["a", "b", 1, True]
    assert braze.after(["old"], []) == []


def test_array_add_moves_an_existing_value_to_the_end(braze: Any) -> None:
    assert braze.after(["a", "b"], {"add": ["c", "a"]}) == ["b", "c", "a"]
    assert braze.after({"add": ["a", "a"]}) == ["a"]


def test_array_remove(braze: Any) -> None:
    assert braze.after(["a", "b", "c"], {"remove": ["b", "z"]}) == ["a", "c"]
    assert braze.after({"remove": ["a"]}) is None


def test_array_add_and_remove_in_one_object(braze: Any) -> None:
    assert braze.after(["a", "b"], {"remove": ["a"], "add": ["c"]}) == ["b", "c"]


def test_array_operators_leave_another_type_alone(braze: Any) -> None:
    assert braze.after("text", {"add": ["a"]}) == "text"
    assert braze.after([{"a": 1}], {"add": ["a"]}) == [{"a": 1}]


def test_array_with_null_is_dropped(braze: Any) -> None:
    assert braze.after(["a"], ["b", None]) == ["a"]
    assert braze.after(["a"], {"add": [None]}) == ["a"]


def test_array_holds_500_values(braze: Any) -> None:
    assert braze.after(list(range(500))) == list(range(500))
    assert braze.after(["old"], list(range(501))) == ["old"]
    assert braze.after(list(range(500)), {"add": [500]}) == list(range(500))
    assert braze.after(list(range(500)), {"add": [0]}) == [*range(1, 500), 0]


def test_array_overflow_drops_the_oldest_by_switch(start: Callable[..., Any]) -> None:
    braze = start(array_overflow="drop-oldest")
    assert braze.after(list(range(500)), {"add": [500, 501]}) == list(range(2, 502))
    assert braze.after(list(range(501))) == list(range(1, 501))


def test_objects_overwrite_by_default(braze: Any) -> None:
    assert braze.after({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}) == {"b": {"d": 2}}


@pytest.mark.parametrize("flag", [True, "true"])
def test_objects_merge_on_all_levels_with_merge_objects(braze: Any, flag: Any) -> None:
    before, sent = {"a": 1, "b": {"c": 1, "list": [1, 2]}}, {"b": {"d": {"e": 2}, "list": [3]}}
    merged = {"a": 1, "b": {"c": 1, "d": {"e": 2}, "list": [3]}}
    assert braze.after(before, sent, _merge_objects=flag) == merged


def test_merge_replaces_what_is_no_object(braze: Any) -> None:
    moment = {"$time": "2026-01-01"}
    assert braze.after("text", {"a": 1}, _merge_objects=True) == {"a": 1}
    assert braze.after({"a": moment}, {"a": {"b": 1}}, _merge_objects=True) == {"a": {"b": 1}}
    assert braze.after({"a": {"b": 1}}, {"a": moment}, _merge_objects=True) == {"a": moment}


@pytest.mark.parametrize(
    "invalid",
    [
        {"a": None},
        {"a": {"b": {"c": None}}},
        {"a": [1, None]},
        {"a": {"$time": "no time"}},
        {"a": {"$time": None}},
        {"a": {"$time": 1_700_000_000}},
        {"a": {"$time": "3001-01-01"}},
        {"a": {"$time": "2026-01-01", "b": 1}},
        {"with space": 1},
        {"dot.ted": 1},
        {"$dollar": 1},
        {"a": {"": 1}},
        {"k" * 256: 1},
        [{"a": None}],
    ],
)
def test_an_invalid_nested_value_drops_that_attribute_alone(braze: Any, invalid: Any) -> None:
    user = braze.new_id()
    braze.attributes({"external_id": user, "nested": {"before": 1}})
    braze.attributes({"external_id": user, "nested": invalid, "other": 1, "_merge_objects": True})
    assert braze.custom(user) == {"nested": {"before": 1}, "other": 1}


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01", "2026-01-01T10:00:00", "2026-01-01 10:00:00", "2026-01-01T10:00:00:123Z", "01/31/2026",
     "2026-01-01T10:00:00+02:00", "3000-12-31"],
)  # fmt: skip
def test_nested_times_are_kept_as_sent(braze: Any, moment: str) -> None:
    assert braze.after({"at": {"$time": moment}}) == {"at": {"$time": moment}}


def test_object_above_100_kb_is_dropped(braze: Any) -> None:
    large = {"parts": ["x" * 200] * 510}
    assert braze.after({"a": 1}, large) == {"a": 1}
    assert braze.after({"a": 1}, {"parts": ["x" * 200] * 500}) == {"parts": ["x" * 200] * 500}
    half = {"first": ["x" * 200] * 300}
    assert braze.after(half, {"second": ["x" * 200] * 300}, _merge_objects=True) == half
    assert braze.after([{"a": 1}], {"$add": [large]}) == [{"a": 1}]


def test_array_of_objects_has_no_item_limit(braze: Any) -> None:
    items = [{"n": n} for n in range(800)]
    assert braze.after(items) == items


def identify(value: Any, **more: Any) -> dict[str, Any]:
    return {"$identifier_key": "id", "$identifier_value": value, **more}


PETS = [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}, {"id": 2, "name": "C"}]


def test_array_of_objects_add(braze: Any) -> None:
    assert braze.after(PETS, {"$add": [{"id": 3}]}) == [*PETS, {"id": 3}]
    assert braze.after({"$add": [{"id": 3}]}) == [{"id": 3}]


def test_array_of_objects_remove_takes_every_match(braze: Any) -> None:
    assert braze.after(PETS, {"$remove": [identify(2), identify(9)]}) == PETS[:1]
    assert braze.after([{"id": 1}, {"id": "1"}], {"$remove": [identify(True)]}) == [{"id": 1}, {"id": "1"}]


def test_array_of_objects_update_replaces_or_merges(braze: Any) -> None:
    change = {"$update": [identify(1, **{"$new_object": {"id": 1, "age": 4}})]}
    assert braze.after(PETS, change) == [{"id": 1, "age": 4}, *PETS[1:]]
    assert braze.after(PETS, change, _merge_objects=True) == [{"id": 1, "name": "A", "age": 4}, *PETS[1:]]


def test_array_of_objects_order_is_add_remove_update(braze: Any) -> None:
    change = {
        "$update": [identify(1, **{"$new_object": {"id": 9}})],
        "$remove": [identify(3), identify(9)],
        "$add": [{"id": 3}],
    }
    assert braze.after(PETS, change) == [{"id": 9}, *PETS[1:]]


@pytest.mark.parametrize(
    "change",
    [
        {"$add": {"id": 3}},
        {"$add": ["text"]},
        {"$add": [{"id": None}]},
        {"$update": [identify(1)]},
        {"$remove": [{"$identifier_key": "id"}]},
        {"$add": [{"id": 3}], "$move": []},
    ],
)
def test_broken_operators_of_arrays_of_objects_are_dropped(braze: Any, change: Any) -> None:
    assert braze.after(PETS, change) == PETS


def test_operators_of_arrays_of_objects_leave_another_type_alone(braze: Any) -> None:
    assert braze.after("text", {"$add": [{"id": 3}]}) == "text"
    assert braze.after({"$remove": [identify(1)]}) is None
