"""POST /users/track/sync, a limited beta: one object, applied before the answer, which tells what it touched.

Braze docs, "Track users (synchronous)".
"""

from collections.abc import Iterable
from typing import Any

from braze_runner.sandbox.apply import Write, apply_writes, attribute_name
from braze_runner.sandbox.endpoints.checks import refusal
from braze_runner.sandbox.endpoints.track import KINDS, NOTHING_VALID, TOO_LONG, arrays_of, checked
from braze_runner.sandbox.fields import CONTROL, FIELDS
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import Identifier
from braze_runner.sandbox.profiles import Profile
from braze_runner.sandbox.session import Session


def track_sync(call: Call) -> Answer:
    """Apply one object at once; ``users`` is empty where it concerns nobody."""
    arrays = arrays_of(call.body) or {}
    objects = [(kind, item) for kind in KINDS for item in arrays.get(kind, ())]
    if not objects:
        return refusal(NOTHING_VALID)
    if len(objects) > 1:
        return refusal(TOO_LONG, len(objects))
    kind, item = objects[0]
    write = checked(kind, item, call.settings)
    if not isinstance(write, Write):
        errors = [{"type": text, "input_array": kind, "index": 0} for text in write]
        return Answer(400, {"message": NOTHING_VALID, "errors": errors}, 1, 1)
    apply_writes(call.store, call.settings, [write])
    profile = Session(call.store, [write.identifier], "").find(write.identifier)
    users = [] if profile is None else [_named(write.identifier) | _touched(call, profile, write)]
    return Answer(201, {"users": users, "message": "success"}, 1)


def _named(identifier: Identifier) -> dict[str, Any]:
    if identifier.kind == "user_alias":
        return {"user_alias": {"alias_name": identifier.value, "alias_label": identifier.label}}
    return {identifier.kind: identifier.value}


def _touched(call: Call, profile: Profile, write: Write) -> dict[str, Any]:
    """Return what the object was about, as the profile now holds it."""
    if write.kind == "events":
        found = call.store.events_of([profile.id], "")
        return {"custom_events": _counted(found, "name", write.item["name"])}
    if write.kind == "purchases":
        found = call.store.purchases_of([profile.id], "")
        return {"purchase_events": _counted(found, "product_id", write.item["product_id"])}
    sent = (attribute_name(name, call.settings) for name in write.item if name not in CONTROL | FIELDS.keys())
    return {"custom_attributes": {name: profile.custom_attributes.get(name) for name in sent if name}}


def _counted(rows: Iterable[tuple[int, str, str, str, int]], name: str, wanted: str) -> list[dict[str, Any]]:
    return [
        {name: found, "first": first, "last": last, "count": count}
        for _, found, first, last, count in rows
        if found == wanted
    ]
