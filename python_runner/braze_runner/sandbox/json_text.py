"""JSON of requests and of sync tables: only what the sandbox can write again is read."""

from typing import Any, Final

import orjson

MAX_DEPTH: Final = 200
"""Levels of a body or a payload. Braze names no figure; orjson writes 254, an answer's own among them."""


def read_json(content: bytes) -> Any:
    """Return the value; ValueError for what is no JSON, or is nested deeper than ``MAX_DEPTH``."""
    value = orjson.loads(content)
    # A text is not nested deeper than it has brackets, so most need no look at their values.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH and not _is_within(value, MAX_DEPTH):
        raise ValueError(f"Nested deeper than {MAX_DEPTH} levels")
    return value


def _is_within(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_within(item, levels - 1) for item in inner)
