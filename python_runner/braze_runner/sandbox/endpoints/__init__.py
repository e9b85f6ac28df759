"""Every endpoint of Braze that the sandbox answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from braze_runner import limits
from braze_runner.limits import BULK_BYTES, BULK_PATH, TRACK_BYTES, TRACK_PATH, Bucket
from braze_runner.sandbox.buckets import export_bucket
from braze_runner.sandbox.endpoints import aliases, catalog_items, catalogs, cdi, external_ids, subscriptions
from braze_runner.sandbox.endpoints.delete import delete_users
from braze_runner.sandbox.endpoints.export import export_ids
from braze_runner.sandbox.endpoints.identify import identify_users
from braze_runner.sandbox.endpoints.merge import merge_users
from braze_runner.sandbox.endpoints.track import track, track_bulk
from braze_runner.sandbox.endpoints.track_sync import track_sync
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.settings import Settings


def _always(_settings: Settings) -> bool:
    return True


class Endpoint(NamedTuple):
    """What serves one path, the permission that it needs, and the allowance that requests to it draw on.

    An endpoint that is not ``open`` answers 404, as for an account that is not part of a beta. A body over
    ``max_bytes`` is answered with ``too_large``.
    """

    handle: Callable[[Call], Answer]
    permission: str
    bucket: Bucket | Callable[[Any], Bucket]
    open: Callable[[Settings], bool] = _always
    needs_body: bool = True
    max_bytes: int = TRACK_BYTES
    too_large: int = 413


_ITEMS, _ITEM = "/catalogs/{catalog_name}/items", "/catalogs/{catalog_name}/items/{item_id}"

ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", TRACK_PATH): Endpoint(track, "users.track", limits.TRACK),
    ("POST", "/users/export/ids"): Endpoint(export_ids, "users.export.ids", export_bucket),
    ("POST", BULK_PATH): Endpoint(
        track_bulk,
        "users.track.bulk",
        limits.TRACK_BULK,
        open=lambda settings: settings.track_bulk,
        max_bytes=BULK_BYTES,
        too_large=400,
    ),
    ("POST", "/users/track/sync"): Endpoint(
        track_sync, "users.track.sync", limits.TRACK_SYNC, open=lambda settings: settings.track_sync
    ),
    ("POST", "/users/delete"): Endpoint(delete_users, "users.delete", limits.USERS),
    ("POST", "/users/alias/new"): Endpoint(aliases.new_aliases, "users.alias.new", limits.USERS),
    ("POST", "/users/alias/update"): Endpoint(aliases.update_aliases, "users.alias.update", limits.USERS),
    ("POST", "/users/identify"): Endpoint(identify_users, "users.identify", limits.USERS),
    ("POST", "/users/merge"): Endpoint(merge_users, "users.merge", limits.USERS),
    ("POST", "/users/external_ids/rename"): Endpoint(
        external_ids.rename, "users.external_ids.rename", limits.RENAME
    ),
    ("POST", "/users/external_ids/remove"): Endpoint(
        external_ids.remove, "users.external_ids.remove", limits.REMOVE
    ),
    ("POST", "/subscription/status/set"): Endpoint(
        subscriptions.set_group, "subscription.status.set", limits.SUBSCRIPTION
    ),
    ("POST", "/v2/subscription/status/set"): Endpoint(
        subscriptions.set_groups, "subscription.status.set", limits.SUBSCRIPTION
    ),
    ("POST", "/email/status"): Endpoint(subscriptions.set_email_status, "email.status", limits.OTHERS),
    ("GET", "/catalogs"): Endpoint(catalogs.list_catalogs, "catalogs.get", limits.CATALOGS, needs_body=False),
    ("POST", "/catalogs"): Endpoint(catalogs.create, "catalogs.create", limits.CATALOGS),
    ("DELETE", "/catalogs/{catalog_name}"): Endpoint(
        catalogs.delete, "catalogs.delete", limits.CATALOGS, needs_body=False
    ),
    ("POST", "/catalogs/{catalog_name}/fields"): Endpoint(
        catalogs.create_fields, "catalogs.create_fields", limits.CATALOG_FIELDS
    ),
    ("DELETE", "/catalogs/{catalog_name}/fields/{field_name}"): Endpoint(
        catalogs.delete_field, "catalogs.delete_fields", limits.CATALOG_FIELDS, needs_body=False
    ),
    ("GET", _ITEMS): Endpoint(
        catalog_items.list_items, "catalogs.get_items", limits.CATALOG_ITEM, needs_body=False
    ),
    ("POST", _ITEMS): Endpoint(catalog_items.add_items, "catalogs.add_items", limits.CATALOG_ITEMS),
    ("PATCH", _ITEMS): Endpoint(catalog_items.update_items, "catalogs.update_items", limits.CATALOG_ITEMS),
    ("PUT", _ITEMS): Endpoint(catalog_items.replace_items, "catalogs.replace_items", limits.CATALOG_ITEMS),
    ("DELETE", _ITEMS): Endpoint(
        catalog_items.delete_items, "catalogs.delete_items", limits.CATALOG_ITEMS, needs_body=False
    ),
    ("GET", _ITEM): Endpoint(
        catalog_items.get_item, "catalogs.get_item", limits.CATALOG_ITEM, needs_body=False
    ),
    ("POST", _ITEM): Endpoint(catalog_items.create_item, "catalogs.create_item", limits.CATALOG_ITEM),
    ("PATCH", _ITEM): Endpoint(catalog_items.update_item, "catalogs.update_item", limits.CATALOG_ITEM),
    ("PUT", _ITEM): Endpoint(catalog_items.replace_item, "catalogs.replace_item", limits.CATALOG_ITEM),
    ("DELETE", _ITEM): Endpoint(
        catalog_items.delete_item, "catalogs.delete_item", limits.CATALOG_ITEM, needs_body=False
    ),
    ("GET", "/cdi/integrations"): Endpoint(
        cdi.list_integrations, "cdi.integration_list", limits.CDI_LIST, needs_body=False
    ),
    ("POST", "/cdi/integrations/{integration_id}/sync"): Endpoint(
        cdi.trigger, "cdi.integration_sync", limits.CDI_SYNC, needs_body=False
    ),
    ("GET", "/cdi/integrations/{integration_id}/job_sync_status"): Endpoint(
        cdi.job_sync_status, "cdi.integration_job_status", limits.CDI_STATUS, needs_body=False
    ),
}
