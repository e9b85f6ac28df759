"""What is left of a rejected payload, judged by the local Braze's own rules for values (R11)."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from test_replay import histories

from braze_runner.plan.remainder import Remainder, remainder
from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.values import Mode, new_value

ITEM = [{"id": 1}]


def after(value: Any, history: list[tuple[Any, bool]]) -> Any:
    for sent, merges in history:
        value = new_value(value, sent, Mode(merges, Settings()))
    return value


def same(value: Any) -> Any:
    """Return what equal values share; labels have no order here, and no labels are none."""
    value = value or None if isinstance(value, list) else value
    is_set = isinstance(value, list) and not any(isinstance(each, dict) for each in value)
    return sorted(map(json.dumps, value)) if is_set else value


@given(histories())
@settings(max_examples=500, deadline=None)
def test_sent_late_it_does_what_it_would_have_done(history: tuple[Any, list[tuple[Any, bool]]]) -> None:
    """The first change was rejected; what is sent of it after the others must make up for that, or be told."""
    before, [own, *later] = history[0], history[1]
    if any(isinstance(each, dict) and not all(each.values()) for each, _ in (own, *later)):
        return  # an operator without values, which Braze does not document
    texts = [json.dumps({"k": sent, "_merge_objects": merges}) for sent, merges in (own, *later)]
    left = remainder(texts[0], texts[1:])
    if "k" in left.lost:
        return
    sent = json.loads(left.payload or "{}")
    now = after(before, later)
    if "k" in sent:
        now = after(now, [(sent["k"], sent["_merge_objects"])])
    assert same(now) == same(after(before, [own, *later]))


@pytest.mark.parametrize(
    ("payload", "later", "left", "lost"),
    [
        ({"x": 1, "y": 1}, [{"x": 2}], {"y": 1}, ()),
        ({"x": 1}, ["no json", {"x": 2}, "[]"], {}, ()),
        ({"x": 1}, ["no json"], {"x": 1}, ()),
        ({"x": 1, "_merge_objects": True}, [{"_merge_objects": True}], {"x": 1, "_merge_objects": True}, ()),
        ({"x": 1, "_merge_objects": True}, [{"x": 2}], {}, ()),
        ({"l": {"add": ["a", "b"]}}, [{"l": {"remove": ["a"]}}], {"l": {"add": ["b"]}}, ()),
        ({"n": {"inc": 1}, "m": {"inc": 1}}, [{"n": {"inc": 2}, "m": 5}], {"n": {"inc": 1}}, ()),
        # What later rows build on can't be put below them any more.
        ({"o": ITEM, "x": 1}, [{"o": {"$add": [{"id": 2}]}}], {"x": 1}, ("o",)),
        ({"n": 5}, [{"n": {"inc": 1}}], {}, ("n",)),
        ({"l": ["a"]}, [{"l": {"add": ["b"]}}], {}, ("l",)),
        ({"l": ["a"]}, [{"l": {"add": ["b"]}}, {"l": ["c"]}], {}, ()),
        ({"o": {"$add": ITEM}}, [{"o": {"$add": [{"id": 2}]}}], {}, ("o",)),
    ],
)
def test_by_hand(payload: Any, later: list[Any], left: Any, lost: tuple[str, ...]) -> None:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in later]
    found = remainder(json.dumps(payload), texts)
    assert (json.loads(found.payload or "{}"), found.lost) == (left, lost)


@pytest.mark.parametrize(
    "later", [{"o": {"b": 2}}, {"o": {"a": 2, "b": 2}}, {"o": {"a": {"c": 1}}}, {"o": None}]
)
@pytest.mark.parametrize("merges", [True, False])
def test_objects_that_are_merged_leave_what_they_lack(later: Any, merges: bool) -> None:
    found = remainder('{"o":{"a":1}}', [json.dumps(later)], merges=merges)
    is_lost = merges and later in ({"o": {"b": 2}}, {"o": {"a": {"c": 1}}})
    assert found == Remainder("", ("o",) if is_lost else ())


@pytest.mark.parametrize("payload", ["", "no json", "[]", "1", '"x"'])
def test_what_is_no_object(payload: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        remainder(payload, [])


DEEP = 1_000
NESTED = '{"k":' * DEEP + "1" + "}" * DEEP


def test_values_that_are_deeper_than_the_stack() -> None:
    """Braze judges them; nothing here gives up at one."""
    assert remainder(f'{{"a":{NESTED},"b":1}}', ['{"b":2}']) == Remainder(f'{{"a":{NESTED}}}', ())
    assert remainder(f'{{"a":{NESTED}}}', [f'{{"a":{NESTED}}}'], merges=True).lost == ("a",)


def test_deep_nesting() -> None:
    """Python's own decoder, and orjson when it writes, give up before orjson does when it reads."""
    deep, deeper = ("[" * levels + "]" * levels for levels in (300, 1_000))
    later = f'{{"deep":{deeper},"labels":{{"remove":[{deep},"a"]}}}}'
    assert (
        remainder('{"x":1,"labels":{"add":["a","b"]}}', [later]).payload == '{"x":1,"labels":{"add":["b"]}}'
    )
