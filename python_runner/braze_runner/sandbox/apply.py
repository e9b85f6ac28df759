"""What accepted objects of /users/track do to profiles: one function per kind of object."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from braze_runner import times
from braze_runner.sandbox.fields import CONTROL, FIELDS
from braze_runner.sandbox.identity import Identifier, Kind
from braze_runner.sandbox.profiles import Event, Profile, ProfileStore, Purchase
from braze_runner.sandbox.rules import NAME_CHARS, PROPERTIES
from braze_runner.sandbox.session import Session
from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.types import NOT_FORCED, forced
from braze_runner.sandbox.values import Mode, new_value

_NOT_CUSTOM = CONTROL | FIELDS.keys()
_ADDRESSES = ("email", "phone")
_WRITTEN_APART = CONTROL | set(_ADDRESSES)


class Write(NamedTuple):
    """One valid object: the profile it is about, whether it may create it, and its content."""

    kind: str
    identifier: Identifier
    create: bool
    item: dict[str, Any]


def write_of(values: list[Any]) -> Write:
    """Read a write that was kept as JSON."""
    kind, identifier, create, item = values
    return Write(kind, Identifier(*identifier), create, item)


def apply_writes(store: ProfileStore, settings: Settings, writes: list[Write]) -> None:
    """Apply objects in order; one that finds no profile and may not create it is dropped silently."""
    now = times.text_of(datetime.now(UTC))
    session = Session(store, (write.identifier for write in writes), now)
    for kind, identifier, create, item in writes:
        profile = session.find(identifier)
        if profile is None:
            if not create:
                continue
            profile = session.create(identifier)
        APPLIERS[kind](session, profile, item, settings)
        if not profile.revision:
            session.inherit(profile)
        session.touch(profile)
    session.write()


def _apply_attributes(session: Session, profile: Profile, item: dict[str, Any], settings: Settings) -> None:
    custom = profile.custom_attributes
    mode = Mode(item.get("_merge_objects") in (True, "true"), settings)
    types = settings.attribute_types
    for address in _ADDRESSES:  # first, since a subscription state in the same object goes by them
        if address in item:
            setattr(profile, address, FIELDS[address](getattr(profile, address), item[address]))
    for name, value in item.items():
        if name in _NOT_CUSTOM:
            if name not in _WRITTEN_APART:
                _set_field(session, profile, name, value)
            continue
        key = attribute_name(name, settings)
        sent = forced(types[key], value) if key in types else value
        if sent is NOT_FORCED:
            continue
        new = new_value(custom.get(key), sent, mode) if key else None
        if new is not None:
            custom[key] = new
        elif key:
            custom.pop(key, None)


def attribute_name(name: str, settings: Settings) -> str:
    """Strip the name; an empty one is no attribute, and one that is too long follows ``long_strings``."""
    key = name.strip()
    if len(key) <= NAME_CHARS or settings.long_strings == "keep":
        return key
    return key[:NAME_CHARS] if settings.long_strings == "truncate" else ""


def _set_field(session: Session, profile: Profile, name: str, sent: Any) -> None:
    new = FIELDS[name](profile.fields.get(name), sent)
    if new is None:
        profile.fields.pop(name, None)
    else:
        profile.fields[name] = new
    for kind in _SHARED_STATES.get(name, ()):
        address = getattr(profile, kind)
        if address is not None:
            _share_field(session, profile, name, sent, session.sharing(kind, address))


def _share_field(session: Session, profile: Profile, name: str, sent: Any, others: Iterable[Profile]) -> None:
    for other in others:
        if other is not profile:
            other.fields[name] = FIELDS[name](other.fields.get(name), sent)
            session.touch(other)


# Subscription states belong to the address: every other profile with the same one changes too (documented).
_SHARED_STATES: dict[str, tuple[Kind, ...]] = {
    "email_subscribe": ("email",),
    "subscription_groups": ("email", "phone"),
}


def _apply_event(session: Session, profile: Profile, item: dict[str, Any], _settings: Settings) -> None:
    session.events.append(
        Event(profile.id, item["name"], _time(item), _app_id(item), _properties(item)),
    )


def _apply_purchase(session: Session, profile: Profile, item: dict[str, Any], _settings: Settings) -> None:
    """Store a quantity of X as X purchases of 1."""
    purchase = Purchase(
        profile.id,
        item["product_id"],
        _time(item),
        item["currency"],
        float(item["price"]),
        _app_id(item),
        _properties(item, objects_as_text=True),
    )
    session.purchases.extend([purchase] * item.get("quantity", 1))


def _time(item: dict[str, Any]) -> str:
    """Return the time of a valid event or purchase; one in the future becomes now."""
    moment, now = times.parse_iso(item["time"]), datetime.now(UTC)
    return times.text_of(min(moment, now) if moment else now)


def _app_id(item: dict[str, Any]) -> str | None:
    value = item.get("app_id")
    return value if isinstance(value, str) else None


def _properties(item: dict[str, Any], *, objects_as_text: bool = False) -> str:
    """Return the properties to store, as JSON: at most 256 distinct ones are kept.

    Objects in the properties of a purchase are stored as texts (Braze docs, "Purchase object").
    """
    kept = dict(list((item.get("properties") or {}).items())[:PROPERTIES])
    if objects_as_text:
        kept = {
            name: orjson.dumps(value).decode() if isinstance(value, dict) else value
            for name, value in kept.items()
        }
    return orjson.dumps(kept).decode()


APPLIERS: dict[str, Callable[[Session, Profile, dict[str, Any], Settings], None]] = {
    "attributes": _apply_attributes,
    "events": _apply_event,
    "purchases": _apply_purchase,
}
