"""Data types that a workspace forces on custom attributes (Braze docs, "Managing custom data").

What a boolean is made of is documented; what a number or a string is made of is the sandbox's reading.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from braze_runner import times

NOT_FORCED: Final = object()
"""What ``forced`` gives for a value that the type does not take: Braze ignores it without an error."""

_TRUE, _FALSE = ("1", "true", "t"), ("0", "false", "f")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]+)?")


def forced(kind: str, sent: Any) -> Any:
    """Return what is to be written of a value; null and operators on what is there pass."""
    return sent if sent is None else TYPES[kind](sent)


def number_of(text: str) -> int | float | None:
    """Return the number that a text holds in plain decimal notation, or None."""
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _boolean(sent: Any) -> Any:
    text = str(sent).lower() if isinstance(sent, str | int) else ""
    return True if text in _TRUE else False if text in _FALSE else NOT_FORCED


def _number(sent: Any) -> Any:
    if isinstance(sent, str):
        number = number_of(sent)
        return NOT_FORCED if number is None else number
    is_number = isinstance(sent, int | float) and not isinstance(sent, bool)
    return sent if is_number or (isinstance(sent, dict) and sent.keys() == {"inc"}) else NOT_FORCED


def _string(sent: Any) -> Any:
    if isinstance(sent, bool):
        return str(sent).lower()
    return str(sent) if isinstance(sent, str | int | float) else NOT_FORCED


def _time(sent: Any) -> Any:
    return sent if times.storable(sent) else NOT_FORCED


def _array(sent: Any) -> Any:
    return sent if isinstance(sent, list | dict) else NOT_FORCED


def _object(sent: Any) -> Any:
    return sent if isinstance(sent, dict) else NOT_FORCED


TYPES: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "array": _array,
    "object": _object,
}
"""Type that can be forced -> what it makes of a value."""
