"""POST /users/export/ids: read profiles back (Braze docs, "Export user profile by identifier")."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from braze_runner import times
from braze_runner.limits import EXPORT_IDS
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.identity import alias
from braze_runner.sandbox.profiles import Profile, ProfileStore, row_of
from braze_runner.sandbox.rules import EXPORT_DAYS
from braze_runner.sandbox.settings import Settings

_LISTS = ("external_ids", "user_aliases")
_SINGLE = ("device_id", "braze_id", "email_address", "phone")


def export_ids(call: Call) -> Answer:
    """Return the profiles with these identifiers; the ones that name nobody are in ``invalid_user_ids``."""
    body = call.body
    error = _error(body, call.settings)
    if error is not None:
        return Answer(400, {"message": error})
    profiles, unknown = _find(call.store, body)
    wanted = body.get("fields_to_export")
    names = FIELDS.keys() if wanted is None else [name for name in FIELDS if name in wanted]
    users = _users(call.store, profiles, names)
    return Answer(200, {"message": "success", "users": users, "invalid_user_ids": unknown}, len(profiles))


def _error(body: Any, settings: Settings) -> str | None:
    if not isinstance(body, dict):
        return "The body must be a JSON object"
    lists = [name for name in _LISTS if name in body]
    single = [name for name in _SINGLE if name in body]
    if not all(isinstance(body[name], list) for name in lists):
        return "'external_ids' and 'user_aliases' must be arrays"
    if not all(isinstance(value, str) for value in body.get("external_ids", ())):
        return "'external_ids' must hold strings"
    if len(single) + bool(lists) != 1:
        return f"Give {' and/or '.join(_LISTS)}, or one of {', '.join(_SINGLE)}"
    if sum(len(body[name]) for name in lists) > EXPORT_IDS:
        return f"At most {EXPORT_IDS} identifiers can be exported in one request"
    wanted = body.get("fields_to_export")
    if wanted is None and not settings.require_export_fields:
        return None
    return None if isinstance(wanted, list) and wanted else "'fields_to_export' must be an array of names"


def _find(store: ProfileStore, body: dict[str, Any]) -> tuple[list[Profile], list[Any]]:
    for name in _SINGLE:
        if name in body:
            found = _SEARCHES[name](store, str(body[name]))
            return found, [] if found else [body[name]]
    ids = body.get("external_ids", [])
    by_id = store.by_external_id(list(set(ids)))
    aliases = [(given, alias(given)) for given in body.get("user_aliases", ())]
    by_alias = store.by_alias([found for _, found in aliases if found is not None])
    profiles = [by_id[value] for value in ids if value in by_id]
    profiles += [by_alias[found] for _, found in aliases if found in by_alias]
    unknown = [value for value in ids if value not in by_id]
    unknown += [given for given, found in aliases if found not in by_alias]
    return list({profile.id: profile for profile in profiles}.values()), unknown


_SEARCHES: dict[str, Callable[[ProfileStore, str], list[Profile]]] = {
    "device_id": lambda store, value: store.by_device(value),
    "braze_id": lambda store, value: store.by_column("id", [row_of(value)]),
    "email_address": lambda store, value: store.by_column("email", [value]),
    "phone": lambda store, value: store.by_column("phone", [value]),
}


class Related:
    """What hangs on a set of profiles, read with one query each, and only for the fields asked for."""

    def __init__(self, store: ProfileStore, profiles: list[Profile], names: Collection[str]) -> None:
        ids = [profile.id for profile in profiles]
        since = times.text_of(datetime.now(UTC) - timedelta(days=EXPORT_DAYS))
        self.aliases: defaultdict[int, list[Any]] = defaultdict(list)
        self.events: defaultdict[int, list[Any]] = defaultdict(list)
        self.purchases: defaultdict[int, list[Any]] = defaultdict(list)
        self.revenue: dict[int, float] = {}
        if "user_aliases" in names:
            for owner, name, label in store.aliases_of(ids):
                self.aliases[owner].append({"alias_name": name, "alias_label": label})
        if "custom_events" in names:
            for owner, *counted in store.events_of(ids, since):
                self.events[owner].append(dict(zip(_COUNTED, counted, strict=True)))
        if "purchases" in names:
            for owner, *counted in store.purchases_of(ids, since):
                self.purchases[owner].append(dict(zip(_COUNTED, counted, strict=True)))
        if "total_revenue" in names:
            self.revenue = store.revenue_of(ids)


def _users(store: ProfileStore, profiles: list[Profile], names: Collection[str]) -> list[dict[str, Any]]:
    """Return one object per profile, without what is null or empty."""
    related = Related(store, profiles, names)
    getters = [(name, FIELDS[name]) for name in names]
    return [
        {name: value for name, get in getters if (value := get(profile, related)) not in _NOTHING}
        for profile in profiles
    ]


def _created_at(profile: Profile, _related: Related) -> str:
    return profile.created_at.replace("T", " ").replace("Z", " UTC")


def _coordinates(profile: Profile, _related: Related) -> list[float] | None:
    location = profile.fields.get("current_location")
    return [location["longitude"], location["latitude"]] if location else None


def _devices(profile: Profile, _related: Related) -> list[dict[str, Any]]:
    tokens = profile.fields.get("push_tokens", [])
    return [{"device_id": token["device_id"]} for token in tokens if token.get("device_id")]


def _random_bucket(profile: Profile, _related: Related) -> int:
    return zlib.crc32(profile.braze_id.encode()) % 10_000


def _stored(name: str) -> Callable[[Profile, Related], Any]:
    return lambda profile, _related: profile.fields.get(name)


_NOTHING: tuple[Any, ...] = (None, "", [], {})
_COUNTED = ("name", "first", "last", "count")
_PROFILE_FIELDS = (
    "country", "dob", "email_subscribe", "first_name", "gender", "home_city", "language", "last_name",
    "push_subscribe", "push_tokens", "time_zone",
)  # fmt: skip

# The names that `fields_to_export` may hold and that a workspace without SDK and campaigns has values for.
FIELDS: dict[str, Callable[[Profile, Related], Any]] = {
    "external_id": lambda profile, _related: profile.external_id,
    "braze_id": lambda profile, _related: profile.braze_id,
    "user_aliases": lambda profile, related: related.aliases[profile.id],
    "created_at": _created_at,
    "email": lambda profile, _related: profile.email,
    "phone": lambda profile, _related: profile.phone,
    **{name: _stored(name) for name in _PROFILE_FIELDS},
    "last_coordinates": _coordinates,
    "devices": _devices,
    "random_bucket": _random_bucket,
    "custom_attributes": lambda profile, _related: profile.custom_attributes,
    "custom_events": lambda profile, related: related.events[profile.id],
    "purchases": lambda profile, related: related.purchases[profile.id],
    "total_revenue": lambda profile, related: related.revenue.get(profile.id),
}
