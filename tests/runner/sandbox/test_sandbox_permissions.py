"""What a key may do, and bodies that no endpoint can serve."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.sandbox.endpoints import ENDPOINTS

WITH_BODY = [(method, path) for method, path in ENDPOINTS if method in ("POST", "PUT", "PATCH")]


@pytest.fixture(scope="module")
def weak(start_once: Callable[..., Any]) -> Any:
    return start_once(permissions=["users.track"], track_bulk=True, track_sync=True)


@pytest.fixture(scope="module")
def strong(start_once: Callable[..., Any]) -> Any:
    return start_once(track_bulk=True, track_sync=True)


def request(braze: Any, method: str, path: str, body: Any = None) -> Any:
    url = braze.server.url + path.format(catalog_name="c", item_id="i", field_name="f", integration_id="x")
    return braze.session.request(method, url, json=body, timeout=30)


@pytest.mark.parametrize(("method", "path"), list(ENDPOINTS))
def test_a_missing_permission_is_403(weak: Any, method: str, path: str) -> None:
    response = request(weak, method, path, {})
    assert response.status_code == (400 if path == "/users/track" else 403)


@pytest.mark.parametrize("body", [{}, [], "text", None])
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_without_what_is_needed_is_400(strong: Any, method: str, path: str, body: Any) -> None:
    response = strong.session.request(
        method,
        strong.server.url + path.format(catalog_name="c", item_id="i", field_name="f", integration_id="x"),
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert response.status_code in ((400, 404) if "{" in path else (400,))
    assert response.json()["message"]


def test_every_endpoint_names_its_permission() -> None:
    assert all(endpoint.permission for endpoint in ENDPOINTS.values())
