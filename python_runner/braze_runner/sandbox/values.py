"""The value rules of custom attributes, as pure functions: (current value, sent value) to new value.

None is "no such attribute"; an update that Braze drops without an error gives back the current value.
Sources: Braze docs, "User attributes object", "Custom data types", "Nested custom attributes".
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import orjson

from braze_runner import times
from braze_runner.sandbox.rules import ARRAY_ELEMENTS, NAME_CHARS, OBJECT_BYTES, STRING_CHARS
from braze_runner.sandbox.settings import Settings

MAX_INTEGER = 2**63  # what orjson and SQLite hold; Braze names no figure

_UNRULED = (int, float, bool, type(None))
_FORBIDDEN_IN_KEY = re.compile(r"[ .$]")


class _InvalidError(Exception):
    """A nested value holds something that Braze does not store, so the whole update is dropped."""


class Mode(NamedTuple):
    """How one object's values are written: its ``_merge_objects``, and the sandbox's switches."""

    merge: bool
    settings: Settings


def new_value(current: Any, sent: Any, mode: Mode) -> Any:
    """Return what a custom attribute holds after one update."""
    kind = type(sent)
    if kind in _UNRULED:
        return sent
    try:
        if kind is str:
            return _text(sent, mode)
        if kind is list:
            return _whole_array(current, sent, mode)
        return _object(current, sent, mode)
    except _InvalidError:
        return current


def deep_merge(current: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Merge on all levels: objects into objects, anything else replaces (``_merge_objects``)."""
    merged = dict(current)
    for key, value in sent.items():
        old = merged.get(key)
        merged[key] = deep_merge(old, value) if _is_object(old) and _is_object(value) else value
    return merged


def _object(current: Any, sent: dict[str, Any], mode: Mode) -> Any:
    operators = sent.keys()
    if operators == {"inc"}:
        return _incremented(current, sent["inc"])
    if operators and operators <= {"add", "remove"} and all(isinstance(v, list) for v in sent.values()):
        return _changed_array(current, sent, mode)
    if operators and operators <= OBJECT_OPERATORS.keys():
        return _changed_objects(current, sent, mode)
    value = _nested(sent, mode)
    if mode.merge and _is_object(current) and _is_object(value):
        value = deep_merge(current, value)
    return _within_size(value)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and "$time" not in value


def _incremented(current: Any, amount: Any) -> Any:
    start = 0 if current is None else current
    if type(amount) is not int or isinstance(start, bool) or not isinstance(start, int | float):
        return current
    total = start + amount
    return total if abs(total) < MAX_INTEGER else current


def _whole_array(current: Any, sent: list[Any], mode: Mode) -> Any:
    if sent and any(isinstance(item, dict | list) for item in sent):
        return _within_size(_nested(sent, mode))
    return _limited(current, _distinct(_scalars(sent, mode)), mode)


def _changed_array(current: Any, sent: dict[str, Any], mode: Mode) -> Any:
    if not (current is None or (isinstance(current, list) and _is_scalars(current))):
        return current
    values = {_identity(item): item for item in current or ()}
    for item in _scalars(sent.get("add", []), mode):
        values.pop(_identity(item), None)  # a value that is added again moves to the end
        values[_identity(item)] = item
    for item in _scalars(sent.get("remove", []), mode):
        values.pop(_identity(item), None)
    if current is None and "add" not in sent:
        return None
    return _limited(current, list(values.values()), mode)


def _limited(current: Any, values: list[Any], mode: Mode) -> Any:
    if len(values) <= ARRAY_ELEMENTS:
        return values
    return values[-ARRAY_ELEMENTS:] if mode.settings.array_overflow == "drop-oldest" else current


def _changed_objects(current: Any, sent: dict[str, Any], mode: Mode) -> Any:
    if not (current is None or isinstance(current, list)):
        return current
    items = list(current or ())
    for operator, change in OBJECT_OPERATORS.items():
        arguments = sent.get(operator, [])
        if not (isinstance(arguments, list) and all(isinstance(a, dict) for a in arguments)):
            raise _InvalidError
        for argument in arguments:
            items = change(items, argument, mode)
    return None if current is None and not items else _within_size(items)


def _add(items: list[Any], new: dict[str, Any], mode: Mode) -> list[Any]:
    return [*items, _nested(new, mode)]


def _remove(items: list[Any], argument: dict[str, Any], _mode: Mode) -> list[Any]:
    return [item for item in items if not _matches(item, argument)]


def _update(items: list[Any], argument: dict[str, Any], mode: Mode) -> list[Any]:
    new = _nested(argument.get("$new_object"), mode)
    if not isinstance(new, dict):
        raise _InvalidError
    return [
        (deep_merge(item, new) if mode.merge else new) if _matches(item, argument) else item for item in items
    ]


# In the order in which Braze applies them within one update, whatever order they are sent in.
OBJECT_OPERATORS: dict[str, Callable[[list[Any], dict[str, Any], Mode], list[Any]]] = {
    "$add": _add,
    "$remove": _remove,
    "$update": _update,
}


def _matches(item: Any, argument: dict[str, Any]) -> bool:
    key, value = argument.get("$identifier_key"), argument.get("$identifier_value")
    if not isinstance(key, str) or value is None:
        raise _InvalidError
    if not isinstance(item, dict) or key not in item:
        return False
    found = item[key]
    return bool(found == value) and isinstance(found, bool) == isinstance(value, bool)


def _nested(value: Any, mode: Mode) -> Any:
    if isinstance(value, str):
        return _text(value, mode)
    if value is None:
        raise _InvalidError
    if isinstance(value, list):
        return [_nested(item, mode) for item in value]
    if not isinstance(value, dict):
        return value
    if "$time" in value:
        if len(value) > 1 or not times.storable(value["$time"]):
            raise _InvalidError
        return value
    if any(not key or len(key) > NAME_CHARS or _FORBIDDEN_IN_KEY.search(key) for key in value):
        raise _InvalidError
    return {key: _nested(item, mode) for key, item in value.items()}


def _text(value: str, mode: Mode) -> str:
    if len(value) <= STRING_CHARS or mode.settings.long_strings == "keep":
        return value
    if mode.settings.long_strings == "drop":
        raise _InvalidError
    return value[:STRING_CHARS]


def _within_size(value: Any) -> Any:
    if len(orjson.dumps(value)) > OBJECT_BYTES:
        raise _InvalidError
    return value


def _is_scalars(values: list[Any]) -> bool:
    return not any(item is None or isinstance(item, dict | list) for item in values)


def _scalars(values: list[Any], mode: Mode) -> list[Any]:
    if not _is_scalars(values):
        raise _InvalidError
    return [_text(item, mode) if isinstance(item, str) else item for item in values]


def _distinct(values: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {}
    for item in values:
        seen.setdefault(_identity(item), item)
    return list(seen.values())


def _identity(value: Any) -> tuple[bool, Any]:
    return isinstance(value, bool), value  # in JSON true and 1 are two values, in Python one
