"""Catalogs, their fields and their items."""

from collections.abc import Callable
from typing import Any

import pytest

ID = {"name": "id", "type": "string"}
FIELDS = [
    ID,
    {"name": "title", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "open", "type": "boolean"},
    {"name": "since", "type": "time"},
    {"name": "more", "type": "object"},
    {"name": "tags", "type": "array"},
    {"name": "place", "type": "geo"},
]


def call(braze: Any, method: str, path: str, body: Any = None) -> Any:
    return braze.session.request(method, f"{braze.server.url}/catalogs{path}", json=body, timeout=30)


def made(braze: Any, fields: list[Any] | None = None) -> str:
    """Make a catalog and return its name."""
    name = str(braze.new_id())
    body = {"catalogs": [{"name": name, "description": "of a test", "fields": fields or FIELDS}]}
    response = call(braze, "POST", "", body)
    assert response.status_code == 201, response.text
    return name


def put(braze: Any, catalog: str, *items: dict[str, Any], method: str = "PUT", status: int = 202) -> Any:
    response = call(braze, method, f"/{catalog}/items", {"items": list(items)})
    assert response.status_code == status, response.text
    return response.json()


def item(braze: Any, catalog: str, item_id: str) -> dict[str, Any]:
    response = call(braze, "GET", f"/{catalog}/items/{item_id}")
    return dict(response.json()["items"][0]) if response.status_code == 200 else {}


def problem(response: Any) -> tuple[int, str]:
    """Return the status and the id of the one error, whose form is the documented one."""
    body = response.json()
    assert body["message"] == "Invalid Request"
    (error,) = body["errors"]
    assert error.keys() == {"id", "message", "parameters", "parameter_values"}
    return response.status_code, error["id"]


def test_a_catalog_is_made_listed_and_deleted(braze: Any) -> None:
    name = made(braze)
    put(braze, name, {"id": "one"})
    listed = call(braze, "GET", "").json()
    assert listed["message"] == "success"
    (found,) = (catalog for catalog in listed["catalogs"] if catalog["name"] == name)
    assert (found["description"], found["fields"], found["num_items"]) == ("of a test", FIELDS, 1)
    assert found["updated_at"].endswith("Z")
    assert call(braze, "DELETE", f"/{name}").json() == {"message": "success"}
    assert problem(call(braze, "DELETE", f"/{name}")) == (404, "catalog-not-found")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": "no spaces"}, "invalid-catalog-name"),
        ({"name": "n" * 251}, "catalog-name-too-large"),
        ({"description": "d" * 251}, "description-too-long"),
        ({"description": ["d"]}, "catalog-array-invalid"),
        ({"fields": "id"}, "invalid-fields"),
        ({"fields": []}, "id-not-first-column"),
        ({"fields": [{"name": "title", "type": "string"}, ID]}, "id-not-first-column"),
        ({"fields": [{"name": "id", "type": "number"}]}, "id-not-first-column"),
        ({"fields": [ID, {"name": "a", "type": "text"}]}, "invalid-field-types"),
        ({"fields": [ID, {"name": "a", "type": []}]}, "invalid-field-types"),
        ({"fields": [ID, {"name": "a b", "type": "string"}]}, "invalid-field-names"),
        ({"fields": [ID, {"name": "a" * 251, "type": "string"}]}, "field-names-too-large"),
        ({"fields": [ID, ID]}, "field-names-not-unique"),
        ({"fields": [ID, *({"name": f"f{n}", "type": "string"} for n in range(500))]}, "too-many-fields"),
    ],
)
def test_documented_errors_of_new_catalogs(braze: Any, changes: dict[str, Any], error: str) -> None:
    catalog = {"name": braze.new_id(), "description": "", "fields": [ID], **changes}
    assert problem(call(braze, "POST", "", {"catalogs": [catalog]})) == (400, error)


def test_a_catalog_needs_no_description(braze: Any) -> None:
    for description in ({}, {"description": None}):
        catalog = {"name": braze.new_id(), "fields": [ID], **description}
        answer = call(braze, "POST", "", {"catalogs": [catalog]})
        assert (answer.status_code, answer.json()["catalogs"][0]["description"]) == (201, "")


def test_one_catalog_a_request_and_a_name_once(braze: Any) -> None:
    catalog = {"name": made(braze), "fields": [ID]}
    assert problem(call(braze, "POST", "", {"catalogs": [catalog]})) == (400, "catalog-name-already-exists")
    assert problem(call(braze, "POST", "", {"catalogs": [catalog, catalog]})) == (
        400,
        "catalog-array-invalid",
    )


def test_items_are_put_changed_and_deleted(braze: Any) -> None:
    name = made(braze)
    values = {
        "title": "T",
        "price": 1.5,
        "open": True,
        "since": "2026-01-01",
        "tags": ["a"],
        "place": [13, 52],
    }
    put(braze, name, {"id": "one", **values, "more": {"a": [1]}}, {"id": "two", "title": "U"})
    assert item(braze, name, "one") == {"id": "one", **values, "more": {"a": [1]}}
    put(braze, name, {"id": "one", "title": "V"}, {"id": "nobody", "title": "W"}, method="PATCH")
    assert item(braze, name, "one") == {"id": "one", **values, "more": {"a": [1]}, "title": "V"}
    assert item(braze, name, "nobody") == {}
    put(braze, name, {"id": "one", "price": 2}, {"id": "three"})
    assert item(braze, name, "one") == {"id": "one", "price": 2}
    assert item(braze, name, "three") == {"id": "three"}
    put(braze, name, {"id": "one"}, {"id": "nobody"}, method="DELETE")
    assert item(braze, name, "one") == {}


def test_creating_an_item_again_changes_nothing(braze: Any) -> None:
    name = made(braze)
    put(braze, name, {"id": "one", "title": "first"}, method="POST")
    put(braze, name, {"id": "one", "title": "second"}, {"id": "two"}, method="POST")
    assert item(braze, name, "one")["title"] == "first"
    assert item(braze, name, "two") == {"id": "two"}


def test_arrays_take_add_and_remove_in_edits_alone(braze: Any) -> None:
    name = made(braze)
    put(braze, name, {"id": "one", "tags": ["a", "b"]})
    put(braze, name, {"id": "one", "tags": {"$add": ["c", "a"], "$remove": ["b"]}}, method="PATCH")
    assert item(braze, name, "one")["tags"] == ["a", "c"]
    sent = {"items": [{"id": "one", "tags": {"$add": ["c"]}}]}
    assert problem(call(braze, "PUT", f"/{name}/items", sent)) == (400, "unable-to-coerce-value")


def test_a_failure_after_the_202_is_not_told(braze: Any) -> None:
    name, many = made(braze), [str(number) for number in range(100)]
    put(braze, name, {"id": "one", "tags": many}, {"id": "two"})
    put(braze, name, {"id": "one", "tags": {"$add": ["x"]}}, {"id": "two", "title": "T"}, method="PATCH")
    assert item(braze, name, "one")["tags"] == many
    assert item(braze, name, "two")["title"] == "T"
    sent = {"items": [{"tags": {"$add": ["x"]}}]}
    assert problem(call(braze, "PATCH", f"/{name}/items/one", sent)) == (400, "items-too-large")


def test_a_value_of_an_item_has_up_to_5000_characters(braze: Any) -> None:
    name = made(braze)
    put(braze, name, {"id": "one", "title": "t" * 5_000})
    assert len(item(braze, name, "one")["title"]) == 5_000


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ("text", "item-array-invalid"),
        ([], "item-array-invalid"),
        (["one"], "item-array-invalid"),
        ([{"id": f"i{n}"} for n in range(51)], "request-includes-too-many-items"),
        ([{"title": "T"}], "items-missing-ids"),
        ([{"id": 1}], "ids-not-strings"),
        ([{"id": "no spaces"}], "invalid-ids"),
        ([{"id": "i" * 251}], "ids-too-large"),
        ([{"id": "i"}, {"id": "i"}], "ids-not-unique"),
        ([{"id": "i", "other": 1}], "invalid-fields"),
        ([{"id": "i", "title": "t" * 5_001}], "items-too-large"),
        ([{"id": "i", "more": {"a": {"b.c": 1}}}], "invalid-keys-in-value-object"),
        ([{"id": "i", "more": {"$a": 1}}], "invalid-keys-in-value-object"),
        *(
            ([{"id": "i", name: value}], "unable-to-coerce-value")
            for name, value in (
                ("title", {}), ("price", "cheap"), ("price", True), ("open", "maybe"), ("since", "soon"),
                ("more", "text"), ("tags", "a"), ("tags", [1]), ("place", [181, 0]), ("place", [0, 91]),
                ("place", [1]), ("place", "here"),
            )
        ),
    ],
)  # fmt: skip
def test_documented_errors_of_items(braze: Any, items: Any, error: str) -> None:
    name = made(braze)
    deletes = error.startswith(("item-array", "request", "items-missing", "ids", "invalid-ids"))
    for method in ("POST", "PUT", "PATCH", *(["DELETE"] if deletes else [])):
        assert problem(call(braze, method, f"/{name}/items", {"items": items})) == (400, error)


def test_objects_nest_50_levels(braze: Any) -> None:
    name, deep = made(braze), 1
    for _ in range(49):
        deep = {"a": deep}
    put(braze, name, {"id": "one", "more": deep})
    sent = {"items": [{"id": "two", "more": {"a": deep}}]}
    assert problem(call(braze, "PUT", f"/{name}/items", sent)) == (400, "too-deep-nesting-in-value-object")


def test_texts_are_coerced_and_null_leaves_out(braze: Any) -> None:
    name = made(braze)
    put(braze, name, {"id": "one", "price": "2.5", "open": "TRUE", "title": 7, "since": None})
    assert item(braze, name, "one") == {"id": "one", "price": 2.5, "open": True, "title": "7"}


def test_every_path_below_an_unknown_catalog_is_404(braze: Any) -> None:
    body = {"items": [{"id": "one"}]}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for path in ("/nothing/items", "/nothing/items/one"):
            assert problem(call(braze, method, path, body)) == (404, "catalog-not-found")
    assert problem(call(braze, "POST", "/nothing/fields", {})) == (404, "catalog-not-found")


def test_one_item_at_once(start: Callable[..., Any]) -> None:
    braze = start(lag=86_400)
    name = made(braze)

    def one(method: str, values: Any, item_id: str = "one") -> Any:
        return call(braze, method, f"/{name}/items/{item_id}", {"items": [values]})

    assert problem(one("PATCH", {"title": "T"})) == (404, "item-not-found")
    assert problem(one("POST", {"id": "one"})) == (400, "id-in-body")
    assert problem(one("POST", {"other": 1})) == (400, "invalid-fields")
    assert problem(one("POST", {}, "no%20spaces")) == (400, "invalid-ids")
    assert problem(call(braze, "POST", f"/{name}/items/one", {"items": [{}, {}]})) == (
        400,
        "item-array-invalid",
    )
    assert one("POST", {"title": "T", "price": 1}).status_code == 201
    assert problem(one("POST", {"title": "T"})) == (400, "item-already-exists")
    assert one("PATCH", {"title": "U"}).status_code == 200
    assert item(braze, name, "one") == {"id": "one", "title": "U", "price": 1}
    assert one("PUT", {"title": "V"}).status_code == 200
    assert item(braze, name, "one") == {"id": "one", "title": "V"}
    assert call(braze, "DELETE", f"/{name}/items/one").status_code == 202
    assert problem(call(braze, "DELETE", f"/{name}/items/one")) == (404, "item-not-found")
    assert problem(call(braze, "GET", f"/{name}/items/one")) == (404, "item-not-found")


def test_lists_of_items_are_applied_later(start: Callable[..., Any]) -> None:
    braze = start(lag=86_400)
    name = made(braze)
    assert put(braze, name, {"id": "one"}) == {"message": "success"}
    assert item(braze, name, "one") == {}
    braze.flush()
    assert item(braze, name, "one") == {"id": "one"}


def test_items_come_in_pages_of_50(braze: Any) -> None:
    name = made(braze)
    for start_at in (0, 50, 100):
        put(braze, name, *({"id": f"i{n:03d}"} for n in range(start_at, min(start_at + 50, 120))))
    first = call(braze, "GET", f"/{name}/items")
    second = braze.session.get(first.links["next"]["url"], timeout=30)
    third = braze.session.get(second.links["next"]["url"], timeout=30)
    pages = [[found["id"] for found in page.json()["items"]] for page in (first, second, third)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [item_id for page in pages for item_id in page] == [f"i{n:03d}" for n in range(120)]
    assert (first.links.keys(), third.links.keys()) == ({"next"}, {"prev"})
    assert braze.session.get(third.links["prev"]["url"], timeout=30).json() == second.json()
    assert braze.session.get(second.links["prev"]["url"], timeout=30).json() == first.json()


@pytest.mark.parametrize("cursor", ["x", "%00", "YWJj", "YWZ0ZXI6eA", "YWZ0ZXI6LTE"])
def test_a_wrong_cursor(braze: Any, cursor: str) -> None:
    path = f"/{made(braze)}/items?cursor={cursor}"
    assert problem(call(braze, "GET", path)) == (400, "invalid-cursor")


def test_an_empty_catalog_has_one_empty_page(braze: Any) -> None:
    response = call(braze, "GET", f"/{made(braze)}/items")
    assert (response.json(), "link" in response.headers) == ({"items": [], "message": "success"}, False)


def test_fields_are_added_and_removed(braze: Any) -> None:
    name = made(braze, [ID, {"name": "title", "type": "string"}])
    path = f"/{name}/fields"
    assert call(braze, "POST", path, {"fields": [{"name": "price", "type": "number"}]}).status_code == 202
    put(braze, name, {"id": "one", "title": "T", "price": 1})
    assert call(braze, "DELETE", f"{path}/title").status_code == 202
    assert item(braze, name, "one") == {"id": "one", "price": 1}
    assert problem(call(braze, "DELETE", f"{path}/title")) == (400, "invalid-field-name")
    assert problem(call(braze, "DELETE", f"{path}/id")) == (400, "invalid-field-name")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ([], "invalid-fields"),
        ([{"name": "title", "type": "string"}], "field-names-not-unique"),
        ([{"name": "a", "type": "text"}], "invalid-field-types"),
        ([{"name": f"f{n}", "type": "string"} for n in range(51)], "request-includes-too-many-fields"),
    ],
)
def test_documented_errors_of_new_fields(braze: Any, fields: list[Any], error: str) -> None:
    name = made(braze, [ID, {"name": "title", "type": "string"}])
    assert problem(call(braze, "POST", f"/{name}/fields", {"fields": fields})) == (400, error)


def test_a_catalog_holds_500_fields(braze: Any) -> None:
    name = made(braze, [ID, *({"name": f"f{n}", "type": "string"} for n in range(498))])
    fields = [{"name": f"g{n}", "type": "string"} for n in range(2)]
    over = call(braze, "POST", f"/{name}/fields", {"fields": fields})
    assert problem(over) == (400, "catalog-exceeds-fields-limit")
    assert call(braze, "POST", f"/{name}/fields", {"fields": fields[:1]}).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "", "50"), ("DELETE", "/c", "50"), ("GET", "/c/items", "50"), ("GET", "/c/items/i", "50"),
        ("PUT", "/c/items", "16000"), ("DELETE", "/c/items", "16000"), ("PUT", "/c/items/i", "50"),
        ("POST", "/c/fields", "50"),
    ],
)  # fmt: skip
def test_allowances_of_catalogs(braze: Any, method: str, path: str, allowed: str) -> None:
    assert call(braze, method, path, {}).headers["x-ratelimit-limit"] == allowed
