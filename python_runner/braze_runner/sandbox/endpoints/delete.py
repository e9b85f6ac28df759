"""POST /users/delete (Braze docs, "Delete users")."""

from collections.abc import Callable
from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox import people
from braze_runner.sandbox.endpoints.checks import (
    DELETE_PRIORITIES,
    address_error,
    address_of,
    alias_error,
    is_id,
    list_error,
    refusal,
)
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings


def _id_error(item: Any) -> str | None:
    return None if is_id(item) else "identifiers must be non-empty strings"


# Field of the body -> the kind of identifier its items are, and what is wrong with an item.
_KINDS: dict[str, tuple[str, Callable[[Any], str | None]]] = {
    "external_ids": ("external_id", _id_error),
    "user_aliases": ("user_alias", alias_error),
    "braze_ids": ("braze_id", _id_error),
    "email_addresses": ("email", lambda item: address_error(item, "email", DELETE_PRIORITIES)),
    "phone_numbers": ("phone", lambda item: address_error(item, "phone", DELETE_PRIORITIES)),
}


def delete_users(call: Call) -> Answer:
    """Queue the users for deletion; ``deleted`` counts them whether they exist or not."""
    named = [name for name in _KINDS if isinstance(call.body, dict) and name in call.body]
    if not named or (len(named) > 1 and call.settings.mixed_deletes == "refuse"):
        return refusal(f"Exactly one of {', '.join(_KINDS)} must be given")
    identifiers: list[dict[str, Any]] = []
    for name in named:
        kind, item_error = _KINDS[name]
        error = list_error(call.body, name, OBJECTS)
        if error is None:
            error = next((text for text in map(item_error, call.body[name]) if text), None)
        if error is not None:
            return refusal(f"{name}: {error}")
        identifiers += [_identifier(kind, item) for item in call.body[name]]
    if len(identifiers) > OBJECTS:
        return refusal(f"At most {OBJECTS} users can be deleted in one request", len(identifiers))
    call.applier.submit("deletes", identifiers)
    return Answer(201, {"deleted": len(identifiers), "message": "success"}, len(identifiers))


def _identifier(kind: str, item: Any) -> dict[str, Any]:
    return address_of(item, kind) if kind in ("email", "phone") else {kind: item}


def apply_deletes(store: ProfileStore, _settings: Settings, identifiers: list[dict[str, Any]]) -> None:
    """Delete whom each identifier means; nobody where it means nobody, or several users."""
    for identifier in identifiers:
        profile = people.find(store, identifier)
        if profile is not None:
            people.delete(store, profile)
