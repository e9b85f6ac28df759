"""Values of catalog items: what a field of each type takes (Braze docs, "Catalogs").

Braze names the error ``unable-to-coerce-value`` and not what it coerces: texts of numbers and booleans here.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from braze_runner import times
from braze_runner.sandbox.rules import CATALOG_ARRAY_ELEMENTS, CATALOG_NESTING, CATALOG_VALUE_CHARS
from braze_runner.sandbox.types import number_of


class ValueRefusedError(Exception):
    """A value can't be stored; the text is the id of Braze's error."""


def stored(kind: str, value: Any) -> Any:
    """Return what a field of this type stores; ValueRefusedError names the error."""
    return None if value is None else TYPES[kind](value)


def changed(kind: str, current: Any, sent: Any) -> Any:
    """Return what a field holds after an edit: arrays take ``$add`` and ``$remove``."""
    if kind != "array" or not isinstance(sent, dict):
        return stored(kind, sent)
    if not sent or not sent.keys() <= {"$add", "$remove"}:
        raise ValueRefusedError("unable-to-coerce-value")
    added, removed = _array(sent.get("$add", [])), _array(sent.get("$remove", []))
    values = [*(current or ()), *(value for value in added if value not in (current or ()))]
    return _array([value for value in values if value not in removed])


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueRefusedError("unable-to-coerce-value")
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > CATALOG_VALUE_CHARS:
        raise ValueRefusedError("items-too-large")
    return text


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    number = number_of(value) if isinstance(value, str) else None
    if number is None:
        _refused()
    return number


def _refused() -> NoReturn:
    raise ValueRefusedError("unable-to-coerce-value")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = value.lower() if isinstance(value, str) else ""
    if text not in ("true", "false"):
        _refused()
    return text == "true"


def _time(value: Any) -> str:
    if times.parse(value) is None:
        _refused()
    return str(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refused()
    _check_nested(value, 1)
    return dict(value)


def _check_nested(value: Any, depth: int) -> None:
    if depth > CATALOG_NESTING:
        raise ValueRefusedError("too-deep-nesting-in-value-object")
    if isinstance(value, str) and len(value) > CATALOG_VALUE_CHARS:
        raise ValueRefusedError("items-too-large")
    if isinstance(value, dict) and any("." in key or "$" in key for key in value):
        raise ValueRefusedError("invalid-keys-in-value-object")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_nested(inner, depth + 1)


def _array(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(element, str) for element in value):
        _refused()
    if len(value) > CATALOG_ARRAY_ELEMENTS or any(len(element) > CATALOG_VALUE_CHARS for element in value):
        raise ValueRefusedError("items-too-large")
    return list(value)


def _geo(value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) != len(_BOUNDS):
        _refused()
    for coordinate, bound in zip(value, _BOUNDS, strict=True):
        if isinstance(coordinate, bool) or not isinstance(coordinate, int | float) or abs(coordinate) > bound:
            _refused()
    return list(value)


_BOUNDS = (180, 90)

TYPES: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "object": _object,
    "array": _array,
    "geo": _geo,
}
"""Type of a catalog field -> what it makes of a value."""
