"""What a key may do, and bodies that no endpoint can serve."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.sandbox.endpoints import ENDPOINTS

PATHS = {"catalog_name": "c", "item_id": "i", "field_name": "f", "integration_id": "x"}
WITH_BODY = [(method, path) for method, path in ENDPOINTS if method in ("POST", "PUT", "PATCH")]


@pytest.fixture(scope="module")
def weak(start_once: Callable[..., Any]) -> Any:
    return start_once(permissions=["users.track"], track_bulk=True, track_sync=True)


@pytest.fixture(scope="module")
def strong(start_once: Callable[..., Any]) -> Any:
    braze = start_once(track_bulk=True, track_sync=True)
    braze.accepted("/catalogs", {"catalogs": [{"name": "c", "fields": [{"name": "id", "type": "string"}]}]})
    return braze


@pytest.mark.parametrize(("method", "path"), list(ENDPOINTS))
def test_a_missing_permission_is_403_whatever_the_body(weak: Any, method: str, path: str) -> None:
    response = weak.session.request(method, weak.server.url + path.format(**PATHS), data=b"{", timeout=30)
    assert response.status_code == (415 if path == "/users/track" else 403)


@pytest.mark.parametrize("body", [{}, [], "text", None])
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_without_what_is_needed_is_400(strong: Any, method: str, path: str, body: Any) -> None:
    response = strong.session.request(
        method,
        strong.server.url + path.format(**PATHS),
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert response.status_code == 400
    assert response.json()["message"]


def test_every_endpoint_names_its_permission() -> None:
    assert {key: endpoint.permission for key, endpoint in ENDPOINTS.items()} == {
        ("POST", "/users/track"): "users.track",
        ("POST", "/users/track/bulk"): "users.track.bulk",
        ("POST", "/users/track/sync"): "users.track.sync",
        ("POST", "/users/export/ids"): "users.export.ids",
        ("POST", "/users/delete"): "users.delete",
        ("POST", "/users/alias/new"): "users.alias.new",
        ("POST", "/users/alias/update"): "users.alias.update",
        ("POST", "/users/identify"): "users.identify",
        ("POST", "/users/merge"): "users.merge",
        ("POST", "/users/external_ids/rename"): "users.external_ids.rename",
        ("POST", "/users/external_ids/remove"): "users.external_ids.remove",
        ("POST", "/subscription/status/set"): "subscription.status.set",
        ("POST", "/v2/subscription/status/set"): "subscription.status.set",
        ("POST", "/email/status"): "email.status",
        ("GET", "/catalogs"): "catalogs.get",
        ("POST", "/catalogs"): "catalogs.create",
        ("DELETE", "/catalogs/{catalog_name}"): "catalogs.delete",
        ("POST", "/catalogs/{catalog_name}/fields"): "catalogs.create_fields",
        ("DELETE", "/catalogs/{catalog_name}/fields/{field_name}"): "catalogs.delete_fields",
        ("GET", "/catalogs/{catalog_name}/items"): "catalogs.get_items",
        ("POST", "/catalogs/{catalog_name}/items"): "catalogs.add_items",
        ("PATCH", "/catalogs/{catalog_name}/items"): "catalogs.update_items",
        ("PUT", "/catalogs/{catalog_name}/items"): "catalogs.replace_items",
        ("DELETE", "/catalogs/{catalog_name}/items"): "catalogs.delete_items",
        ("GET", "/catalogs/{catalog_name}/items/{item_id}"): "catalogs.get_item",
        ("POST", "/catalogs/{catalog_name}/items/{item_id}"): "catalogs.create_item",
        ("PATCH", "/catalogs/{catalog_name}/items/{item_id}"): "catalogs.update_item",
        ("PUT", "/catalogs/{catalog_name}/items/{item_id}"): "catalogs.replace_item",
        ("DELETE", "/catalogs/{catalog_name}/items/{item_id}"): "catalogs.delete_item",
        ("GET", "/cdi/integrations"): "cdi.integration_list",
        ("POST", "/cdi/integrations/{integration_id}/sync"): "cdi.integration_sync",
        ("GET", "/cdi/integrations/{integration_id}/job_sync_status"): "cdi.integration_job_status",
    }
