"""Catalogs and their fields (Braze docs, "Create catalog", "List catalogs", "Delete catalog", "Catalog fields")."""

import dataclasses
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from braze_runner import times
from braze_runner.limits import CATALOG_NAME_CHARS, OBJECTS
from braze_runner.sandbox.catalog_values import TYPES
from braze_runner.sandbox.catalogs import Catalog, CatalogStore
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.rules import CATALOG_FIELD_COUNT
from braze_runner.sandbox.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Problem(NamedTuple):
    """One error of a catalog request: Braze's id of it, and the part of the request that it is about."""

    id: str
    parameter: str = ""
    value: str = ""
    status: int = 400


def refused(problem: Problem, objects: int = 0) -> Answer:
    """Return the answer to a request that has a problem."""
    parameters = [problem.parameter] if problem.parameter else []
    error = {
        "id": problem.id,
        "message": problem.id.replace("-", " ").capitalize(),
        "parameters": parameters,
        "parameter_values": [problem.value] if problem.value else [],
    }
    body = {"errors": [error], "message": "Invalid Request"}
    return Answer(problem.status, body, objects, objects)


def name_problem(name: Any, too_large: str, invalid: str, parameter: str) -> Problem | None:
    """Return what is wrong with a name or an id: 250 letters, digits, hyphens and underscores."""
    if isinstance(name, str) and len(name) > CATALOG_NAME_CHARS:
        return Problem(too_large, parameter, name[:CATALOG_NAME_CHARS])
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return Problem(invalid, parameter)
    return None


def not_found(name: str) -> Problem:
    """Return the problem of a catalog that does not exist."""
    return Problem("catalog-not-found", "catalog_name", name, 404)


def now() -> str:
    """Return the time as catalogs tell it."""
    return times.text_of(datetime.now(UTC))


def list_catalogs(call: Call) -> Answer:
    """Return every catalog with its fields and how many items it has."""
    store = CatalogStore(call.store)
    told = [catalog.told(store.count(catalog.name)) for catalog in store.all()]
    return Answer(200, {"catalogs": told, "message": "success"}, len(told))


def create(call: Call) -> Answer:
    """Make one catalog."""
    store = CatalogStore(call.store)
    given = call.body.get("catalogs") if isinstance(call.body, dict) else None
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], dict):
        return refused(Problem("catalog-array-invalid", "catalogs"))
    name, description, fields = (given[0].get(key, "") for key in ("name", "description", "fields"))
    description = "" if description is None else description
    if not isinstance(description, str):
        return refused(Problem("catalog-array-invalid", "description"), 1)
    problem = name_problem(name, "catalog-name-too-large", "invalid-catalog-name", "name")
    if problem is None and store.find(name):
        problem = Problem("catalog-name-already-exists", "name", name)
    if problem is None and len(description) > CATALOG_NAME_CHARS:
        problem = Problem("description-too-long", "description")
    problem = problem or _fields_problem(fields, {}) or _first_problem(fields)
    if problem is not None:
        return refused(problem, 1)
    catalog = Catalog(name, description, {field["name"]: field["type"] for field in fields}, now())
    store.save(catalog)
    return Answer(201, {"catalogs": [catalog.told(0)], "message": "success"}, 1)


def _first_problem(fields: list[dict[str, str]]) -> Problem | None:
    first = fields[0] if fields else {}
    is_id = first.get("name") == "id" and first.get("type") == "string"
    return None if is_id else Problem("id-not-first-column", "fields")


def _fields_problem(fields: Any, known: Iterable[str]) -> Problem | None:
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        return Problem("invalid-fields", "fields")
    names = [field.get("name") for field in fields]
    for field in fields:
        name = field.get("name")
        problem = name_problem(name, "field-names-too-large", "invalid-field-names", "fields")
        if problem is None and str(field.get("type")) not in TYPES:
            problem = Problem("invalid-field-types", "fields", str(name))
        if problem is not None:
            return problem
    if len({*names, *known}) < len(names) + len(list(known)):
        return Problem("field-names-not-unique", "fields")
    return Problem("too-many-fields", "fields") if len(fields) > CATALOG_FIELD_COUNT else None


def delete(call: Call) -> Answer:
    """Remove a catalog with its items."""
    store, name = CatalogStore(call.store), call.path["catalog_name"]
    if store.find(name) is None:
        return refused(not_found(name))
    store.delete(name)
    return Answer(200, {"message": "success"}, 1)


def create_fields(call: Call) -> Answer:
    """Queue new fields of a catalog."""
    name = call.path["catalog_name"]
    catalog = CatalogStore(call.store).find(name)
    if catalog is None:
        return refused(not_found(name))
    fields = call.body.get("fields") if isinstance(call.body, dict) else None
    problem = _fields_problem(fields or None, catalog.fields)
    count = len(fields) if isinstance(fields, list) else 0
    if problem is None and count > OBJECTS:
        problem = Problem("request-includes-too-many-fields", "fields")
    if problem is None and count + len(catalog.fields) > CATALOG_FIELD_COUNT:
        problem = Problem("catalog-exceeds-fields-limit", "fields")
    if problem is not None:
        return refused(problem, count)
    added = {field["name"]: field["type"] for field in fields or ()}
    call.applier.submit("catalog_fields", [{"catalog": name, "add": added}])
    return Answer(202, {"message": "success"}, count)


def delete_field(call: Call) -> Answer:
    """Queue the removal of a field, with its values."""
    name, field = call.path["catalog_name"], call.path["field_name"]
    catalog = CatalogStore(call.store).find(name)
    if catalog is None:
        return refused(not_found(name))
    if field == "id" or field not in catalog.fields:
        return refused(Problem("invalid-field-name", "field_name", field))
    call.applier.submit("catalog_fields", [{"catalog": name, "remove": field}])
    return Answer(202, {"message": "success"}, 1)


def apply_fields(store: ProfileStore, _settings: Settings, changes: list[dict[str, Any]]) -> None:
    """Add and remove fields of catalogs that still exist."""
    catalogs = CatalogStore(store)
    for change in changes:
        catalog = catalogs.find(change["catalog"])
        if catalog is None:
            continue
        fields, removed = catalog.fields | change.get("add", {}), change.get("remove")
        fields.pop(removed, None)
        catalogs.save(dataclasses.replace(catalog, fields=fields, updated_at=now()))
        if removed is not None:
            path = f'$."{removed}"'
            store.connection.execute(
                "update catalog_items set item = json_remove(item, ?) where catalog = ?", (path, catalog.name)
            )
