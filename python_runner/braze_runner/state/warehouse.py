"""The state in the user's warehouse: three insert-only tables, created when missing."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from typing import Any

import pyarrow as pa

from braze_runner import __version__
from braze_runner.errors import ConfigError
from braze_runner.plan import Reject
from braze_runner.project import Location
from braze_runner.state.records import COLUMN_TYPES, SCHEMAS, LedgerEntry, Position, RunRecord
from braze_runner.warehouse import Warehouse


def utc_now() -> dt.datetime:
    """Return the time in UTC without a zone, as the tables hold it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class WarehouseState:
    """State of one destination, written by one run.

    Rows are only added, so readers need no order: a batch's mark is the highest one in the ledger.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        tables: Mapping[str, Location],
        destination: str,
        run_id: str,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._warehouse = warehouse
        self._tables = tables
        self._destination = destination
        self._run_id = run_id
        self._now = now
        self._sequence = count(1)

    def prepare(self) -> None:
        """Create the tables, and their schema, where they are missing."""
        for name, columns in SCHEMAS.items():
            place, warehouse = self._tables[name], self._warehouse
            schema = place.schema or warehouse.schema
            if warehouse.column_types(schema, place.name):
                continue
            types = [f"{field.name} {warehouse.types[COLUMN_TYPES[field.type]]}" for field in columns]
            warehouse.create_schema(schema, place.database)
            warehouse.execute(f"create table if not exists {self._relation(name)} ({', '.join(types)})")

    def bind(self, host: str) -> None:
        """Tie the destination to a REST host on first use; raises ConfigError when it is another one."""
        ledger, destination = self._relation("braze_sync_ledger"), self._warehouse.literal(self._destination)
        rows = self._warehouse.fetch_all(
            f"select rest_host from {ledger} "  # noqa: S608 (quoted)
            f"where destination = {destination} and entry = 'bound' order by recorded_at, seq limit 1"
        )
        if not rows:
            self._append("braze_sync_ledger", [self._entry(sync="", entry="bound", rest_host=host)])
        elif rows[0][0] != host:
            raise ConfigError(
                f"The destination {self._destination} belongs to {rows[0][0]}, not to {host}: "
                "set BRAZE_DESTINATION to a name for the other one."
            )

    def positions(self, sync: str) -> dict[str, Position]:
        """Return batch -> position for each batch of a sync that the destination knows."""
        ledger, literal = self._relation("braze_sync_ledger"), self._warehouse.literal
        rows = self._warehouse.fetch_all(
            "select braze_batch, max(braze_row), max(case when entry = 'done' then 1 else 0 end) "  # noqa: S608 (quoted)
            f"from {ledger} where destination = {literal(self._destination)} and sync = {literal(sync)} "
            "and entry in ('progress', 'done') group by braze_batch"
        )
        return {batch: Position(mark, bool(done)) for batch, mark, done in rows}

    def save(
        self, sync: str, entries: Sequence[LedgerEntry], rejects: Mapping[str, Sequence[Reject]]
    ) -> None:
        """Record the rejects (by batch) that progress passes, then the progress."""
        ledger = [
            self._entry(
                sync=sync,
                entry="done" if entry.done else "progress",
                braze_batch=entry.batch,
                braze_row=entry.mark or None,
                rows_sent=entry.rows_sent,
                rows_rejected=entry.rows_rejected,
            )
            for entry in entries
        ]
        rejected = [
            self._reject(sync, batch, reject) for batch, of_batch in rejects.items() for reject in of_batch
        ]
        # The ledger last: what it passes is in the rejects then, whatever comes between.
        self._append("braze_sync_rejects", rejected)
        self._append("braze_sync_ledger", ledger)

    def record_run(self, sync: str, record: RunRecord, counts: Mapping[str, int]) -> None:
        """Record the start or the end of a run of one sync."""
        row = asdict(record) | dict(counts) | {"sync": sync, "runner_version": __version__}
        self._append("braze_sync_runs", [row | self._common()])

    def _entry(self, **values: Any) -> dict[str, Any]:
        return values | {"seq": next(self._sequence), "fence": 0} | self._common()

    def _reject(self, sync: str, batch: str, reject: Reject) -> dict[str, Any]:
        texts = {
            "identifier": reject.identifier.decode(),
            # What is not valid UTF-8 can't be stored as text otherwise.
            "payload": None if reject.payload is None else reject.payload.decode(errors="backslashreplace"),
        }
        row = {"sync": sync, "braze_batch": batch, "status": "rejected"} | reject._asdict()
        return row | texts | self._common()

    def _common(self) -> dict[str, Any]:
        return {"destination": self._destination, "run_id": self._run_id, "recorded_at": self._now()}

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._warehouse.append(self._relation(name), pa.Table.from_pylist(rows, schema=SCHEMAS[name]))

    def _relation(self, name: str) -> str:
        place = self._tables[name]
        return self._warehouse.relation(place.schema or self._warehouse.schema, place.name, place.database)
