"""POST /users/track, the half that answers: which objects are valid, and what the sender is told.

Braze docs, "Track users", "User attributes object", "Event object", "Purchase object". Where they give no
text for an error, it is the sandbox's own.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from braze_runner import times
from braze_runner.limits import BULK_OBJECTS, BULK_OBJECTS_OF_USER, PURCHASE_QUANTITY, TRACK_OBJECTS
from braze_runner.sandbox import fields
from braze_runner.sandbox.apply import Write
from braze_runner.sandbox.endpoints.checks import refusal
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import Identifier, identify
from braze_runner.sandbox.rules import (
    EVENT_PROPERTIES_BYTES,
    NAME_CHARS,
    PURCHASE_PROPERTIES_BYTES,
)
from braze_runner.sandbox.settings import Settings

KINDS = ("attributes", "events", "purchases")
NOTHING_VALID = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
TOO_LONG = "Max Input Length Exceeded"
BAD_PROPERTIES = "Invalid 'properties' field"
BAD_TIME = "'time' is not valid"
BLOCKED = "provided external_id is blacklisted and disallowed"
_CURRENCY = re.compile("[A-Z]{3}")


def track(call: Call) -> Answer:
    """Validate a request object by object, queue what is valid, and answer as Braze does."""
    arrays = arrays_of(call.body)
    if arrays is None:
        return refusal(NOTHING_VALID)
    sizes = [len(items) for items in arrays.values()]
    counted = sum(sizes) if call.settings.track_limit == "total" else max(sizes, default=0)
    if counted > TRACK_OBJECTS:
        return refusal(TOO_LONG, sum(sizes))
    return _tracked(call, arrays)


def track_bulk(call: Call) -> Answer:
    """Do the same for more objects; no user may have too many of them (Braze docs, "Track users (bulk)")."""
    arrays = arrays_of(call.body)
    if arrays is None:
        return refusal(NOTHING_VALID)
    objects = sum(map(len, arrays.values()))
    users = Counter(
        found
        for items in arrays.values()
        for item in items
        if isinstance(item, dict) and isinstance(found := identify(item), Identifier)
    )
    if objects > BULK_OBJECTS or max(users.values(), default=0) > BULK_OBJECTS_OF_USER:
        return refusal(TOO_LONG, objects)
    return _tracked(call, arrays)


def arrays_of(body: Any) -> dict[str, list[Any]] | None:
    """Return the arrays of a body by name, or None for a body without any."""
    if not isinstance(body, dict) or not all(isinstance(body.get(kind, []), list) for kind in KINDS):
        return None
    return {kind: body[kind] for kind in KINDS if kind in body}


def _tracked(call: Call, arrays: dict[str, list[Any]]) -> Answer:
    objects = sum(map(len, arrays.values()))
    writes: list[Write] = []
    errors: list[dict[str, Any]] = []
    for kind, items in arrays.items():
        for index, item in enumerate(items):
            write = checked(kind, item, call.settings)
            if isinstance(write, Write):
                writes.append(write)
            else:
                errors += [{"type": text, "input_array": kind, "index": index} for text in write]
    listed, rejected = {"errors": errors} if errors else {}, objects - len(writes)
    if not writes:
        return Answer(400, {"message": NOTHING_VALID, **listed}, objects, rejected)
    call.applier.submit("writes", writes)
    return Answer(201, {"message": "success", **_processed(writes), **listed}, objects, rejected)


def _processed(writes: list[Write]) -> dict[str, int]:
    counts = {
        "attributes_processed": len({write.identifier for write in writes if write.kind == "attributes"}),
        "events_processed": sum(write.kind == "events" for write in writes),
        "purchases_processed": sum(write.kind == "purchases" for write in writes),
    }
    return {name: count for name, count in counts.items() if count}


def checked(kind: str, item: Any, settings: Settings) -> Write | list[str]:
    """Return the write that an object of this kind is, or the texts of the errors that reject it."""
    if not isinstance(item, dict):
        return [f"'{kind}' must hold objects"]
    identifier = _identified(kind, item)
    if isinstance(identifier, str):
        return [identifier]
    if identifier.kind == "external_id" and identifier.value in settings.blocked_external_ids:
        return [BLOCKED]
    errors = _ERRORS[kind](item)
    if not errors and kind == "attributes" and settings.app_ids:
        errors = _app_errors(item.get("push_tokens", []), settings)
    return errors or Write(kind, identifier, _may_create(kind, identifier, item, settings), item)


def _app_errors(tokens: list[dict[str, Any]], settings: Settings) -> list[str]:
    known = all(str(token.get("app_id")) in settings.app_ids for token in tokens)
    return [] if known else ["BAD_PUSH_TOKEN_APP_ID"]


def _identified(kind: str, item: dict[str, Any]) -> Identifier | str:
    """Return the identifier; only an import of push tokens may go without one, and not with a known user."""
    if kind != "attributes" or item.get("push_token_import") is not True:
        return identify(item)
    errors = fields.errors_of(item)
    if errors or "external_id" in item or "braze_id" in item:
        return errors[0] if errors else "BAD_PUSH_TOKEN_IMPORT"
    found = identify(item)
    return Identifier("push_token", item["push_tokens"][0]["token"]) if isinstance(found, str) else found


def _may_create(kind: str, identifier: Identifier, item: dict[str, Any], settings: Settings) -> bool:
    """Apply ``_update_existing_only``: off by default, but on for aliases; a braze_id never creates."""
    flag = item.get("_update_existing_only")
    if identifier.kind == "user_alias":
        return flag is False and (kind == "attributes" or settings.alias_events == "create")
    return identifier.kind != "braze_id" and flag is not True


def _event_errors(item: dict[str, Any]) -> list[str]:
    name = item.get("name")
    errors = [] if isinstance(name, str) and name else ["'name' is required"]
    return errors + _common_errors(item, _RESERVED_IN_EVENTS, EVENT_PROPERTIES_BYTES)


def _purchase_errors(item: dict[str, Any]) -> list[str]:
    product, currency, price = item.get("product_id"), item.get("currency"), item.get("price")
    quantity = item.get("quantity", 1)
    errors = []
    if not isinstance(product, str) or not 0 < len(product) <= NAME_CHARS:
        errors.append("'product_id' is required")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        errors.append("'currency' is not valid")
    if isinstance(price, bool) or not isinstance(price, int | float):
        errors.append("'price' is not valid")
    if type(quantity) is not int or not 1 <= quantity <= PURCHASE_QUANTITY:
        errors.append("'quantity' is not valid")
    return errors + _common_errors(item, _RESERVED_IN_PURCHASES, PURCHASE_PROPERTIES_BYTES)


def _common_errors(item: dict[str, Any], reserved: frozenset[str], max_bytes: int) -> list[str]:
    """Return what is wrong with the time and the properties."""
    errors = [BAD_TIME] if times.parse_iso(item.get("time")) is None else []
    properties = item.get("properties")
    if properties is not None and not _are_properties(properties, reserved, max_bytes):
        errors.append(BAD_PROPERTIES)
    return errors


def _are_properties(value: Any, reserved: frozenset[str], max_bytes: int) -> bool:
    if not isinstance(value, dict) or value.keys() & reserved:
        return False
    if any(not name or len(name) > NAME_CHARS or name.startswith("$") for name in value):
        return False
    return len(orjson.dumps(value)) <= max_bytes


_RESERVED_IN_EVENTS = frozenset({"time", "event_name"})
_RESERVED_IN_PURCHASES = _RESERVED_IN_EVENTS | {"product_id", "quantity", "price", "currency"}
_ERRORS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "attributes": fields.errors_of,
    "events": _event_errors,
    "purchases": _purchase_errors,
}
