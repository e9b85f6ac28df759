"""Braze's limits, each once, with the page that states it; nothing else in the project repeats a number."""

from typing import Final, NamedTuple


class Bucket(NamedTuple):
    """One allowance that endpoints share: so many requests in so many seconds (Braze: API rate limits)."""

    name: str
    requests: int
    seconds: int


TRACK: Final = Bucket("users_track", 3_000, 3)
"""``/users/track`` of contracts by data points; others have figures of their own, which the headers tell."""

TRACK_BULK: Final = Bucket("users_track_bulk", 50, 1)
"""``/users/track/bulk``, a limited beta (Braze: POST /users/track/bulk)."""

TRACK_SYNC: Final = Bucket("users_track_sync", 500, 60)
"""``/users/track/sync``, a limited beta (Braze: POST /users/track/sync)."""

USERS: Final = Bucket("users", 20_000, 60)
"""Shared by delete, alias/new, alias/update, identify and merge."""

RENAME: Final = Bucket("external_ids_rename", 1_000, 60)
REMOVE: Final = Bucket("external_ids_remove", 1_000, 60)

SUBSCRIPTION: Final = Bucket("subscription_status_set", 5_000, 60)
"""Shared by both versions of ``/subscription/status/set``."""

EXPORT: Final = Bucket("users_export_ids", 250, 60)
"""``/users/export/ids`` of accounts since August 2024 without ``fields_to_export``."""

EXPORT_OF_FIELDS: Final = Bucket("users_export_ids_fields", 40, 1)
"""``/users/export/ids`` of the same accounts with ``fields_to_export``."""

EXPORT_OF_OLD_ACCOUNT: Final = Bucket("users_export_ids", 2_500, 60)
"""``/users/export/ids`` of accounts from before August 2024."""

CATALOGS: Final = Bucket("catalogs", 50, 60)
"""Listing, creating and deleting catalogs."""

CATALOG_ITEMS: Final = Bucket("catalog_items", 16_000, 60)
"""Asynchronous calls on ``/catalogs/{name}/items``."""

CATALOG_ITEM: Final = Bucket("catalog_item", 50, 60)
"""Synchronous calls on ``/catalogs/{name}/items/{id}``, and listing items."""

CATALOG_FIELDS: Final = Bucket("catalog_fields", 50, 60)
"""Adding and removing fields of catalogs."""

CDI_LIST: Final = Bucket("cdi_integrations", 50, 60)
CDI_SYNC: Final = Bucket("cdi_sync", 20, 60)
CDI_STATUS: Final = Bucket("cdi_job_status", 100, 60)

OTHERS: Final = Bucket("others", 250_000, 3_600)
"""Every endpoint without a limit of its own, ``/email/status`` among them."""

TRACK_PATH: Final = "/users/track"
"""Path of the endpoint, without a trailing slash (Braze: API overview)."""

TRACK_OBJECTS: Final = 75
"""Objects in one ``/users/track`` request, over its three arrays together (Braze: POST /users/track)."""

TRACK_BYTES: Final = 4_000_000
"""Bytes of one request's body. Braze: "4 MB" (API errors, 413); read as the smaller megabyte."""

BULK_PATH: Final = "/users/track/bulk"
"""A limited beta: the workspace needs it switched on (POST /users/track/bulk)."""

BULK_OBJECTS: Final = 1_000
"""Objects in one ``/users/track/bulk`` request over its three arrays (POST /users/track/bulk)."""

BULK_OBJECTS_OF_USER: Final = 100
"""Objects about one user in one ``/users/track/bulk`` request (POST /users/track/bulk)."""

BULK_BYTES: Final = 2_000_000
"""Bytes of one bulk request's body. Braze: "2 MB" (POST /users/track/bulk); read as the smaller megabyte."""

OBJECTS: Final = 50
"""Objects in one request of every other endpoint that takes a list: users, subscriptions, catalogs."""

EXPORT_IDS: Final = 50
"""External ids and aliases in one ``/users/export/ids`` request (Braze: POST /users/export/ids)."""

PAYLOAD_BYTES: Final = 1_000_000
"""Bytes of one row's payload. Braze: "1 MB" (Cloud Data Ingestion); read as the smaller megabyte."""

PAYLOAD_KEYS: Final = 250
"""Top-level keys of one row's payload (Braze: Cloud Data Ingestion)."""

EXTERNAL_ID_BYTES: Final = 987
"""Bytes of an ``external_id``; above it: EXTERNAL_USER_ID_TOO_LARGE (Braze: POST /users/track)."""

ALIAS_BYTES: Final = 236
"""Bytes of an ``alias_name`` and of an ``alias_label`` (Braze: User alias object)."""

PURCHASE_QUANTITY: Final = 100
"""Largest quantity of one purchase object (Braze: Purchase object)."""

CATALOG_NAME_CHARS: Final = 250
"""Characters of an item's id, a catalog's name and description, and a field's name (Braze: Catalogs)."""

IDENTIFIER_KEYS: Final = frozenset({"external_id", "user_alias", "braze_id", "alias_name", "alias_label"})
"""Keys that name a user and are no attributes (Braze: User attributes object)."""

UNBILLED_KEYS: Final = frozenset(
    {
        "_merge_objects",
        "_update_existing_only",
        "email_subscribe",
        "push_subscribe",
        "push_token_import",
        "push_tokens",
        "subscription_groups",
    }
)
"""Keys of an attributes object without data points: settings, states, tokens (Braze: Data points)."""

EPOCH_THRESHOLD: Final = 1_000_000_000
"""``X-RateLimit-Reset`` is a UTC epoch above it, seconds to wait below: Braze documents both (API limits)."""
