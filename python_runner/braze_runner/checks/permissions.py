"""What the key may do, asked with bodies that name nobody and hold nothing, so that no answer can change anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from braze_runner.checks.report import Check, Verdict
from braze_runner.client.api import Api, ApiError
from braze_runner.plan.endpoints import ENDPOINTS, TRACKS, Endpoint
from braze_runner.plan.planners import TrackLimit
from braze_runner.project import Sync

UNKNOWN_KEY, FORBIDDEN, BAD_REQUEST = 401, 403, 400
_CATALOGS = "/catalogs"
_EXPORT = "/users/export/ids"
# What can't be undone is not tried out, and of items Braze documents no body that is refused for sure.
_NEVER = {
    "delete": "it deletes users, so nothing is tried",
    "merge": "it merges users, so nothing is tried",
    "remove": "it removes external ids, so nothing is tried",
    "catalog_upsert": "only the list of catalogs is asked for",
    "catalog_delete": "only the list of catalogs is asked for",
}


@dataclass(frozen=True)
class Need:
    """A permission, the endpoint that asks for it, and the syncs that are pushed there."""

    endpoint: Endpoint
    syncs: tuple[str, ...]


def needs_of(syncs: Iterable[Sync], track_limit: TrackLimit = "total") -> list[Need]:
    """Return what the key has to be allowed for these syncs; those that Braze reads need no key."""
    found: dict[str, Need] = {}
    for sync in syncs:
        if sync.deliver != "rest":
            continue
        for endpoint in ENDPOINTS.get(sync.type, ()):
            used = TRACKS[track_limit] if endpoint is TRACKS["total"] else endpoint
            others = found[used.permission].syncs if used.permission in found else ()
            found[used.permission] = Need(used, (*others, sync.name))
    return list(found.values())


class KeyCheck:
    """Asks Braze, and keeps the status of each answer: they all say something about the key."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._statuses: list[int] = []
        self._problem: ApiError | None = None

    def checks(self, needs: Sequence[Need], syncs: Iterable[Sync]) -> list[Check]:
        """Return a line for the key, for each permission, and for each catalog."""
        permissions = [self._permission(need) for need in needs]
        catalogs = self._catalogs([s for s in syncs if s.type == "catalog_items" and s.deliver == "rest"])
        if not self._statuses and self._problem is None:
            self._answer_to(_EXPORT)
        return [self._key(), *permissions, *catalogs]

    def _key(self) -> Check:
        """Judge the key by all answers: a 401 may also mean a missing permission (Braze: API errors)."""
        verdict: Verdict = "not proved"
        words = "Braze's answers say nothing about it."
        if any(status < 300 or status in (BAD_REQUEST, FORBIDDEN) for status in self._statuses):
            verdict, words = "ok", "Braze knows it."
        elif UNKNOWN_KEY in self._statuses:
            verdict = "failed"
            words = "Braze does not know it (401): check BRAZE_API_KEY, and that it belongs to this endpoint."
        elif self._problem is not None:
            verdict, words = "failed", str(self._problem)
        return Check("key", "BRAZE_API_KEY", verdict, words)

    def _permission(self, need: Need) -> Check:
        endpoint = need.endpoint
        if endpoint.name in _NEVER:
            verdict, words = _not_proved(_NEVER[endpoint.name])
        else:
            verdict, words = self._judged(self._answer_to(endpoint.path), endpoint)
        return Check(
            "permission", endpoint.permission, verdict, f"{words} Needed by {', '.join(need.syncs)}."
        )

    def _judged(self, status: int | None, endpoint: Endpoint) -> tuple[Verdict, str]:
        if status == BAD_REQUEST:
            return "ok", "Braze looked at an empty body and refused it."
        if status == FORBIDDEN:
            return "failed", "The key lacks it (403), or the account is not active."
        if status == UNKNOWN_KEY:
            return "failed", "Braze refuses the key (401)."
        if status is None:
            return _not_proved(f"POST {endpoint.path} got no usable answer")
        return _not_proved(f"POST {endpoint.path} with an empty body was answered with {status}")

    def _answer_to(self, path: str) -> int | None:
        """Post an empty object and return the status; None without a usable answer, and after one of those."""
        if self._problem is not None:
            return None
        try:
            reply = self._api.post(path, {}, lambda answer: answer.status == BAD_REQUEST)
        except ApiError as exc:
            return self._failed(exc)
        # A 400 that is not Braze's JSON comes from something in front of it.
        return self._seen(reply.status) if reply.body else None

    def _catalogs(self, syncs: Sequence[Sync]) -> list[Check]:
        """Look for the catalogs; a key that may not list them (catalogs.get) can push to them all the same."""
        if not syncs or self._problem is not None:
            return []
        try:
            listed = self._api.get(_CATALOGS).body.get("catalogs", ())
        except ApiError as exc:
            self._failed(exc)
            _, words = _not_proved(str(exc).removesuffix("."))
            return [Check("catalog", str(sync.catalog), "not proved", words) for sync in syncs]
        self._seen(200)
        present = {each.get("name") for each in listed}
        return [_catalog(sync, is_there=sync.catalog in present) for sync in syncs]

    def _failed(self, error: ApiError) -> int | None:
        if error.status is None:
            self._problem = error
            return None
        return self._seen(error.status)

    def _seen(self, status: int) -> int:
        self._statuses.append(status)
        return status


def _not_proved(reason: str) -> tuple[Verdict, str]:
    return "not proved", f"{reason[0].upper()}{reason[1:]}."


def _catalog(sync: Sync, *, is_there: bool) -> Check:
    name = str(sync.catalog)
    if is_there:
        return Check("catalog", name, "ok", f"It is there, for {sync.name}.")
    if sync.catalog_fields:
        words = f"It is missing; the first push of {sync.name} makes it, with the permission catalogs.create."
        return Check("catalog", name, "not proved", words)
    return Check(
        "catalog", name, "failed", f"It is missing, and {sync.name} declares no fields to make it of."
    )
