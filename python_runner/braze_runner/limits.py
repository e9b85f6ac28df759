"""Braze's limits, each once, with the page that states it; nothing else in the project repeats a number."""

from typing import Final

TRACK_PATH: Final = "/users/track"
"""Path of the endpoint, without a trailing slash (Braze: API overview)."""

TRACK_OBJECTS: Final = 75
"""Objects in one ``/users/track`` request, over its three arrays together (Braze: POST /users/track)."""

TRACK_BYTES: Final = 4_000_000
"""Bytes of one request's body. Braze: "4 MB" (API errors, 413); read as the smaller megabyte."""

BULK_PATH: Final = "/users/track/bulk"
"""Path of the limited beta for backfills (Braze: POST /users/track/bulk)."""

BULK_OBJECTS: Final = 1_000
"""Objects in one ``/users/track/bulk`` request, over its three arrays together (Braze: POST /users/track/bulk)."""

BULK_USER_OBJECTS: Final = 100
"""Objects about one user in one ``/users/track/bulk`` request (Braze: POST /users/track/bulk)."""

BULK_BYTES: Final = 2_000_000
"""Bytes of a ``/users/track/bulk`` body. Braze: "2 MB", 400 beyond; read as the smaller megabyte."""

DELETE_USERS: Final = 50
"""Users in one ``/users/delete`` request (Braze: POST /users/delete)."""

ALIASES: Final = 50
"""Aliases in one ``/users/alias/new``, ``/users/alias/update`` or ``/users/identify`` request (their pages)."""

MERGES: Final = 50
"""Merges in one ``/users/merge`` request (Braze: POST /users/merge)."""

EXTERNAL_IDS: Final = 50
"""External ids in one ``/users/external_ids/rename`` or ``/remove`` request (Braze: their pages)."""

SUBSCRIPTION_USERS: Final = 50
"""Users of each kind in one request that sets a subscription state (Braze: Subscription groups, Email)."""

CATALOG_ITEMS: Final = 50
"""Items in one asynchronous catalog request (Braze: catalog items endpoints)."""

CATALOG_FIELDS: Final = 50
"""Fields in one request that adds fields to a catalog (Braze: Create catalog fields)."""

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
