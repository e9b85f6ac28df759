"""What a write costs: an estimate of the data points of one attributes object (Braze: Data points)."""

from typing import Any

from braze_runner.limits import UNBILLED_KEYS

# Array operators: one point a value; for arrays of objects one a key, and one a criterion of a removal.
_VALUE_OPERATORS = ("add", "remove")


def data_points(payload: dict[str, Any]) -> int:
    """Return the data points of one payload: 1 a key, an object 1 for each of its own keys, null 1."""
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
        elif key in _VALUE_OPERATORS:
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
