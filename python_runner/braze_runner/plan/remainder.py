"""What of a rejected attributes object is still to be sent, when later rows have changed the user since (R11)."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from braze_runner.plan.members import elements, members
from braze_runner.plan.payloads import OPERATORS, SETTINGS, VALUE_OPERATORS, parse


class Remainder(NamedTuple):
    """The payload that is left ("" for none), and the keys that can't be repaired by sending them again."""

    payload: str
    lost: tuple[str, ...]


class _Later(NamedTuple):
    """A later value of a key, in its own text, and whether Braze merges it into the object that is there."""

    text: str
    merges: bool


def remainder(payload: str, later: Iterable[str], *, merges: bool = False) -> Remainder:
    """Return what is left of a payload after later ones of the same user; raises ValueError if it is no JSON object.

    A key that a later payload sets is not sent again. Of the values that an array operator adds or removes, those go
    that a later row has added or removed. What later rows only build on is lost, for the order is gone: sending the
    current value again repairs it. A later payload that is no JSON object was never applied. ``merges`` is the
    model's own ``_merge_objects`` (Braze: User attributes object).
    """
    own = _parsed(payload)
    if own is None:
        raise ValueError("the payload is no JSON object")
    carried: dict[str, list[_Later]] = {}
    for each in later:
        parsed = _parsed(each)
        for key, value in () if parsed is None else members(each):
            carried.setdefault(key, []).append(_Later(value, _merges(parsed, merges=merges)))
    kept: dict[str, str] = {}
    lost = []
    for key, value in members(payload):
        # A setting goes with whatever is left.
        since = None if key in SETTINGS else carried.get(key)
        left = value if since is None else _left(value, since)
        if left is not None:
            kept[key] = left
        elif since and not _is_replaced(value, since, merges=_merges(own, merges=merges)):
            lost.append(key)
    written = ",".join(f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in kept.items())
    return Remainder("" if kept.keys() <= SETTINGS else "{" + written + "}", tuple(lost))


def _left(value: str, since: list[_Later]) -> str | None:
    """Return what of a value does the same now as it would have done before the later ones."""
    if _is_array_operator(value):
        return _left_of_array(value, [each.text for each in since])
    # Increments give the same sum in any order.
    is_sum = _is_increment(value) and all(_is_increment(each.text) for each in since)
    return value if is_sum else None


def _is_replaced(value: str, since: list[_Later], *, merges: bool) -> bool:
    """Say whether nothing of a value would be left, had it been applied before the later ones."""
    if _is_array_operator(value):
        return True  # value by value, see _left_of_array
    return any(
        not _is_operator(each.text) and (not each.merges or (merges and _covers(each.text, value)))
        for each in since
    )


def _covers(later: str, earlier: str) -> bool:
    """Say whether an object that is merged into another leaves nothing of it."""

    def covers(new: Any, old: Any) -> bool:
        if not isinstance(new, dict):
            return True
        return isinstance(old, dict) and all(
            key in new and covers(new[key], part) for key, part in old.items()
        )

    try:
        return covers(orjson.loads(later), orjson.loads(earlier))
    except RecursionError:
        return False


def _parsed(payload: str) -> dict[str, Any] | None:
    """Return a JSON object, or None for what was rejected before it was sent."""
    parsed, problem = parse(payload.encode(errors="surrogatepass"))
    return None if problem else parsed


def _merges(parsed: dict[str, Any] | None, *, merges: bool) -> bool:
    own = (parsed or {}).get("_merge_objects", merges)
    return own is True or own == "true"


def _is_operator(value: str) -> bool:
    return value.startswith("{") and not OPERATORS.isdisjoint(key for key, _ in members(value))


def _is_increment(value: str) -> bool:
    return value.startswith("{") and [key for key, _ in members(value)] == ["inc"]


def _is_array_operator(value: str) -> bool:
    return value.startswith("{") and all(key in VALUE_OPERATORS for key, _ in members(value))


def _left_of_array(value: str, since: list[str]) -> str | None:
    """Return the operator without the values that later ones are about; None once the array was set as a whole."""
    settled: set[bytes] = set()
    for each in since:
        if not _is_array_operator(each):
            return None
        for _, values in members(each):
            settled.update(map(_same, elements(values)))
    parts = []
    for operator, values in members(value):
        left = [each for each in elements(values) if _same(each) not in settled]
        if left:
            parts.append(f'"{operator}":[{",".join(left)}]')
    return "{" + ",".join(parts) + "}" if parts else None


def _same(text: str) -> bytes:
    """Return a text that equal values share, however they are written."""
    try:
        return orjson.dumps(orjson.loads(text))
    except orjson.JSONEncodeError:
        return text.encode()  # nested deeper than orjson writes; Braze's arrays hold no such value anyway
