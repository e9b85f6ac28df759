"""The members of a JSON object and the elements of an array as they are written, without re-encoding (R10)."""

import json
import re

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_SCALAR = re.compile(_TEXT + r"|[^\s,\]}]+")
# What decides where an array or an object ends: brackets, and texts, in which brackets mean nothing.
_BRACKET = re.compile(_TEXT + r"|[\[\]{}]")


def members(text: str) -> list[tuple[str, str]]:
    """Return (key, the value's own text) of each member of a valid JSON object, in order."""
    found = []
    place = _skip(text, text.index("{") + 1)
    while text[place] != "}":
        key, end = _DECODER.raw_decode(text, place)
        place = _skip(text, _skip(text, end) + 1)  # behind the colon
        end = _end_of_value(text, place)
        found.append((key, text[place:end]))
        place = _next(text, end)
    return found


def elements(text: str) -> list[str]:
    """Return the own text of each element of a valid JSON array, in order."""
    found = []
    place = _skip(text, text.index("[") + 1)
    while text[place] != "]":
        end = _end_of_value(text, place)
        found.append(text[place:end])
        place = _next(text, end)
    return found


def _end_of_value(text: str, place: int) -> int:
    """Return where a value ends; brackets are counted, for Python's decoder gives up where orjson does not yet."""
    if text[place] not in "[{":
        match = _SCALAR.match(text, place)
        return match.end() if match else place
    depth = 0
    for match in _BRACKET.finditer(text, place):
        sign = text[match.start()]
        depth += (sign in "[{") - (sign in "]}")
        if not depth:
            return match.end()
    raise ValueError("no valid JSON")


def _next(text: str, end: int) -> int:
    """Return where the next member or element begins, or the closing bracket stands."""
    place = _skip(text, end)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
