"""What rows of a sync table become: the same writes as objects of /users/track, deletions, catalog items.

Braze docs, "Cloud Data Ingestion", "Table setup". Texts of errors that Braze documents are its own.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

from braze_runner import times
from braze_runner.limits import PAYLOAD_BYTES, PAYLOAD_KEYS
from braze_runner.sandbox import people
from braze_runner.sandbox.apply import Write, apply_writes
from braze_runner.sandbox.catalogs import CatalogStore
from braze_runner.sandbox.cdi.syncs import CdiSync
from braze_runner.sandbox.endpoints.catalog_items import ACTIONS, values_problem
from braze_runner.sandbox.endpoints.catalogs import name_problem
from braze_runner.sandbox.endpoints.track import BAD_TIME, checked
from braze_runner.sandbox.identity import REQUIRED, SEVERAL
from braze_runner.sandbox.json_text import read_json
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings

TOO_LARGE = "Payload was greater than 1MB"
TIME_FORMAT = "Time must be string in ISO8601 Format"
TOO_MANY_KEYS = f"Payload has more than {PAYLOAD_KEYS} keys"
NO_OBJECT = "Payload is not a JSON object"
IDENTIFIER_INSIDE = "Payload holds an identifier"

_INSIDE = {"external_id", "user_alias", "braze_id", "alias_name", "alias_label"}

Row = dict[str, Any]


class RowError(NamedTuple):
    """A row that failed: the run goes on, and the row is not tried again."""

    updated_at: str
    identifier: str
    error: str


def apply_rows(store: ProfileStore, settings: Settings, sync: CdiSync, rows: list[Row]) -> list[RowError]:
    """Apply rows within one transaction; return those that failed."""
    return list(_APPLIERS[sync.type](store, settings, sync, rows))


def identifier_of(row: Row) -> dict[str, Any]:
    """Return the identifiers that a row has, in the form of /users/track; email wins over phone."""
    given: dict[str, Any] = {
        column.lower(): row[column]
        for column in ("EXTERNAL_ID", "BRAZE_ID", "EMAIL", "PHONE")
        if row.get(column) is not None
    }
    if row.get("ALIAS_NAME") is not None and row.get("ALIAS_LABEL") is not None:
        given["user_alias"] = {"alias_name": row["ALIAS_NAME"], "alias_label": row["ALIAS_LABEL"]}
    if "email" in given:
        given.pop("phone", None)
    return given


def _named(row: Row, kinds: set[str]) -> dict[str, Any] | str:
    """Return the identifier of a row that has one of these kinds alone, or what is wrong with it."""
    found = identifier_of(row)
    if len(found) > 1:
        return SEVERAL
    return found if found.keys() & kinds else REQUIRED


def _failed(row: Row, error: str) -> RowError:
    shown = row.get("ID") or next(iter(identifier_of(row).values()), "")
    text = shown if isinstance(shown, str) else orjson.dumps(shown).decode()
    return RowError(times.text_of(row["UPDATED_AT"]), text, error)


def _payload(row: Row, column: str = "PAYLOAD") -> dict[str, Any] | str:
    """Return the payload, or what is wrong with it."""
    text = row.get(column)
    encoded = text.encode() if isinstance(text, str) else b""
    if len(encoded) > PAYLOAD_BYTES:
        return TOO_LARGE
    try:
        payload = read_json(encoded)
    except ValueError:
        return NO_OBJECT
    if not isinstance(payload, dict):
        return NO_OBJECT
    if len(payload) > PAYLOAD_KEYS:
        return TOO_MANY_KEYS
    return IDENTIFIER_INSIDE if payload.keys() & _INSIDE else payload


def _apply_objects(
    store: ProfileStore, settings: Settings, sync: CdiSync, rows: list[Row]
) -> Iterable[RowError]:
    writes: list[Write] = []
    for row in rows:
        write = _write(settings, sync, row)
        if isinstance(write, Write):
            writes.append(write)
        else:
            yield _failed(row, write)
    apply_writes(store, settings, writes)


def _write(settings: Settings, sync: CdiSync, row: Row) -> Write | str:
    payload, named = _payload(row), identifier_of(row)
    if isinstance(payload, str):
        return payload
    if not named:  # an email in the payload is an attribute
        return REQUIRED
    item = payload | named
    if sync.update_existing_only:
        item["_update_existing_only"] = True
    if sync.type != "attributes" and item.get("time") is None:
        item["time"] = times.text_of(row["UPDATED_AT"])
    write = checked(sync.type, item, settings)
    if isinstance(write, Write):
        return write
    return TIME_FORMAT if write[0] == BAD_TIME else write[0]


def _apply_deletes(
    store: ProfileStore, _settings: Settings, _sync: CdiSync, rows: list[Row]
) -> Iterable[RowError]:
    for row in rows:
        named = _named(row, {"external_id", "user_alias", "braze_id"})
        if isinstance(named, str):
            yield _failed(row, named)
            continue
        profile = people.find(store, named)
        if profile is not None:
            people.delete(store, profile)


def _apply_items(
    store: ProfileStore, _settings: Settings, sync: CdiSync, rows: list[Row]
) -> Iterable[RowError]:
    catalogs = CatalogStore(store)
    catalog = catalogs.find(str(sync.catalog))
    if catalog is None:
        return
    for row in rows:
        item_id, payload = row.get("ID"), _payload(row)
        if isinstance(payload, str):
            yield _failed(row, payload)
            continue
        problem = name_problem(item_id, "ids-too-large", "invalid-ids", "ID")
        deleted = bool(row.get("DELETED"))
        if problem is None and not deleted:
            problem = values_problem(catalog, payload, "replace")
        if problem is not None:
            yield _failed(row, problem.id)
            continue
        ACTIONS["delete" if deleted else "replace"](catalogs, catalog, str(item_id), payload)


def _apply_triggers(
    store: ProfileStore, _settings: Settings, sync: CdiSync, rows: list[Row]
) -> Iterable[RowError]:
    """Note who would enter the Canvas: users that exist; nothing is stored on their profiles."""
    for row in rows:
        properties, named = _payload(row, "PROPERTIES"), _named(row, {"external_id", "user_alias"})
        if isinstance(properties, str) or isinstance(named, str):
            yield _failed(row, properties if isinstance(properties, str) else str(named))
            continue
        profile = people.find(store, named)
        if profile is not None:
            store.connection.execute(
                "insert into canvas_entries values (null, ?, ?, ?)",
                (sync.id, profile.id, orjson.dumps(properties).decode()),
            )


_Applier = Callable[[ProfileStore, Settings, CdiSync, list[Row]], Iterable[RowError]]

_APPLIERS: dict[str, _Applier] = {
    "attributes": _apply_objects,
    "events": _apply_objects,
    "purchases": _apply_objects,
    "deletes": _apply_deletes,
    "catalog_items": _apply_items,
    "canvas_triggers": _apply_triggers,
}
