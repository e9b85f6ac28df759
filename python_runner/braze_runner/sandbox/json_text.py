"""JSON of requests and of sync tables: only what the sandbox can write again is read."""

from typing import Any, Final

import orjson

MAX_DEPTH: Final = 200
"""Levels of a body or a payload. Braze names no figure; orjson writes 254, an answer's own among them."""


def read_json(content: bytes) -> Any:
    """Return the value; ValueError for what is no JSON, or is nested deeper than ``MAX_DEPTH``."""
    value = orjson.loads(content)
    # A text is not nested deeper than it has brackets, so most need no look at their values.
    if content.count(b"{") + content.count(b"[") > MAX_DEPTH and _is_too_deep(value):
        raise ValueError(f"Nested deeper than {MAX_DEPTH} levels")
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
