"""The tables that Currents events are loaded to, and the ledger of the files that are in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa

from braze_runner.currents import catalogue
from braze_runner.warehouse import Transactional
from braze_runner.warehouse.names import schema_of

LEDGER = "braze_currents_files"
LEDGER_SCHEMA = pa.schema(
    [
        ("file_key", pa.string()),
        ("event_type", pa.string()),
        ("bytes", pa.int64()),
        ("rows", pa.int64()),
        ("loaded_at", pa.timestamp("us")),
    ]
)
LOADED_AT = "braze_loaded_at"
FILE = "braze_file"
_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.timestamp("us"): "TIMESTAMP",
}
_ARROW_TYPES = {sql_type: arrow_type for arrow_type, sql_type in _SQL_TYPES.items()}
_EXTRA = {LOADED_AT: pa.timestamp("us"), FILE: pa.string()}


class EventTables:
    """The schema of the event tables."""

    def __init__(self, warehouse: Transactional, schema: str) -> None:
        self.warehouse = warehouse
        self.schema = schema

    def create(self) -> None:
        """Create the schema, the ledger, and a table for every catalogued event, also for a quiet one."""
        with self.warehouse.transaction():
            self.warehouse.create_schema(schema_of(self.relation(LEDGER)))
            self._create_table(LEDGER, dict(zip(LEDGER_SCHEMA.names, LEDGER_SCHEMA.types, strict=True)))
            for event in catalogue.events().values():
                self.create_table(event.name, {})

    def create_table(self, event_type: str, columns: dict[str, pa.DataType]) -> None:
        """Create the table of an event type with the catalogue's columns, or these for an unknown one."""
        event = catalogue.events().get(event_type)
        if event is not None:
            columns = {field.name: catalogue.ARROW_TYPES[field.type] for field in event.fields}
        self._create_table(catalogue.table_name(event_type), columns | _EXTRA)

    def loaded_files(self) -> dict[str, int]:
        """Return the key of each loaded file, with its size in bytes."""
        rows = self.warehouse.fetch_all(f"select file_key, bytes from {self.relation(LEDGER)}")  # noqa: S608
        return dict(rows)

    @contextmanager
    def writing(self, event_type: str, loaded_at: datetime) -> Iterator["FileWriter"]:
        """Write files of one event type and their rows of the ledger in one transaction."""
        writer = FileWriter(self, event_type, loaded_at)
        yield writer
        if writer.files:
            with self.warehouse.transaction():
                writer.flush()

    def relation(self, name: str) -> str:
        """Return the quoted name of a table of this schema."""
        return self.warehouse.relation(self.schema, name)

    def _create_table(self, name: str, columns: dict[str, pa.DataType]) -> None:
        listed = ", ".join(
            f"{_quote(column)} {_SQL_TYPES[arrow_type]}" for column, arrow_type in columns.items()
        )
        self.warehouse.execute(f"create table if not exists {self.relation(name)} ({listed})")


class FileWriter:
    """Collects the files of one transaction, brought to the columns and types of their table."""

    def __init__(self, store: EventTables, event_type: str, loaded_at: datetime) -> None:
        self._store = store
        self._event_type = event_type
        self._loaded_at = loaded_at
        self._rows: list[pa.Table] = []
        self._ledger: list[tuple[str, str, int, int, datetime]] = []
        self._added: dict[str, pa.DataType] = {}
        types = store.warehouse.column_types(store.relation(catalogue.table_name(event_type)))
        self._is_new = not types
        self._columns = {name: _ARROW_TYPES.get(sql_type) for name, sql_type in types.items()}

    @property
    def files(self) -> int:
        """Number of files collected."""
        return len(self._ledger)

    @property
    def events(self) -> int:
        """Number of events in them."""
        return sum(entry[3] for entry in self._ledger)

    def add(self, key: str, size: int, rows: pa.Table) -> str | None:
        """Take a file, or return the sentence that says why its fields don't fit the table."""
        columns = self._columns | self._added
        known = {name.casefold(): name for name in columns}
        fitted: dict[str, Any] = {}
        for name in rows.column_names:
            target = known.get(name.casefold(), name)
            values = rows.column(name)
            wanted = columns.get(target, values.type)
            try:
                fitted[target] = values if wanted is None else values.cast(wanted)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                return f"its field {name} is {_SQL_TYPES[values.type]}, its column {_SQL_TYPES[wanted]}"
        self._added |= {name: values.type for name, values in fitted.items() if name not in columns}
        fitted[LOADED_AT] = pa.repeat(pa.scalar(self._loaded_at, pa.timestamp("us")), rows.num_rows)
        fitted[FILE] = pa.repeat(pa.scalar(key), rows.num_rows)
        self._rows.append(pa.table(fitted))
        self._ledger.append((key, self._event_type, size, rows.num_rows, self._loaded_at))
        return None

    def flush(self) -> None:
        """Write what was collected; a file that was loaded with another size before is replaced."""
        warehouse = self._store.warehouse
        table = self._store.relation(catalogue.table_name(self._event_type))
        if self._is_new:
            self._store.create_table(self._event_type, self._added)
        else:
            for name, arrow_type in self._added.items():
                warehouse.execute(f"alter table {table} add column {_quote(name)} {_SQL_TYPES[arrow_type]}")
            self._forget(table)
        # In one piece: DuckDB reads hundreds of small Arrow batches far slower than one large one.
        rows = pa.concat_tables(self._rows, promote_options="default").combine_chunks()
        warehouse.append(table, rows)
        columns = zip(zip(*self._ledger, strict=True), LEDGER_SCHEMA.types, strict=True)
        arrays = [pa.array(column, arrow_type) for column, arrow_type in columns]
        warehouse.append(self._store.relation(LEDGER), pa.Table.from_arrays(arrays, schema=LEDGER_SCHEMA))

    def _forget(self, table: str) -> None:
        ledger = self._store.relation(LEDGER)
        keys = ", ".join("'" + entry[0].replace("'", "''") + "'" for entry in self._ledger)
        known = self._store.warehouse.fetch_all(f"select 1 from {ledger} where file_key in ({keys}) limit 1")  # noqa: S608
        if known:
            self._store.warehouse.execute(f"delete from {table} where {FILE} in ({keys})")  # noqa: S608
            self._store.warehouse.execute(f"delete from {ledger} where file_key in ({keys})")  # noqa: S608


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
