"""What a profile should hold, against the local Braze's own rules for values, and what counts as equal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.values import Mode, new_value
from braze_runner.verify.compare import FIELDS, canonical, compare, fields_of
from braze_runner.verify.expected import Expected, replay

SCALARS = st.one_of(st.sampled_from(["a", "b", "c", "2026-01-02"]), st.integers(0, 2), st.booleans())
ARRAYS = st.lists(SCALARS, max_size=4)
OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from("xyz"), SCALARS, min_size=1, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), SCALARS | inner, min_size=1, max_size=3),
    max_leaves=4,
)
ITEMS = st.dictionaries(
    st.sampled_from(["id", "x"]), st.sampled_from([1, 2, "a", True]), min_size=1, max_size=2
)
CRITERIA = st.fixed_dictionaries(
    {"$identifier_key": st.sampled_from(["id", "x"]), "$identifier_value": st.sampled_from([1, 2, "a"])}
)
UPDATES = st.tuples(CRITERIA, ITEMS).map(lambda pair: pair[0] | {"$new_object": pair[1]})
INCREMENTS = st.integers(-3, 3).map(lambda amount: {"inc": amount})
CHANGED_VALUES = st.dictionaries(
    st.sampled_from(["add", "remove"]), st.lists(SCALARS, max_size=3), min_size=1
)
CHANGED_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "$add": st.lists(ITEMS, max_size=2),
        "$remove": st.lists(CRITERIA, max_size=2),
        "$update": st.lists(UPDATES, max_size=2),
    },
).filter(bool)
# Whole values and changes, by type of attribute: what Braze makes of a change of another type is no matter of replay.
TYPES = (
    (st.integers(-3, 3), INCREMENTS),
    (ARRAYS, CHANGED_VALUES),
    (st.lists(ITEMS, min_size=1, max_size=3), CHANGED_ITEMS),
    (OBJECTS, OBJECTS),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Any, list[tuple[Any, bool]]]:
    """A value that a profile has, and updates of it, each with its ``_merge_objects``."""
    whole, change = draw(st.sampled_from(TYPES))
    sent = st.one_of(st.none(), whole, change)
    history = draw(st.lists(st.tuples(sent, st.booleans()), min_size=1, max_size=5))
    return draw(st.none() | whole), history


def braze_after(value: Any, history: list[tuple[Any, bool]]) -> Any:
    for sent, merges in history:
        value = new_value(value, sent, Mode(merges, Settings()))
    return value


def payloads(history: list[tuple[Any, bool]]) -> list[dict[str, Any]]:
    return [{"a": sent, "_merge_objects": merges} for sent, merges in history]


def verdict(expected: Expected, actual: Any, name: str = "a") -> str:
    profile = {FIELDS[name]: actual} if name in FIELDS else {"custom_attributes": {name: actual}}
    [finding] = compare({name: expected}, profile)
    return finding.verdict


@given(histories())
def test_whatever_a_profile_held_before_a_true_one_is_never_called_different(
    drawn: tuple[Any, list[tuple[Any, bool]]],
) -> None:
    before, history = drawn
    actual = braze_after(before, history)
    assert verdict(replay(payloads(history))["a"], actual) in ("equal", "not comparable")


@given(histories())
def test_from_a_value_that_was_sent_on_everything_is_known(drawn: tuple[Any, list[tuple[Any, bool]]]) -> None:
    base, history = drawn
    expected = replay(payloads([(base, False), *history]))["a"]
    assert (expected.is_known, expected.whole) == (True, True)
    assert canonical(expected.value) == canonical(braze_after(base, history))


@given(histories(), SCALARS)
def test_another_value_than_the_one_that_was_sent_is_different(
    drawn: tuple[Any, list[tuple[Any, bool]]], other: Any
) -> None:
    base, history = drawn
    actual = braze_after(base, history)
    expected = replay(payloads([(base, False), *history]))["a"]
    assert verdict(expected, [actual, other, "more"]) == "different"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([{"a": 1}, {"b": 2}, {"a": 3}], {"a": Expected(3), "b": Expected(2)}),
        ([{"a": 1}, {"a": None}], {"a": Expected(None)}),
        ([{" a ": 1, "_update_existing_only": True}], {"a": Expected(1)}),
        ([{"a": {"add": ["x"]}}], {"a": Expected(["x"], whole=False)}),
        ([{"a": {"remove": ["x"]}}], {"a": Expected([], whole=False, lacks=("x",))}),
        ([{"a": ["x", "y"]}, {"a": {"add": ["z"], "remove": ["x"]}}], {"a": Expected(["y", "z"])}),
        ([{"a": {"inc": 2}}], {"a": Expected(whole=False, is_known=False)}),
        ([{"a": 5}, {"a": {"inc": 2}}], {"a": Expected(7)}),
        ([{"a": {"x": 1}, "_merge_objects": True}], {"a": Expected({"x": 1}, whole=False)}),
        ([{"a": {"x": 1}}, {"a": {"y": 2}, "_merge_objects": True}], {"a": Expected({"x": 1, "y": 2})}),
        ([{"a": {"x": 1}}, {"a": {"y": 2}}], {"a": Expected({"y": 2})}),
    ],
)
def test_replaying(sent: list[dict[str, Any]], expected: dict[str, Expected]) -> None:
    assert replay(sent) == expected


def test_the_models_own_setting_merges_too() -> None:
    assert replay([{"a": {"x": 1}}, {"a": {"y": 2}}], merges=True)["a"].value == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (12345678901234567, 12345678901234568, False),
        ("2026-01-02", "2026-01-02T00:00:00.000Z", True),
        ("2026-01-02T01:00:00+01:00", "2026-01-02T00:00:00.000Z", True),
        ("2026-01-02T00:00:00.123456Z", "2026-01-02T00:00:00.123Z", True),
        ("2026-01-02T00:00:00.124Z", "2026-01-02T00:00:00.123Z", False),
        ({"$time": "2026-01-02"}, {"$time": "2026-01-02T00:00:00Z"}, True),
        (["a", "b"], ["b", "a"], True),
        (["a", "a"], ["a"], True),
        ([{"x": 1}, {"x": 1}], [{"x": 1}], False),
        ([{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1.0}], True),
        ({"x": {"y": 1}}, {"x": {"y": 1, "z": 2}}, False),
        ("", None, True),
        ([], None, True),
        (0, None, False),
        (False, None, False),
        ("Ann", "ann", False),
    ],
)
def test_equal_by_value(one: Any, other: Any, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (Expected(["x"], whole=False), ["w", "x"], "equal"),
        (Expected(["x"], whole=False), ["w"], "different"),
        (Expected([], whole=False, lacks=("x",)), ["x"], "different"),
        (Expected([], whole=False, lacks=("x",)), None, "equal"),
        (Expected([], whole=False, lacks=(("id", 1),)), [{"id": 1, "x": 2}], "different"),
        (Expected([], whole=False, lacks=(("id", 1),)), [{"id": 2}], "equal"),
        (Expected({"x": {"y": 1}}, whole=False), {"x": {"y": 1, "z": 2}, "w": 3}, "equal"),
        (Expected({"x": {"y": 1}}, whole=False), {"x": {"z": 2}}, "different"),
        (Expected("x" * 256), "x" * 255, "not comparable"),
        (Expected("x" * 255), "x" * 254, "different"),
        (Expected(whole=False, is_known=False), 7, "not comparable"),
    ],
)
def test_what_is_not_known_is_not_asked_of_a_profile(expected: Expected, actual: Any, found: str) -> None:
    assert verdict(expected, actual) == found


@pytest.mark.parametrize(
    ("name", "value", "actual", "found"),
    [
        ("first_name", "Ann", "Ann", "equal"),
        ("first_name", "Ann", "Bob", "different"),
        ("First_Name", "Ann", "Ann", "equal"),
        ("dob", "1980-12-24", "1980-12-24", "equal"),
        ("country", "de", "DE", "equal"),
        ("country", "Germany", "DE", "not comparable"),
        ("country", "DE", "FR", "different"),
        ("current_location", {"latitude": 52.5, "longitude": 13}, [13.0, 52.5], "equal"),
        ("current_location", {"latitude": 52.5, "longitude": 13}, [52.5, 13.0], "different"),
        ("current_location", None, None, "equal"),
        ("subscription_groups", [], None, "not comparable"),
        ("image_url", "https://shop.example/a.png", None, "not comparable"),
    ],
)
def test_profile_fields_by_their_names_in_the_export(name: str, value: Any, actual: Any, found: str) -> None:
    profile = {"custom_attributes": {name: actual}} if name not in FIELDS else {FIELDS[name] or name: actual}
    [finding] = compare({name: Expected(value)}, profile)
    assert finding.verdict == found


def test_only_what_is_needed_is_exported() -> None:
    assert fields_of(["city", "dob", "current_location", "image_url"]) == {
        "custom_attributes",
        "dob",
        "last_coordinates",
    }
