"""The members of a JSON object and the elements of an array as they are written, without re-encoding (R10)."""

import json
import re

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def members(text: str) -> list[tuple[str, str]]:
    """Return (key, the value's own text) of each member of a valid JSON object, in order."""
    found = []
    place = _skip(text, text.index("{") + 1)
    while text[place] != "}":
        key, end = _DECODER.raw_decode(text, place)
        place = _skip(text, _skip(text, end) + 1)  # behind the colon
        _, end = _DECODER.raw_decode(text, place)
        found.append((key, text[place:end]))
        place = _next(text, end)
    return found


def elements(text: str) -> list[str]:
    """Return the own text of each element of a valid JSON array, in order."""
    found = []
    place = _skip(text, text.index("[") + 1)
    while text[place] != "]":
        _, end = _DECODER.raw_decode(text, place)
        found.append(text[place:end])
        place = _next(text, end)
    return found


def _next(text: str, end: int) -> int:
    """Return where the next member or element begins, or the closing bracket stands."""
    place = _skip(text, end)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
