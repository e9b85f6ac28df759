"""The members of a JSON object and the elements of an array as they are written, without re-encoding (R10).

Values are passed over by their brackets and not parsed, however deep they are: Python's parser ends at the limit of
its stack, which is below what a payload may hold.
"""

import re
from typing import cast

import orjson

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_SCALAR = re.compile(rf"{_STRING}|[^ \t\n\r,\]}}]+")
_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]")
_DEEPER = {"{": 1, "[": 1, "}": -1, "]": -1}


def members(text: str) -> list[tuple[str, str]]:
    """Return (key, the value's own text) of each member of a valid JSON object, in order."""
    found = []
    place = _skip(text, text.index("{") + 1)
    while text[place] != "}":
        end = _end(text, place)
        key = cast("str", orjson.loads(text[place:end]))
        place = _skip(text, _skip(text, end) + 1)  # behind the colon
        end = _end(text, place)
        found.append((key, text[place:end]))
        place = _next(text, end)
    return found


def elements(text: str) -> list[str]:
    """Return the own text of each element of a valid JSON array, in order."""
    found = []
    place = _skip(text, text.index("[") + 1)
    while text[place] != "]":
        end = _end(text, place)
        found.append(text[place:end])
        place = _next(text, end)
    return found


def _end(text: str, place: int) -> int:
    """Return the place behind the value that begins at a place."""
    if text[place] not in "{[":
        scalar = _SCALAR.match(text, place)
        if scalar is not None:
            return scalar.end()
    depth = 0
    for token in _BRACKET.finditer(text, place):
        depth += _DEEPER.get(token[0], 0)
        if not depth:
            return token.end()
    raise ValueError("the text is no valid JSON")


def _next(text: str, end: int) -> int:
    """Return where the next member or element begins, or the closing bracket stands."""
    place = _skip(text, end)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
