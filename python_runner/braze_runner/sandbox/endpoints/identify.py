"""POST /users/identify (Braze docs, "Identify users")."""

from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox import people
from braze_runner.sandbox.endpoints.checks import (
    MERGE_PRIORITIES,
    address_error,
    address_of,
    alias_error,
    is_id,
    refusal,
)
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import Profile, ProfileStore
from braze_runner.sandbox.settings import Settings

_ADDRESSES = {"emails_to_identify": "email", "phone_numbers_to_identify": "phone"}
_LISTS = ("aliases_to_identify", "emails_to_identify", "phone_numbers_to_identify")


def identify_users(call: Call) -> Answer:
    """Queue what gives alias-only, email-only and phone-only users an external_id."""
    named = [name for name in _LISTS if isinstance(call.body, dict) and name in call.body]
    if not named or not all(isinstance(call.body[name], list) for name in named):
        return refusal(f"At least one of {', '.join(_LISTS)} must be given, as an array")
    items = [(name, index, item) for name in named for index, item in enumerate(call.body[name])]
    if not 0 < len(items) <= OBJECTS:
        return refusal(f"Between 1 and {OBJECTS} users can be identified in one request", len(items))
    errors = [
        {"type": text, "input_array": name, "index": index}
        for name, index, item in items
        if (text := _error(name, item))
    ]
    valid = [
        {"external_id": item["external_id"], "user": _user(name, item)}
        for name, _, item in items
        if not _error(name, item)
    ]
    if valid:
        call.applier.submit("identifies", valid)
    body = {"aliases_processed": len(valid), "message": "success"}
    return Answer(201, body | ({"errors": errors} if errors else {}), len(items), len(errors))


def _user(name: str, item: dict[str, Any]) -> dict[str, Any]:
    if name == "aliases_to_identify":
        return {"user_alias": item["user_alias"]}
    return address_of(item, _ADDRESSES[name])


def _error(name: str, item: Any) -> str | None:
    if not isinstance(item, dict) or not is_id(item.get("external_id")):
        return "'external_id' is required"
    if name == "aliases_to_identify":
        return alias_error(item.get("user_alias"))
    return address_error(item, _ADDRESSES[name], MERGE_PRIORITIES)


def apply_identifies(store: ProfileStore, _settings: Settings, items: list[dict[str, Any]]) -> None:
    """Give each user its external_id, or merge it into the one that has it; who has one already stays."""
    for item in items:
        known = people.find(store, {"external_id": item["external_id"]})
        source = people.find(store, item["user"])
        if source is None or source.external_id is not None:
            continue
        if known is None:
            source.external_id = item["external_id"]
            source.revision = store.next_revision()
            store.write([], [source])
        elif not _same_label(store, source, known):
            people.absorb(store, source, known)


def _same_label(store: ProfileStore, source: Profile, known: Profile) -> bool:
    return not people.labels_of(store, source).isdisjoint(people.labels_of(store, known))
