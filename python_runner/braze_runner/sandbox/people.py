"""Which profiles the rarer endpoints mean, and what deleting, aliasing, identifying and merging do to them.

An item's identifier is a JSON object: ``external_id``, ``user_alias``, ``braze_id``, or ``email`` or ``phone`` with
a ``prioritization``. Every function runs within one transaction of the store.
"""

from collections.abc import Callable, Sequence
from typing import Any

from braze_runner import times
from braze_runner.sandbox.identity import Identifier, alias
from braze_runner.sandbox.profiles import Profile, ProfileStore, row_of

_CHILDREN = ("custom_events", "purchases", "user_aliases", "deprecated_external_ids")

# What a merge fills in where the profile that is kept has nothing (POST /users/identify lists them).
_FILLED = (
    "first_name", "last_name", "gender", "dob", "time_zone", "home_city", "country", "language",
)  # fmt: skip


def find(store: ProfileStore, identifier: dict[str, Any]) -> Profile | None:
    """Return the profile that an identifier means, or None: nobody, or several that nothing tells apart."""
    for kind in ("email", "phone"):
        if kind in identifier:
            sharing = store.by_column(kind, [identifier[kind]])
            return choose(sharing, identifier.get("prioritization") or [])
    if "external_id" in identifier:
        return store.by_external_id([identifier["external_id"]]).get(identifier["external_id"])
    if "braze_id" in identifier:
        return next(iter(store.by_column("id", [row_of(identifier["braze_id"])])), None)
    found = alias(identifier.get("user_alias"))
    return None if found is None else store.by_alias([found]).get(found)


def choose(profiles: list[Profile], prioritization: Sequence[str]) -> Profile | None:
    """Narrow profiles of one address down by each priority in turn; None unless one is left."""
    for priority in prioritization:
        profiles = _PRIORITIES[priority](profiles)
    return profiles[0] if len(profiles) == 1 else None


def _revision(profile: Profile) -> int:
    return profile.revision


_PRIORITIES: dict[str, Callable[[list[Profile]], list[Profile]]] = {
    "identified": lambda found: [profile for profile in found if profile.external_id is not None],
    "unidentified": lambda found: [profile for profile in found if profile.external_id is None],
    "most_recently_updated": lambda found: [max(found, key=_revision)] if found else [],
    "least_recently_updated": lambda found: [min(found, key=_revision)] if found else [],
}


def delete(store: ProfileStore, profile: Profile) -> None:
    """Remove a profile with everything that hangs on it."""
    for table in _CHILDREN:
        store.connection.execute(f"delete from {table} where profile_id = ?", (profile.id,))  # noqa: S608 (own names)
    store.connection.execute("delete from profiles where id = ?", (profile.id,))


def create(store: ProfileStore, now: str, owned: Identifier) -> None:
    """Make a profile that has this alias and nothing else."""
    profile = Profile(store.next_id(), None, None, None, {}, {}, now, store.next_revision())
    store.write([profile], [])
    store.add_aliases([(owned.label, owned.value, profile.id)])


def add_alias(store: ProfileStore, owned: Identifier, profile: Profile) -> None:
    """Give a profile an alias, unless somebody has it or the profile has another one of that label."""
    store.connection.execute(
        "insert or ignore into user_aliases values (?, ?, ?)", (owned.label, owned.value, profile.id)
    )


def labels_of(store: ProfileStore, profile: Profile) -> set[str]:
    """Return the labels that a profile has an alias under."""
    return {label for _, _, label in store.aliases_of([profile.id])}


def absorb(store: ProfileStore, source: Profile, target: Profile) -> None:
    """Merge one profile into another: what the target lacks is filled in, counters are summed, the source goes."""
    if target.email is None and source.email is not None:
        target.email = source.email
        if "email_subscribe" in source.fields:  # the state belongs to the address
            target.fields.setdefault("email_subscribe", source.fields["email_subscribe"])
    target.phone = target.phone if target.phone is not None else source.phone
    for name in _FILLED:
        if name in source.fields:
            target.fields.setdefault(name, source.fields[name])
    target.custom_attributes = source.custom_attributes | target.custom_attributes
    _widen(target.fields, source.fields, "date_of_first_session", min)
    _widen(target.fields, source.fields, "date_of_last_session", max)
    target.revision = store.next_revision()
    store.write([], [target])
    for table in ("custom_events", "purchases"):
        sql = f"update {table} set profile_id = ? where profile_id = ?"  # noqa: S608 (own names)
        store.connection.execute(sql, (target.id, source.id))
    store.connection.execute(
        "update or ignore user_aliases set profile_id = ? where profile_id = ?", (target.id, source.id)
    )
    delete(store, source)


def _widen(target: dict[str, Any], source: dict[str, Any], name: str, of: Callable[..., Any]) -> None:
    held = [fields[name] for fields in (target, source) if fields.get(name) is not None]
    if held:
        target[name] = of(held, key=times.parse)
