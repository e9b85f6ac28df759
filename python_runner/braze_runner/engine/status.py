"""Where each sync stands: what is pending, how far it has come, how its last run went. Reads, and writes nothing."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from braze_runner.engine.inputs import Input
from braze_runner.engine.reader import Batch, SyncTable, open_table
from braze_runner.engine.select import matching_syncs
from braze_runner.engine.session import Place, opened
from braze_runner.engine.stamps import newest_read
from braze_runner.errors import ConfigError
from braze_runner.project import Project, Sync, read_project
from braze_runner.state import Claim, LastRun, holders
from braze_runner.warehouse import DbtOptions, Warehouse

Concern = Literal["pending", "rejects", "error"]


@dataclass(frozen=True)
class SyncStatus:
    """One sync; what is not known is None.

    ``watermark`` is the newest UPDATED_AT that the destination has acknowledged, ``newest`` that of the table, both
    UTC. ``unknown`` counts objects that may have arrived. ``problem`` says why the table can't be read.
    """

    name: str
    type: str
    deliver: str
    pending_rows: int | None = None
    pending_batches: int | None = None
    watermark: dt.datetime | None = None
    newest: dt.datetime | None = None
    rejected: int = 0
    unknown: int = 0
    last_run: LastRun | None = None
    lease: Claim | None = None
    problem: str | None = None

    @property
    def lag(self) -> dt.timedelta | None:
        """Return how far the newest row is ahead of the watermark; None where one of them is missing."""
        if self.watermark is None or self.newest is None:
            return None
        return max(self.newest - self.watermark, dt.timedelta())

    @property
    def run_status(self) -> str:
        """Return how the last run ended; one without an end is ``running`` while it holds the lease."""
        if self.last_run is None:
            return "never"
        if self.last_run.ended_at is not None:
            return self.last_run.status
        return "running" if self.lease and self.lease.run_id == self.last_run.run_id else "killed"

    def is_of(self, concern: Concern) -> bool:
        """Say whether there is something of this kind to look after."""
        if concern == "pending":
            return bool(self.pending_rows)
        if concern == "rejects":
            return bool(self.rejected or self.unknown)
        return self.problem is not None or self.run_status in ("error", "interrupted", "killed")

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--output json``; the lag is in seconds."""
        lag, run = self.lag, self.last_run
        lease = None if self.lease is None else {"run_id": self.lease.run_id, "pid": self.lease.pid}
        if self.lease and lease:
            lease["expires_at"] = self.lease.expires_at
        return {name: getattr(self, name) for name in _SHOWN} | {
            "lag_seconds": None if lag is None else lag.total_seconds(),
            "last_run": None if run is None else run._asdict() | {"status": self.run_status},
            "lease": lease,
        }


_SHOWN = [name for name in SyncStatus.__dataclass_fields__ if name not in ("last_run", "lease")]


@dataclass(frozen=True)
class Status:
    """The syncs at one destination; ``host`` is None before the first push to it."""

    destination: str
    host: str | None
    syncs: list[SyncStatus] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--output json``."""
        return asdict(self) | {"syncs": [each.as_dict() for each in self.syncs]}


def read_status(
    options: DbtOptions,
    destination: str,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    state_file: Path | None = None,
) -> Status:
    """Return where the syncs stand; raises ConfigError when there is no project, warehouse or such sync."""
    project: Project = read_project(options)
    syncs = matching_syncs(project.syncs, select, exclude)
    with opened(options, destination, state_file, project, read_only=True) as place:
        return _Reading(place, syncs).status()


class _Reading:
    """What the state says of all syncs, read once; nothing of it where there are no state tables yet."""

    def __init__(self, place: Place, syncs: Sequence[Sync]) -> None:
        self._warehouse = place.warehouse
        self._state = state = place.state
        self._syncs = syncs
        self._has_state = state.tables.exist()
        claims = holders(state, [sync.unique_id for sync in syncs]) if self._has_state else []
        self._claims = {claim.sync: claim for claim in claims}
        self._runs = state.last_runs() if self._has_state else {}
        self._stamps = state.newest_stamps() if self._has_state else {}
        self._rejects = state.count_open_rejects() if self._has_state else {}

    def status(self) -> Status:
        """Look at each table."""
        host = self._state.bound_host() if self._has_state else None
        return Status(self._state.destination, host, [self._of(sync) for sync in self._syncs])

    def _of(self, sync: Sync) -> SyncStatus:
        rejects = self._rejects.get(sync.unique_id, {})
        known: dict[str, Any] = {
            "name": sync.name,
            "type": sync.type,
            "deliver": sync.deliver,
            "rejected": rejects.get("rejected", 0),
            "unknown": rejects.get("unknown", 0),
            "last_run": self._runs.get(sync.unique_id),
            "lease": self._claims.get(sync.unique_id),
        }
        try:
            return SyncStatus(**known, **self._progress(sync))
        except ConfigError as exc:
            return SyncStatus(**known, problem=str(exc))

    def _progress(self, sync: Sync) -> dict[str, Any]:
        """Return how far the destination has come in a table; of one that Braze reads, its newest stamp alone."""
        if sync.deliver == "cdi":
            return {"newest": _newest(self._warehouse, open_table(self._warehouse, sync), [])[0]}
        each = Input(self._warehouse, sync, "total")
        positions = self._state.positions(sync.unique_id) if self._has_state else {}
        batches = each.reader.pending(positions)
        newest, acknowledged = _newest(self._warehouse, each.table, batches if positions else None)
        # What was acknowledged may have been pruned from the log since.
        stamps = [acknowledged if each.table.has_bookkeeping else newest_read(positions)]
        stamps.append(self._stamps.get(sync.unique_id))
        return {
            "pending_rows": sum(batch.rows for batch in batches),
            "pending_batches": len(batches),
            "newest": newest,
            "watermark": max((stamp for stamp in stamps if stamp is not None), default=None),
        }


def _newest(
    warehouse: Warehouse, table: SyncTable, pending: Sequence[Batch] | None
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the newest stamp of a table, and of the batches that are not pending; None: all of them are."""
    stamp, ids = f"cast(updated_at as {warehouse.types['time']})", [batch.id for batch in pending or ()]
    if pending is None or not table.has_bookkeeping:
        condition = "1 = 0"
    else:
        listed = ", ".join(map(warehouse.literal, ids))
        condition = f"braze_batch not in ({listed})" if ids else "1 = 1"
    rows = warehouse.fetch_all(
        f"select max({stamp}), max(case when {condition} then {stamp} end) from {table.name}"  # noqa: S608 (quoted)
    )
    newest, acknowledged = rows[0]
    return newest, acknowledged
