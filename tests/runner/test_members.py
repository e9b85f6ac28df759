"""The parts of a JSON text are its own characters, whatever stands in them (R10)."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_runner.plan.members import elements, members
from braze_runner.plan.newest import fold_for

SPACES = st.sampled_from(["", " ", "\n\t", " \r\n "])
HOSTILE = st.text(st.sampled_from('"\\{}[]:,/ \n\u2028x'), max_size=8)
LEAVES = (
    HOSTILE | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=5,
)


def spaced(parts: list[str], brackets: str, space: str) -> str:
    return space + brackets[0] + space + f"{space},{space}".join(parts) + space + brackets[1] + space


@given(st.dictionaries(HOSTILE, VALUES, max_size=5), SPACES, st.booleans())
def test_members(given_object: dict[str, Any], space: str, ascii_only: bool) -> None:
    texts = {key: json.dumps(value, ensure_ascii=ascii_only) for key, value in given_object.items()}
    parts = [f"{json.dumps(key)}{space}:{space}{text}" for key, text in texts.items()]
    assert members(spaced(parts, "{}", space)) == list(texts.items())


@given(st.lists(VALUES, max_size=5), SPACES, st.booleans())
def test_elements(given_list: list[Any], space: str, ascii_only: bool) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_only) for value in given_list]
    assert elements(spaced(texts, "[]", space)) == texts


@pytest.mark.parametrize("deep", ["[" * 1_000 + "]" * 1_000, '{"k":' * 1_000 + "1" + "}" * 1_000])
def test_values_that_are_deeper_than_the_stack(deep: str) -> None:
    """A payload may be that deep, so one must not stop a push that makes rows of one user one."""
    assert members(f'{{"a":{deep},"b":1}}') == [("a", deep), ("b", "1")]
    assert elements(f"[{deep},1]") == [deep, "1"]
    fold = fold_for("attributes")
    assert fold is not None
    payloads = [b'{"x":1}', f'{{"y":[{deep}]}}'.encode(), b'{"x":2}']
    [(place, payload)] = fold(payloads)
    assert place == 2
    assert orjson.loads(payload or b"").keys() == {"x", "y"}
