"""Reads profiles from Braze (Braze: POST /users/export/ids)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from braze_runner.client import RateLimiter
from braze_runner.client.api import Api, asking_for
from braze_runner.engine.candidates import batched
from braze_runner.limits import EXPORT_IDS, EXPORT_OF_FIELDS
from braze_runner.verify.sample import User

_PATH = "/users/export/ids"
# Kind of identifier -> the key that asks for one user of that kind alone.
_SINGLE: Final = {"braze_id": "braze_id", "email": "email_address", "phone": "phone"}
_IDENTITY = ("external_id", "user_aliases")

Profile = Mapping[str, Any]
Profiles = dict[str, Profile | None]


class Exporter:
    """Asks for users by the identifiers of their rows: external ids and aliases in lists, others one by one."""

    def __init__(self, api: Api, limiter: RateLimiter) -> None:
        self._api = api
        self._limiter = limiter

    def read(self, users: Iterable[User], fields: Iterable[str]) -> Profiles:
        """Return key -> profile, {} for a user whom Braze does not have, None where several have the identifier."""
        wanted = sorted({*_IDENTITY, *fields})
        found: Profiles = {}
        listed = []
        for user in users:
            if user.kind in _SINGLE:
                value = getattr(user.identifiers, user.kind)
                found[user.key] = self._one({_SINGLE[user.kind]: value}, wanted)
            else:
                listed.append(user)
        for page in batched(listed, EXPORT_IDS):
            found |= self._page(page, wanted)
        return found

    def _page(self, users: Sequence[User], fields: Sequence[str]) -> Profiles:
        """Read one list; a user who is in neither part of the answer has another external_id today."""
        body = self._export(_lists(users), fields)
        profiles = body.get("users") or []
        by_id: dict[Any, Profile] = {}
        for profile in profiles:
            by_id[profile.get("external_id")] = profile
            for alias in profile.get("user_aliases") or ():
                by_id[alias.get("alias_label"), alias.get("alias_name")] = profile
        unknown = body.get("invalid_user_ids") or ()
        found: Profiles = {}
        for user in users:
            if _id_of(user) in by_id:
                found[user.key] = by_id[_id_of(user)]
            elif _asked_as(user) in unknown:
                found[user.key] = {}
            elif len(users) == 1:
                found[user.key] = profiles[0] if profiles else {}
            else:
                found |= self._page([user], fields)
        return found

    def _one(self, who: Mapping[str, Any], fields: Sequence[str]) -> Profile | None:
        profiles = self._export(who, fields).get("users") or [{}]
        return profiles[0] if len(profiles) == 1 else None

    def _export(self, who: Mapping[str, Any], fields: Sequence[str]) -> Mapping[str, Any]:
        self._limiter.acquire(EXPORT_OF_FIELDS)
        with asking_for("users.export.ids"):
            return self._api.post(_PATH, {**who, "fields_to_export": fields}).body


def _lists(users: Sequence[User]) -> dict[str, list[Any]]:
    lists: dict[str, list[Any]] = {}
    for user in users:
        name = "external_ids" if user.kind == "external_id" else "user_aliases"
        lists.setdefault(name, []).append(_asked_as(user))
    return lists


def _asked_as(user: User) -> Any:
    ids = user.identifiers
    if user.kind == "external_id":
        return ids.external_id
    return {"alias_name": ids.alias_name, "alias_label": ids.alias_label}


def _id_of(user: User) -> Any:
    ids = user.identifiers
    return ids.external_id if user.kind == "external_id" else (ids.alias_label, ids.alias_name)
