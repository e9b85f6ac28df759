"""What of a rejected attributes object is still to be sent, when later rows have changed the user since (R11)."""

import json
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from braze_runner.plan.members import elements, members

_ARRAY_OPERATORS = ("add", "remove")


class Remainder(NamedTuple):
    """The payload that is left ("" for none), and the keys that can't be repaired by sending them again."""

    payload: str
    lost: tuple[str, ...]


def remainder(payload: str, later: Iterable[str]) -> Remainder:
    """Return what is left of a payload after later ones of the same user, each a valid JSON object.

    A key that a later payload carries is not sent again. Of the values that an array operator adds or removes,
    those go that a later row has added or removed. Another operator on a key that a later row carries depends on an
    order that is gone: it is lost, and only sending the current value again repairs it.
    """
    carried: dict[str, list[str]] = {}
    for each in later:
        for key, value in members(each):
            carried.setdefault(key, []).append(value)
    kept, lost = [], []
    for key, value in members(payload):
        since = carried.get(key)
        left: str | None = value
        if since is not None:
            if not _is_operator(value):
                left = None
            elif _is_array_operator(value):
                left = _left_of_array(value, since)
            else:
                left = None
                if all(map(_is_operator, since)):
                    lost.append(key)
        if left is not None:
            kept.append(f"{json.dumps(key, ensure_ascii=False)}:{left}")
    return Remainder("{" + ",".join(kept) + "}" if kept else "", tuple(lost))


def _is_operator(value: str) -> bool:
    operators = {"add", "remove", "inc", "$add", "$remove", "$update"}
    return value.startswith("{") and not operators.isdisjoint(key for key, _ in members(value))


def _is_array_operator(value: str) -> bool:
    return value.startswith("{") and all(key in _ARRAY_OPERATORS for key, _ in members(value))


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
