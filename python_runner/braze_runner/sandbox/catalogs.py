"""Catalogs and their items in the sandbox's file, within the caller's transaction."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import orjson

from braze_runner.sandbox.profiles import ProfileStore


@dataclasses.dataclass(frozen=True, slots=True)
class Catalog:
    """One catalog; ``fields`` is name -> type, ``id`` first."""

    name: str
    description: str
    fields: dict[str, str]
    updated_at: str

    def told(self, items: int) -> dict[str, Any]:
        """Return the catalog as Braze lists it."""
        fields = [{"name": name, "type": kind} for name, kind in self.fields.items()]
        return {
            "name": self.name,
            "description": self.description,
            "fields": fields,
            "num_items": items,
            "updated_at": self.updated_at,
        }


class CatalogStore:
    """The tables ``catalogs`` and ``catalog_items``."""

    def __init__(self, store: ProfileStore) -> None:
        self._connection = store.connection

    def all(self) -> list[Catalog]:
        """Return every catalog by name."""
        rows = self._connection.execute("select * from catalogs order by name")
        return [Catalog(name, text, orjson.loads(fields), at) for name, text, fields, at in rows]

    def find(self, name: str) -> Catalog | None:
        """Return the catalog of this name, or None."""
        return next((catalog for catalog in self.all() if catalog.name == name), None)

    def save(self, catalog: Catalog) -> None:
        """Insert or replace a catalog."""
        self._connection.execute(
            "insert or replace into catalogs values (?, ?, ?, ?)",
            (catalog.name, catalog.description, orjson.dumps(catalog.fields).decode(), catalog.updated_at),
        )

    def delete(self, name: str) -> None:
        """Remove a catalog with its items."""
        self._connection.execute("delete from catalog_items where catalog = ?", (name,))
        self._connection.execute("delete from catalogs where name = ?", (name,))

    def count(self, name: str) -> int:
        """Return how many items a catalog has."""
        sql = "select count(*) from catalog_items where catalog = ?"
        return int(self._connection.execute(sql, (name,)).fetchone()[0])

    def item(self, catalog: str, item_id: str) -> dict[str, Any] | None:
        """Return one item without its id, or None."""
        row = self._connection.execute(
            "select item from catalog_items where catalog = ? and id = ?", (catalog, item_id)
        ).fetchone()
        return None if row is None else dict(orjson.loads(row[0]))

    def page(self, catalog: str, after: int, size: int) -> list[tuple[int, dict[str, Any]]]:
        """Return (position, item with its id) of the items behind a position, in order of creation."""
        rows = self._connection.execute(
            "select number, id, item from catalog_items where catalog = ? and number > ? order by number limit ?",
            (catalog, after, size),
        )
        return [(number, {"id": item_id} | orjson.loads(item)) for number, item_id, item in rows]

    def position_before(self, catalog: str, first: int, size: int) -> int | None:
        """Return the position from which a page leads up to ``first``; None where nothing is before it."""
        rows = self._connection.execute(
            "select number from catalog_items where catalog = ? and number < ? order by number desc limit ?",
            (catalog, first, size),
        ).fetchall()
        return rows[-1][0] - 1 if rows else None

    def put(self, catalog: str, items: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Insert or replace (id, item without its id)."""
        self._connection.executemany(
            "insert into catalog_items (catalog, id, item) values (?, ?, ?)"
            " on conflict (catalog, id) do update set item = excluded.item",
            [(catalog, item_id, orjson.dumps(item).decode()) for item_id, item in items],
        )

    def remove(self, catalog: str, item_id: str) -> bool:
        """Remove an item; False if there is none."""
        sql = "delete from catalog_items where catalog = ? and id = ?"
        return self._connection.execute(sql, (catalog, item_id)).rowcount > 0
