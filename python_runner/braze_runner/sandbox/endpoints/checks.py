"""What several endpoints check in the same way."""

from typing import Any, TypeGuard

from braze_runner.limits import EXTERNAL_ID_BYTES
from braze_runner.sandbox.http import Answer
from braze_runner.sandbox.identity import alias, is_email, is_phone

BAD_ALIAS = "'alias_name' and 'alias_label' must be non-empty strings"
_EXCLUSIVE = {"identified", "unidentified"}
DELETE_PRIORITIES: frozenset[str] = frozenset({"identified", "unidentified", "most_recently_updated"})
MERGE_PRIORITIES: frozenset[str] = DELETE_PRIORITIES | {"least_recently_updated"}


def refusal(text: str, objects: int = 0) -> Answer:
    """Return the answer to a body that can't be served at all."""
    return Answer(400, {"message": text}, objects)


def list_error(body: Any, name: str, limit: int) -> str | None:
    """Return what is wrong with the list of a body, or None; its items are looked at apart."""
    items = body.get(name) if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        return f"'{name}' must be a non-empty array"
    return f"'{name}' may hold at most {limit} items" if len(items) > limit else None


def is_id(value: Any) -> TypeGuard[str]:
    """Say whether a value can be an external_id or a braze_id."""
    return isinstance(value, str) and 0 < len(value.encode()) <= EXTERNAL_ID_BYTES


def is_prioritization(value: Any, known: frozenset[str]) -> bool:
    """Say whether a value is an ordered list of priorities, without both of those that exclude each other."""
    return (
        isinstance(value, list)
        and all(isinstance(priority, str) and priority in known for priority in value)
        and not set(value) >= _EXCLUSIVE
    )


def address_error(item: Any, kind: str, priorities: frozenset[str]) -> str | None:
    """Return what is wrong with ``{"email" or "phone", "prioritization"}``, or None."""
    check = {"email": is_email, "phone": is_phone}[kind]
    if not isinstance(item, dict) or not check(item.get(kind)):
        return f"'{kind}' is not valid"
    if not is_prioritization(item.get("prioritization"), priorities):
        return "'prioritization' is not valid"
    return None


def address_of(item: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return what names somebody in a valid item, without what else it may hold."""
    return {kind: item[kind], "prioritization": item["prioritization"]}


def alias_error(item: Any) -> str | None:
    """Return what is wrong with ``{"alias_name", "alias_label"}``, or None."""
    return BAD_ALIAS if alias(item) is None else None
