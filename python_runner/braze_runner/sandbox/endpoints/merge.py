"""POST /users/merge (Braze docs, "Merge users"), whose texts of a 400 are documented."""

from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox import people
from braze_runner.sandbox.endpoints.checks import MERGE_PRIORITIES, is_id, is_prioritization, refusal
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import alias
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings

NO_ARRAY = "'merge_updates' must be an array of objects"
TOO_MANY = f"a single request may not contain more than {OBJECTS} merge updates"
BAD_IDENTIFIER = (
    "'identifier_to_merge' and 'identifier_to_keep' must be objects with one of 'external_id', 'user_alias', 'email'"
    " or 'phone'"
)
OTHER_KEYS = "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'"

_KEYS = ("identifier_to_merge", "identifier_to_keep")
_KINDS = frozenset({"external_id", "user_alias", "email", "phone"})


def merge_users(call: Call) -> Answer:
    """Queue merges; 202 says that they were taken, not that they find anybody."""
    updates = call.body.get("merge_updates") if isinstance(call.body, dict) else None
    if not isinstance(updates, list) or not updates or not all(isinstance(item, dict) for item in updates):
        return refusal(NO_ARRAY)
    if len(updates) > OBJECTS:
        return refusal(TOO_MANY, len(updates))
    for item in updates:
        if not all(_is_identifier(item.get(key)) for key in _KEYS):
            return refusal(BAD_IDENTIFIER, len(updates))
        if item.keys() != set(_KEYS):
            return refusal(OTHER_KEYS, len(updates))
    call.applier.submit("merges", updates)
    return Answer(202, {"message": "success"}, len(updates))


def _is_identifier(value: Any) -> bool:
    if (
        not isinstance(value, dict)
        or len(value.keys() & _KINDS) != 1
        or value.keys() - _KINDS - {"prioritization"}
    ):
        return False
    if not is_prioritization(value.get("prioritization", []), MERGE_PRIORITIES):
        return False
    if "user_alias" in value:
        return alias(value["user_alias"]) is not None
    return all(is_id(value[kind]) for kind in value.keys() & _KINDS)


def apply_merges(store: ProfileStore, _settings: Settings, updates: list[dict[str, Any]]) -> None:
    """Merge pairs of users; a pair of which one is unknown, or both are one, is passed over."""
    for update in updates:
        source, target = (people.find(store, update[key]) for key in _KEYS)
        if source is not None and target is not None and source.id != target.id:
            people.absorb(store, source, target)
