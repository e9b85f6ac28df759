"""Where the state tables are: beside the sync tables in the warehouse, or in a file."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

from braze_runner.project import Location
from braze_runner.state.records import COLUMN_TYPES, SCHEMAS
from braze_runner.warehouse import Warehouse
from braze_runner.warehouse.arrow import table_of
from braze_runner.warehouse.names import schema_of


class Tables(Protocol):
    """The three tables of ``SCHEMAS``, and the clock of whoever keeps them.

    ``is_local``: only processes of this machine have them, and the clock is the machine's.
    """

    is_local: bool

    def prepare(self) -> None:
        """Create the tables, and add the columns, that are missing."""

    def exist(self) -> bool:
        """Say whether there is a ledger."""

    def name_of(self, table: str) -> str:
        """Return the quoted name of one of the tables."""

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal."""

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query whose result is known to be small; times come out as UTC without a zone."""

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows; a key that is missing is null."""

    def now(self) -> dt.datetime:
        """Return the time in UTC without a zone, by a clock that all who share the tables share."""


class WarehouseTables:
    """The tables in the user's warehouse."""

    is_local = False

    def __init__(self, warehouse: Warehouse, places: Mapping[str, Location]) -> None:
        self._warehouse = warehouse
        self._places = places

    def prepare(self) -> None:
        """Create the tables, their schema and their columns, where they are missing."""
        for table, columns in SCHEMAS.items():
            relation, warehouse = self.name_of(table), self._warehouse
            types = {field.name: warehouse.types[COLUMN_TYPES[field.type]] for field in columns}
            present = {name.lower() for name in warehouse.column_types(relation)}
            if present:
                for name in types.keys() - present:
                    warehouse.execute(f"alter table {relation} add column {name} {types[name]}")
                continue
            warehouse.create_schema(schema_of(relation))
            listed = ", ".join(f"{name} {type_}" for name, type_ in types.items())
            warehouse.execute(f"create table if not exists {relation} ({listed})")

    def exist(self) -> bool:
        """Say whether there is a ledger."""
        return bool(self._warehouse.column_types(self.name_of("braze_sync_ledger")))

    def name_of(self, table: str) -> str:
        """Return the quoted name of one of the tables."""
        return self._places[table].relation_in(self._warehouse)

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal."""
        return self._warehouse.literal(text)

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""
        return self._warehouse.fetch_all(sql)

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows."""
        self._warehouse.append(self.name_of(table), table_of(rows, SCHEMAS[table]))

    def now(self) -> dt.datetime:
        """Return the warehouse's time."""
        return self._warehouse.now()
