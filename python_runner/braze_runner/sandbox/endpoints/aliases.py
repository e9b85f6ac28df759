"""POST /users/alias/new and /users/alias/update (Braze docs, "Create new user aliases", "Update user aliases")."""

from datetime import UTC, datetime
from typing import Any

from braze_runner import times
from braze_runner.limits import OBJECTS
from braze_runner.sandbox import people
from braze_runner.sandbox.endpoints.checks import BAD_ALIAS, is_id, list_error, refusal
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import alias
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings


def new_aliases(call: Call) -> Answer:
    """Queue new aliases; one that exists already counts as processed."""
    return _processed(call, "user_aliases", _new_error, "aliases")


def update_aliases(call: Call) -> Answer:
    """Queue new names of aliases; one that does not exist counts as processed."""
    return _processed(call, "alias_updates", _update_error, "alias_updates")


def _processed(call: Call, name: str, item_error: Any, kind: str) -> Answer:
    error = list_error(call.body, name, OBJECTS)
    if error is not None:
        return refusal(error)
    items = call.body[name]
    texts = [item_error(item) for item in items]
    errors = [
        {"type": text, "input_array": "user_identifiers", "index": index}
        for index, text in enumerate(texts)
        if text
    ]
    valid = [item for item, text in zip(items, texts, strict=True) if not text]
    if valid:
        call.applier.submit(kind, valid)
    body = {"aliases_processed": len(valid), "message": "success"}
    return Answer(201, body | ({"errors": errors} if errors else {}), len(items), len(errors))


def _new_error(item: Any) -> str | None:
    if alias(item) is None:
        return BAD_ALIAS
    return (
        None
        if item.get("external_id") is None or is_id(item["external_id"])
        else "'external_id' is not valid"
    )


def _update_error(item: Any) -> str | None:
    if not isinstance(item, dict):
        return BAD_ALIAS
    names = (
        {"alias_label": item.get("alias_label"), "alias_name": item.get(f"{age}_alias_name")} for age in _AGES
    )
    return None if all(map(alias, names)) else BAD_ALIAS


_AGES = ("old", "new")


def apply_aliases(store: ProfileStore, _settings: Settings, items: list[dict[str, Any]]) -> None:
    """Add aliases to known users, and make users for those without an external_id; what exists stays."""
    now = times.text_of(datetime.now(UTC))
    for item in items:
        owned = alias(item)
        if owned is None or store.by_alias([owned]):
            continue
        if item.get("external_id") is None:
            people.create(store, now, owned)
            continue
        profile = people.find(store, {"external_id": item["external_id"]})
        if profile is not None:
            people.add_alias(store, owned, profile)


def apply_alias_updates(store: ProfileStore, _settings: Settings, items: list[dict[str, Any]]) -> None:
    """Rename aliases; nothing happens to a name that is unknown, or where the new one is taken."""
    store.connection.executemany(
        "update or ignore user_aliases set alias_name = :new_alias_name"
        " where alias_label = :alias_label and alias_name = :old_alias_name",
        items,
    )
