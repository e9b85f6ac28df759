"""Bodies that nobody would send on purpose: every answer is a defined one, and what is accepted can be applied."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_runner.sandbox.endpoints import ENDPOINTS

JSON = {"Content-Type": "application/json"}
PATHS = {"catalog_name": "things", "item_id": "one", "field_name": "title", "integration_id": "x"}
GROUP = "00000000-0000-4000-8000-000000000001"
ALIAS = {"alias_name": "n", "alias_label": "crm"}
EMAIL = {"email": "a@example.com", "prioritization": ["identified"]}
PHONE = {"phone": "+4930123", "prioritization": ["unidentified"]}
STATE = {"subscription_group_id": GROUP, "subscription_state": "subscribed"}

# What each endpoint takes: a part of it is replaced by anything.
VALID: dict[str, dict[str, Any]] = {
    "/users/track": {
        "attributes": [
            {"external_id": "c", "push_tokens": [{"app_id": "a", "token": "t"}], "list": {"add": ["a"]}}
        ],
        "events": [{"user_alias": ALIAS, "name": "n", "time": "2026-01-01", "properties": {"a": 1}}],
        "purchases": [
            {"email": "a@example.com", "product_id": "p", "currency": "USD", "price": 1, "quantity": 1}
        ],
    },
    "/users/track/sync": {"attributes": [{"external_id": "c", "nested": {"a": 1}}]},
    "/users/export/ids": {"external_ids": ["c"], "user_aliases": [ALIAS], "fields_to_export": ["email"]},
    "/users/delete": {"email_addresses": [EMAIL], "phone_numbers": [PHONE], "user_aliases": [ALIAS]},
    "/users/alias/new": {"user_aliases": [{**ALIAS, "external_id": "c"}]},
    "/users/alias/update": {
        "alias_updates": [{"alias_label": "l", "old_alias_name": "o", "new_alias_name": "n"}]
    },
    "/users/identify": {
        "aliases_to_identify": [{"external_id": "c", "user_alias": ALIAS}],
        "emails_to_identify": [{"external_id": "c", **EMAIL}],
    },
    "/users/merge": {
        "merge_updates": [{"identifier_to_merge": EMAIL, "identifier_to_keep": {"user_alias": ALIAS}}]
    },
    "/users/external_ids/rename": {
        "external_id_renames": [{"current_external_id": "c", "new_external_id": "d"}]
    },
    "/users/external_ids/remove": {"external_ids": ["c"]},
    "/subscription/status/set": {**STATE, "external_id": ["c"], "email": "a@example.com"},
    "/v2/subscription/status/set": {"subscription_groups": [{**STATE, "emails": ["a@example.com"]}]},
    "/email/status": {"email": ["a@example.com"], "subscription_state": "subscribed"},
    "/catalogs": {
        "catalogs": [{"name": "c", "description": "d", "fields": [{"name": "id", "type": "string"}]}]
    },
    "/catalogs/{catalog_name}/fields": {"fields": [{"name": "more", "type": "array"}]},
    "/catalogs/{catalog_name}/items": {
        "items": [{"id": "one", "title": "T", "tags": {"$add": ["a"]}, "place": [1, 2]}]
    },
    "/catalogs/{catalog_name}/items/{item_id}": {"items": [{"title": "T", "tags": ["a"], "more": {"a": 1}}]},
}
VALID["/users/track/bulk"] = VALID["/users/track"]
FIELDS = {"id": "string", "title": "string", "tags": "array", "place": "geo", "more": "object"}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def sandbox(start_once: Callable[..., Any]) -> Any:
    braze = start_once(
        lag=86_400,
        track_bulk=True,
        track_sync=True,
        mixed_deletes="accept",
        app_ids=["a"],
        attribute_types={"list": "array"},
    )
    fields = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    braze.accepted("/catalogs", {"catalogs": [{"name": "things", "fields": fields}]})
    return braze


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Replace one part of a value, at any depth, by anything."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(ANYTHING)
    if isinstance(value, list):
        return [draw(damaged(value[0])), *value[1:]]
    key = draw(st.sampled_from(sorted(value)))
    return {**value, key: draw(damaged(value[key]))}


@pytest.mark.parametrize(
    ("method", "path"), [key for key in ENDPOINTS if key[1] in VALID and key[0] != "GET"]
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_is_more_than_the_sandbox_can_take(
    sandbox: Any, method: str, path: str, data: st.DataObject
) -> None:
    body = data.draw(damaged(VALID[path]))
    url = sandbox.server.url + path.format(**PATHS)
    response = sandbox.session.request(method, url, data=orjson.dumps(body), headers=JSON, timeout=30)
    assert response.status_code in (200, 201, 202, 400, 404), body
    sandbox.flush()
    assert sandbox.state()["failed"] == 0
