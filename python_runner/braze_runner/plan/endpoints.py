"""The endpoints that rows are pushed to: where, how many at once, and how a request is put together."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from braze_runner import limits
from braze_runner.limits import Bucket

# How the answer of an endpoint names the objects that it did not take.
ErrorStyle = Literal["track", "users", "pairs", "none"]


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One endpoint of Braze's REST API; ``permission`` is what the key needs.

    ``objects`` holds over all arrays of a request, or, with ``per_array``, for each of them; ``size`` is in bytes.
    """

    name: str
    path: str
    permission: str
    bucket: Bucket
    objects: int = limits.OBJECTS
    size: int = limits.TRACK_BYTES
    method: str = "POST"
    arrays: tuple[bytes, ...] = ()
    errors: ErrorStyle = "none"
    per_array: bool = False
    objects_of_user: int | None = None


@dataclass(frozen=True, eq=False)
class Envelope:
    """What the objects of one request have in common: endpoint, path, and the JSON around the arrays."""

    endpoint: Endpoint
    path: str
    head: bytes = b"{"
    tail: bytes = b"}"

    def body(self, arrays: dict[bytes, list[bytes]]) -> bytes:
        """Return the body of a request with these objects, by the name of their array."""
        parts = [b'"' + name + b'":[' + b",".join(objects) + b"]" for name, objects in arrays.items()]
        return self.head + b",".join(parts) + self.tail


_TRACK_ARRAYS = (b"attributes", b"events", b"purchases")

TRACK: Final = Endpoint(
    "track",
    limits.TRACK_PATH,
    "users.track",
    limits.TRACK,
    limits.TRACK_OBJECTS,
    arrays=_TRACK_ARRAYS,
    errors="track",
)
TRACK_PER_ARRAY: Final = replace(TRACK, per_array=True)
TRACK_BULK: Final = replace(
    TRACK,
    name="track_bulk",
    path=limits.BULK_PATH,
    permission="users.track.bulk",
    bucket=limits.TRACK_BULK,
    objects=limits.BULK_OBJECTS,
    size=limits.BULK_BYTES,
    objects_of_user=limits.BULK_OBJECTS_OF_USER,
)
TRACKS: Final = {"total": TRACK, "per-array": TRACK_PER_ARRAY, "bulk": TRACK_BULK}
"""Setting -> endpoint for attributes, events and purchases."""

DELETE: Final = Endpoint("delete", "/users/delete", "users.delete", limits.USERS)
ALIAS_NEW: Final = Endpoint(
    "alias_new",
    "/users/alias/new",
    "users.alias.new",
    limits.USERS,
    errors="users",
    arrays=(b"user_aliases",),
)
ALIAS_UPDATE: Final = Endpoint(
    "alias_update", "/users/alias/update", "users.alias.update", limits.USERS, arrays=(b"alias_updates",)
)
IDENTIFY: Final = Endpoint(
    "identify",
    "/users/identify",
    "users.identify",
    limits.USERS,
    errors="users",
    arrays=(b"aliases_to_identify", b"emails_to_identify", b"phone_numbers_to_identify"),
)
MERGE: Final = Endpoint("merge", "/users/merge", "users.merge", limits.USERS, arrays=(b"merge_updates",))
RENAME: Final = Endpoint(
    "rename",
    "/users/external_ids/rename",
    "users.external_ids.rename",
    limits.RENAME,
    errors="pairs",
    arrays=(b"external_id_renames",),
)
REMOVE: Final = Endpoint(
    "remove",
    "/users/external_ids/remove",
    "users.external_ids.remove",
    limits.REMOVE,
    errors="pairs",
    arrays=(b"external_ids",),
)
SUBSCRIPTION: Final = Endpoint(
    "subscription", "/v2/subscription/status/set", "subscription.status.set", limits.SUBSCRIPTION
)
EMAIL_STATUS: Final = Endpoint("email_status", "/email/status", "email.status", limits.OTHERS)
CATALOG_UPSERT: Final = Endpoint(
    "catalog_upsert", "/catalogs/{}/items", "catalogs.replace_items", limits.CATALOG_ITEMS, method="PUT"
)
CATALOG_DELETE: Final = Endpoint(
    "catalog_delete", "/catalogs/{}/items", "catalogs.delete_items", limits.CATALOG_ITEMS, method="DELETE"
)

ENDPOINTS: Final = {
    "attributes": (TRACK,),
    "events": (TRACK,),
    "purchases": (TRACK,),
    "deletes": (DELETE,),
    "aliases": (ALIAS_NEW,),
    "alias_updates": (ALIAS_UPDATE,),
    "identifies": (IDENTIFY,),
    "merges": (MERGE,),
    "external_id_renames": (RENAME,),
    "external_id_removals": (REMOVE,),
    "subscription_groups": (SUBSCRIPTION,),
    "email_status": (EMAIL_STATUS,),
    "catalog_items": (CATALOG_UPSERT, CATALOG_DELETE),
}
"""Type of sync -> the endpoints that it is pushed to; Canvas triggers are read by Braze alone."""

# Types whose order within one dbt run matters, in that order; each is settled before the next (R2). New ids and
# aliases have to be there before what uses them; ids are removed when nothing is sent to them any more.
ORDER: Final = (
    "catalog_items",
    "external_id_renames",
    "aliases",
    "alias_updates",
    "identifies",
    "merges",
    "attributes",
    "events",
    "purchases",
    "subscription_groups",
    "email_status",
    "external_id_removals",
    "deletes",
)
