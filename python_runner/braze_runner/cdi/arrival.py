"""How far a sync table has arrived in Braze: our newest ``UPDATED_AT`` against Braze's last one."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from braze_runner.cdi.client import Job, read_time
from braze_runner.errors import ConfigError
from braze_runner.project import Project, Sync
from braze_runner.warehouse import Warehouse


@dataclass(frozen=True)
class Arrival:
    """``newest`` is the table's newest stamp, ``synced_to`` Braze's, both UTC; ``newer`` counts rows in between."""

    model: str
    rows: int
    newest: dt.datetime | None
    synced_to: dt.datetime | None
    newer: int

    @property
    def is_complete(self) -> bool:
        """Say whether no row is left."""
        return self.newer == 0

    @property
    def sentence(self) -> str:
        """Say it plainly."""
        if self.newest is None:
            return f"{self.model}: the table is empty, so there is nothing to arrive."
        if self.synced_to is None:
            return f"{self.model}: Braze names no row that it has synced; the table has {self.rows:,}."
        if self.is_complete:
            return f"{self.model}: everything up to {_shown(self.newest)} has arrived."
        return (
            f"{self.model}: {self.newer:,} of {self.rows:,} rows are newer than {_shown(self.synced_to)}, "
            f"which Braze synced last; the newest is of {_shown(self.newest)}."
        )


class SyncTable:
    """The table of a sync that Braze reads."""

    def __init__(self, warehouse: Warehouse, sync: Sync) -> None:
        self._warehouse = warehouse
        self._model = sync.name
        self._table = sync.table.relation_in(warehouse)

    def newest(self) -> dt.datetime | None:
        """Return the newest stamp, in UTC without a zone."""
        time = self._warehouse.types["time"]
        [(newest,)] = self._warehouse.fetch_all(f"select cast(max(updated_at) as {time}) from {self._table}")  # noqa: S608 (quoted)
        return _naive(newest)

    def arrival(self, jobs: Iterable[Job], until: dt.datetime | None = None) -> Arrival:
        """Compare with the last stamp that any of these jobs has synced; rows after ``until`` don't count."""
        time = self._warehouse.types["time"]

        def stamp(moment: dt.datetime) -> str:
            return f"cast({self._warehouse.literal(moment.isoformat(' ', 'microseconds'))} as {time})"

        updated_at = f"cast(updated_at as {time})"
        synced_to = max((each for each in map(_synced_to, jobs) if each), default=None)
        old = f"{updated_at} < {stamp(synced_to[0] + synced_to[1])}" if synced_to else "1 = 0"
        where = f" where {updated_at} <= {stamp(until)}" if until else ""
        [(rows, newest, arrived)] = self._warehouse.fetch_all(
            f"select count(*), max({updated_at}), count(case when {old} then 1 end) from {self._table}{where}"  # noqa: S608 (quoted)
        )
        return Arrival(
            self._model, rows, _naive(newest), synced_to[0] if synced_to else None, int(rows) - int(arrived)
        )


def find_cdi_sync(project: Project, name: str) -> Sync:
    """Return the sync with this model name or unique id; raises ConfigError unless Braze reads it itself."""
    found = [sync for sync in project.syncs if name in (sync.name, sync.unique_id)]
    if not found:
        names = ", ".join(sync.name for sync in project.syncs) or "none"
        raise ConfigError(f"{name} is not a sync; syncs: {names}.")
    if found[0].deliver != "cdi":
        raise ConfigError(f"Braze does not read model {found[0].name}: it is pushed (deliver: rest).")
    return found[0]


def _synced_to(job: Job) -> tuple[dt.datetime, dt.timedelta] | None:
    """Return what a job has synced, and the step in which Braze shows it: rows within one step can't be told apart."""
    time = read_time(job.last_timestamp_synced)
    if time is None:
        return None
    digits = re.search(r"[.,](\d+)", job.last_timestamp_synced)
    shown = min(len(digits[1]), 6) if digits else 0
    return time.replace(tzinfo=None), dt.timedelta(microseconds=10 ** (6 - shown))


def _naive(time: dt.datetime | None) -> dt.datetime | None:
    return time.astimezone(dt.UTC).replace(tzinfo=None) if time and time.tzinfo else time


def _shown(time: dt.datetime) -> str:
    return f"{time.isoformat(' ')} UTC"
