"""Pages of a list: an opaque cursor, and the ``Link`` header that holds it."""

import base64
from collections.abc import Mapping

from braze_runner.sandbox.values import MAX_INTEGER

_PREFIX = "after:"


def offset_of(cursor: str | None) -> int | None:
    """Return the position that a cursor stands for, 0 without one, None for one that is none."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        position = int(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else -1
    except ValueError:
        return None
    return position if 0 <= position < MAX_INTEGER else None


def link_header(url: str, positions: Mapping[str, int]) -> dict[str, str]:
    """Return the ``Link`` header for rel -> position; nothing if there is nowhere to go."""
    told = ", ".join(f'<{url}?cursor={_cursor(at)}>; rel="{rel}"' for rel, at in positions.items())
    return {"link": told} if told else {}


def links(url: str, offset: int, size: int, *, more: bool) -> dict[str, str]:
    """Return the header of one page of a list that is paged by offset."""
    positions = {"prev": max(0, offset - size)} if offset else {}
    return link_header(url, positions | ({"next": offset + size} if more else {}))


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"{_PREFIX}{position}".encode()).decode().rstrip("=")
