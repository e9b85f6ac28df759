"""POST /subscription/status/set, its second version, and /email/status.

Braze docs, "Update user's subscription group status", "Update email status".
"""

from collections.abc import Callable
from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox.apply import Write, apply_writes
from braze_runner.sandbox.endpoints.checks import is_id, refusal
from braze_runner.sandbox.fields import GROUP_STATES, STATES, is_uuid
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import Identifier, is_e164, is_email, is_phone
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.states import EMAIL_SUBSCRIBE, set_states

NOT_BOTH = "Either an email address or a phone number should be provided, but not both."

_Fields = dict[str, Callable[[Any], bool]]
_FIRST: _Fields = {"external_id": is_id, "email": is_email, "phone": is_phone}
_SECOND: _Fields = {"external_ids": is_id, "emails": is_email, "phones": is_e164}


def set_group(call: Call) -> Answer:
    """Set the state of users and addresses in one group."""
    body = call.body
    error = _error(body, _FIRST)
    if error is not None:
        return refusal(error)
    return _accepted(call, [_update(body, _FIRST)])


def set_groups(call: Call) -> Answer:
    """Set states in several groups; an address may stand for users, but not emails and phones together."""
    groups = call.body.get("subscription_groups") if isinstance(call.body, dict) else None
    if not isinstance(groups, list) or not groups:
        return refusal("'subscription_groups' must be a non-empty array")
    error = next((text for text in (_error(group, _SECOND) for group in groups) if text), None)
    if (
        error is None
        and any("emails" in group for group in groups)
        and any("phones" in group for group in groups)
    ):
        error = NOT_BOTH
    if error is not None:
        return refusal(error, len(groups))
    return _accepted(call, [_update(group, _SECOND) for group in groups])


def set_email_status(call: Call) -> Answer:
    """Set the global state of email addresses, also of those that no profile has."""
    body = call.body if isinstance(call.body, dict) else {}
    emails = _listed(body.get("email"))
    if not 0 < len(emails) <= OBJECTS or not all(map(is_email, emails)):
        return refusal(f"'email' must be 1 to {OBJECTS} email addresses")
    if body.get("subscription_state") not in STATES:
        return refusal("'subscription_state' is not valid")
    return _accepted(call, [{"email": emails, "states": {EMAIL_SUBSCRIBE: body["subscription_state"]}}])


def _accepted(call: Call, updates: list[dict[str, Any]]) -> Answer:
    call.applier.submit("states", updates)
    return Answer(201, {"message": "success"}, len(updates))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _error(group: Any, fields: _Fields) -> str | None:
    if not isinstance(group, dict):
        return "A subscription group must be an object"
    if not is_uuid(group.get("subscription_group_id")):
        return "'subscription_group_id' is not valid"
    if group.get("subscription_state") not in GROUP_STATES:
        return "'subscription_state' is not valid"
    _, email, phone = fields
    if group.get(email) is not None and group.get(phone) is not None:
        return NOT_BOTH
    if not any(_listed(group.get(name)) for name in fields):
        return f"One of {', '.join(fields)} is required"
    for name, is_valid in fields.items():
        values = _listed(group.get(name))
        if len(values) > OBJECTS:
            return f"'{name}' may hold at most {OBJECTS} items"
        if not all(map(is_valid, values)):
            return f"'{name}' is not valid"
    return None


def _update(group: dict[str, Any], fields: _Fields) -> dict[str, Any]:
    """Return the update in one form: lists by kind of identifier, and subject -> state."""
    lists = {kind: _listed(group.get(name)) for kind, name in zip(_FIRST, fields, strict=True)}
    return lists | {"states": {group["subscription_group_id"]: group["subscription_state"]}}


def apply_states(store: ProfileStore, settings: Settings, updates: list[dict[str, Any]]) -> None:
    """Set states on users that exist, and on addresses whether or not a user has them."""
    for update in updates:
        states = update["states"]
        groups = [
            {"subscription_group_id": subject, "subscription_state": state}
            for subject, state in states.items()
        ]
        writes = [
            Write("attributes", Identifier("external_id", value), False, {"subscription_groups": groups})
            for value in update.get("external_id", ())
        ]
        if writes:
            apply_writes(store, settings, writes)
        for kind in ("email", "phone"):
            if update.get(kind):
                set_states(store, kind, update[kind], states)
