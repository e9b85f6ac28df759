"""The value rules as pure functions, against models that are plainer than they are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.values import Mode, deep_merge, new_value

OVERWRITE, MERGE = Mode(merge=False, settings=Settings()), Mode(merge=True, settings=Settings())

scalars = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b", "c", "1", "true"]))
arrays = st.lists(scalars, max_size=8)
keys = st.sampled_from(["a", "b", "c"])
objects = st.recursive(
    st.dictionaries(keys, scalars, max_size=3),
    lambda inner: st.dictionaries(keys, st.one_of(scalars, inner), max_size=3),
    max_leaves=12,
)
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(keys, st.sampled_from(["$add", "$time", "add", "inc", "x y"])), inner, max_size=3
        ),
    ),
    max_leaves=15,
)


def same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def model_of_array(current: list[Any], added: list[Any], removed: list[Any]) -> list[Any]:
    result = list(current)
    for value in added:
        result = [item for item in result if not same(item, value)] + [value]
    return [item for item in result if not any(same(item, value) for value in removed)]


@given(arrays, arrays, arrays)
def test_array_operators_follow_the_model(start: list[Any], added: list[Any], removed: list[Any]) -> None:
    current = new_value(None, start, OVERWRITE)
    assert all(not same(a, b) for i, a in enumerate(current) for b in current[:i])
    changed = new_value(current, {"add": added, "remove": removed}, OVERWRITE)
    expected = model_of_array(current, added, removed)
    assert list(map(repr, changed)) == list(map(repr, expected))


@given(arrays, arrays)
def test_adding_twice_is_adding_once(start: list[Any], added: list[Any]) -> None:
    once = new_value(new_value(None, start, OVERWRITE), {"add": added}, OVERWRITE)
    assert new_value(once, {"add": added}, OVERWRITE) == once


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {k: v for key, item in value.items() for k, v in leaves(item, (*path, key)).items()}


@given(objects, objects)
def test_merge_takes_every_sent_leaf_and_keeps_the_rest(
    current: dict[str, Any], sent: dict[str, Any]
) -> None:
    merged = leaves(deep_merge(current, sent))
    sent_leaves = {path: value for path, value in leaves(sent).items() if value != {}}
    assert {path: merged[path] for path in sent_leaves} == sent_leaves
    for path, value in leaves(current).items():
        touched = any(path[: len(other)] == other or other[: len(path)] == path for other in leaves(sent))
        if not touched:
            assert merged[path] == value


@given(objects, objects)
def test_an_object_is_overwritten_or_merged_as_asked(current: dict[str, Any], sent: dict[str, Any]) -> None:
    assert new_value(current, {"k": sent}, OVERWRITE) == {"k": sent}
    assert new_value(current, {"k": sent}, MERGE) == deep_merge(current, {"k": sent})


items = st.lists(st.fixed_dictionaries({"id": st.integers(1, 3), "n": st.integers(0, 5)}), max_size=5)
identifiers = st.lists(st.integers(1, 4), max_size=3)


@given(items, items, identifiers, st.lists(st.tuples(st.integers(1, 4), st.integers(6, 9)), max_size=3))
def test_object_operators_follow_the_model(
    current: list[Any], added: list[Any], removed: list[int], updated: list[tuple[int, int]]
) -> None:
    expected = [dict(item) for item in current + added if item["id"] not in removed]
    for id_, n in updated:
        for item in expected:
            if item["id"] == id_:
                item["n"] = n
    change = {
        "$update": [
            {"$identifier_key": "id", "$identifier_value": id_, "$new_object": {"n": n}} for id_, n in updated
        ],
        "$remove": [{"$identifier_key": "id", "$identifier_value": id_} for id_ in removed],
        "$add": added,
    }
    assert new_value(current, change, MERGE) == expected


def holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(holds_null, value.values()))
    return any(map(holds_null, value)) if isinstance(value, list) else value is None


@given(anything, anything, st.sampled_from([OVERWRITE, MERGE]))
def test_any_json_has_a_defined_result_without_nulls_inside(first: Any, second: Any, mode: Mode) -> None:
    current = new_value(None, first, mode)
    for value in (current, new_value(current, second, mode)):
        assert value is None or not holds_null(value)
