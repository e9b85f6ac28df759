"""What is said of a payload before it is sent: whether it is sound, what it costs, whether it may arrive twice."""

from typing import Any

import orjson

from braze_runner import limits
from braze_runner.limits import UNBILLED_KEYS

# Array operators: one point a value; for arrays of objects one a key, and one a criterion of a removal.
VALUE_OPERATORS = frozenset({"add", "remove"})
OBJECT_OPERATORS = frozenset({"$add", "$remove", "$update"})
# What these do depends on what the profile holds (Braze: User attributes object, Array of objects).
OPERATORS = VALUE_OPERATORS | OBJECT_OPERATORS | {"inc"}
# Of the object as a whole, and no attributes (Braze: User attributes object).
SETTINGS = frozenset({"_merge_objects", "_update_existing_only", "push_token_import"})


def parse(payload: bytes | None) -> tuple[Any, str]:
    """Return (parsed, problem) of a payload that has to be a JSON object within Braze's size."""
    if payload is None:
        return None, "payload_missing"
    if len(payload) > limits.PAYLOAD_BYTES:
        return None, "payload_too_large"
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None, "payload_not_json"
    return parsed, "" if type(parsed) is dict else "payload_not_object"


def without_values(message: str, *objects: bytes | None) -> str:
    """Return a message of Braze without the texts and numbers that these JSON objects hold, in case it quotes one."""
    found: set[str] = set()
    left: list[Any] = [parse(each)[0] for each in objects]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
        else:
            found.add(str(value))
    for text in sorted(found, key=len, reverse=True):
        # What is shorter stands in many a word.
        message = message.replace(text, "…") if len(text) > 2 else message
    return message


def members_of(payload: bytes) -> bytes:
    """Return what stands behind the first brace of an object, its closing brace included."""
    return payload[payload.index(b"{") + 1 :]


def is_repeatable(parsed: dict[str, Any]) -> bool:
    """Say whether an attributes object does the same once and twice: it holds no operator."""
    return not any(type(value) is dict and not OPERATORS.isdisjoint(value) for value in parsed.values())


def data_points(payload: dict[str, Any]) -> int:
    """Estimate the data points of one attributes object (Braze: Data points).

    1 a key, an object 1 for each of its own keys, null 1.
    """
    points = 0
    for key, value in payload.items():
        if key in UNBILLED_KEYS:
            continue
        kind = type(value)
        if kind is dict:
            points += _object_points(value)
        elif kind is list:
            points += _list_points(value)
        else:
            points += 1
    return points


def _object_points(value: dict[str, Any]) -> int:
    """Count an object's keys, or, for an array operator, the values or items that it adds and removes."""
    points = 0
    for key, part in value.items():
        if not isinstance(part, list):
            points += 1
        elif key in VALUE_OPERATORS:
            points += len(part)
        elif key == "$update":
            points += sum(_keys(item.get("$new_object")) if isinstance(item, dict) else 1 for item in part)
        elif key == "$remove":
            points += len(part)
        elif key == "$add":
            points += _list_points(part)
        else:
            points += 1
    return points


def _list_points(values: list[Any]) -> int:
    """Count 1 for an array of scalars as a whole, and the keys of each item for an array of objects."""
    if values and isinstance(values[0], dict):
        return sum(_keys(item) for item in values)
    return 1


def _keys(value: Any) -> int:
    return len(value) if isinstance(value, dict) else 1
