"""Items of catalogs: in lists, applied later, and one by one, applied at once (Braze docs, "Catalog items")."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox.catalog_values import ValueRefusedError, changed, stored
from braze_runner.sandbox.catalogs import Catalog, CatalogStore
from braze_runner.sandbox.endpoints.catalogs import Problem, name_problem, not_found, refused
from braze_runner.sandbox.endpoints.paging import link_header, offset_of
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.rules import CATALOG_PAGE
from braze_runner.sandbox.settings import Settings

Item = dict[str, Any]


def add_items(call: Call) -> Answer:
    """Queue new items; one that exists by then stays as it is."""
    return _queued(call, "add")


def update_items(call: Call) -> Answer:
    """Queue changes of items; one that does not exist by then is passed over."""
    return _queued(call, "update")


def replace_items(call: Call) -> Answer:
    """Queue items that replace those with the same ids, or are new."""
    return _queued(call, "replace")


def delete_items(call: Call) -> Answer:
    """Queue the removal of items."""
    return _queued(call, "delete")


def _queued(call: Call, action: str) -> Answer:
    catalog = _catalog(call)
    if isinstance(catalog, Problem):
        return refused(catalog)
    items = call.body.get("items") if isinstance(call.body, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return refused(Problem("item-array-invalid", "items"))
    problem = _ids_problem(items)
    if problem is None and action != "delete":
        problem = next((found for item in items if (found := values_problem(catalog, item, action))), None)
    if problem is not None:
        return refused(problem, len(items))
    call.applier.submit("catalog_items", [{"catalog": catalog.name, "action": action, "items": items}])
    return Answer(202, {"message": "success"}, len(items))


def _catalog(call: Call) -> Catalog | Problem:
    name = call.path["catalog_name"]
    return CatalogStore(call.store).find(name) or not_found(name)


def _ids_problem(items: list[Item]) -> Problem | None:
    if len(items) > OBJECTS:
        return Problem("request-includes-too-many-items", "items")
    if not all("id" in item for item in items):
        return Problem("items-missing-ids", "items")
    ids = [item["id"] for item in items]
    if not all(isinstance(item_id, str) for item_id in ids):
        return Problem("ids-not-strings", "items")
    for item_id in ids:
        problem = name_problem(item_id, "ids-too-large", "invalid-ids", "items")
        if problem is not None:
            return problem
    return None if len(set(ids)) == len(ids) else Problem("ids-not-unique", "items")


def values_problem(catalog: Catalog, item: Item, action: str) -> Problem | None:
    """Return what is wrong with the values of an item, or None."""
    for name, value in item.items():
        if name not in catalog.fields:
            return Problem("invalid-fields", "items", name)
        try:
            if action == "update":
                changed(catalog.fields[name], None, value)
            else:
                stored(catalog.fields[name], value)
        except ValueRefusedError as exc:
            return Problem(str(exc), "items", name)
    return None


def apply_items(store: ProfileStore, _settings: Settings, requests: list[dict[str, Any]]) -> None:
    """Apply lists of items to catalogs that still exist."""
    catalogs = CatalogStore(store)
    for request in requests:
        catalog = catalogs.find(request["catalog"])
        if catalog is None:
            continue
        for item in request["items"]:
            with suppress(ValueRefusedError):  # a failure after the 202 is not told
                ACTIONS[request["action"]](catalogs, catalog, item["id"], item)


def _add(catalogs: CatalogStore, catalog: Catalog, item_id: str, item: Item) -> bool:
    if catalogs.item(catalog.name, item_id) is not None:
        return False
    return _replace(catalogs, catalog, item_id, item)


def _update(catalogs: CatalogStore, catalog: Catalog, item_id: str, item: Item) -> bool:
    current = catalogs.item(catalog.name, item_id)
    if current is None:
        return False
    sent = _known(catalog, item)
    new = {name: changed(catalog.fields[name], current.get(name), value) for name, value in sent.items()}
    catalogs.put(catalog.name, [(item_id, _without_nulls(current | new))])
    return True


def _replace(catalogs: CatalogStore, catalog: Catalog, item_id: str, item: Item) -> bool:
    new = {name: stored(catalog.fields[name], value) for name, value in _known(catalog, item).items()}
    catalogs.put(catalog.name, [(item_id, _without_nulls(new))])
    return True


def _delete(catalogs: CatalogStore, catalog: Catalog, item_id: str, _item: Item) -> bool:
    return catalogs.remove(catalog.name, item_id)


ACTIONS: dict[str, Callable[[CatalogStore, Catalog, str, Item], bool]] = {
    "add": _add,
    "update": _update,
    "replace": _replace,
    "delete": _delete,
}


def _known(catalog: Catalog, item: Item) -> Item:
    """Return the values whose fields the catalog has by now, without the id."""
    return {name: value for name, value in item.items() if name != "id" and name in catalog.fields}


def _without_nulls(item: Item) -> Item:
    return {name: value for name, value in item.items() if value is not None}


def list_items(call: Call) -> Answer:
    """Return a page of items; the ``Link`` header leads to the pages before and behind it."""
    catalog = _catalog(call)
    if isinstance(catalog, Problem):
        return refused(catalog)
    after = offset_of(call.query.get("cursor"))
    if after is None:
        return refused(Problem("invalid-cursor", "cursor"))
    store = CatalogStore(call.store)
    found = store.page(catalog.name, after, CATALOG_PAGE + 1)
    page, positions = found[:CATALOG_PAGE], {}
    before = store.position_before(catalog.name, page[0][0], CATALOG_PAGE) if page else None
    if before is not None:
        positions["prev"] = before
    if len(found) > CATALOG_PAGE:
        positions["next"] = page[-1][0]
    body = {"items": [item for _, item in page], "message": "success"}
    return Answer(200, body, len(page), headers=link_header(call.url, positions))


def get_item(call: Call) -> Answer:
    """Return one item."""
    catalog = _catalog(call)
    if isinstance(catalog, Problem):
        return refused(catalog)
    item_id = call.path["item_id"]
    item = CatalogStore(call.store).item(catalog.name, item_id)
    if item is None:
        return refused(_no_item(item_id))
    return Answer(200, {"items": [{"id": item_id} | item], "message": "success"}, 1)


def create_item(call: Call) -> Answer:
    """Make one item."""
    exists = Problem("item-already-exists", "item_id", call.path["item_id"])
    return _at_once(call, "add", 201, exists)


def update_item(call: Call) -> Answer:
    """Change one item."""
    return _at_once(call, "update", 200, _no_item(call.path["item_id"]))


def replace_item(call: Call) -> Answer:
    """Replace one item, or make it."""
    return _at_once(call, "replace", 200, _no_item(call.path["item_id"]))


def delete_item(call: Call) -> Answer:
    """Remove one item."""
    catalog, item_id = _catalog(call), call.path["item_id"]
    if isinstance(catalog, Problem):
        return refused(catalog)
    if not CatalogStore(call.store).remove(catalog.name, item_id):
        return refused(_no_item(item_id))
    return Answer(202, {"message": "success"}, 1)


def _no_item(item_id: str) -> Problem:
    return Problem("item-not-found", "item_id", item_id, 404)


def _at_once(call: Call, action: str, status: int, failure: Problem) -> Answer:
    catalog = _catalog(call)
    if isinstance(catalog, Problem):
        return refused(catalog)
    items, item_id = call.body.get("items") if isinstance(call.body, dict) else None, call.path["item_id"]
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        return refused(Problem("item-array-invalid", "items"))
    problem = Problem("id-in-body", "items") if "id" in items[0] else None
    problem = problem or name_problem(item_id, "ids-too-large", "invalid-ids", "item_id")
    problem = problem or values_problem(catalog, items[0], action)
    try:
        if problem is None and not ACTIONS[action](CatalogStore(call.store), catalog, item_id, items[0]):
            problem = failure
    except ValueRefusedError as exc:
        problem = Problem(str(exc), "items")
    return refused(problem, 1) if problem else Answer(status, {"message": "success"}, 1)
