"""A rejected row as its table has it now, and what the table has later of the same user or item."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from braze_runner.engine.history import History
from braze_runner.engine.reader import SyncTable
from braze_runner.engine.stamps import StampReader, place_of
from braze_runner.plan import Planner
from braze_runner.plan.newest import subscription_group_of
from braze_runner.project import Sync
from braze_runner.state import OpenReject
from braze_runner.warehouse import Warehouse


class Found(NamedTuple):
    """The row with the columns that a planner reads, None where the table has it no more; and the later ones."""

    own: dict[str, Any] | None
    later: list[dict[str, Any]]


class Past(Protocol):
    """Looks up rejected rows in one table."""

    def place(self, reject: OpenReject) -> tuple[Any, str]:
        """Return how the table's rows are told apart, and the key of the user or item."""

    def of(self, rejects: Sequence[OpenReject]) -> list[Found]:
        """Return what there is of each reject."""


def past_of(warehouse: Warehouse, sync: Sync, table: SyncTable, planner: Planner) -> Past:
    """Return what looks up rejected rows in a sync's table."""
    if table.has_bookkeeping:
        return LogPast(History(warehouse, table, planner))
    return StampPast(StampReader(warehouse, sync, table, planner), sync.type)


class LogPast:
    """Rejects of a log, which has a user or item once in a batch."""

    def __init__(self, history: History) -> None:
        self._history = history

    def place(self, reject: OpenReject) -> tuple[Any, str]:
        """Return (batch, key)."""
        return reject.batch, reject.braze_row

    def of(self, rejects: Sequence[OpenReject]) -> list[Found]:
        """Return what there is of each reject."""
        history = self._history.of({reject.braze_row for reject in rejects})
        return [self._found(reject, history.get(reject.braze_row, [])) for reject in rejects]

    def _found(self, reject: OpenReject, rows: list[dict[str, Any]]) -> Found:
        own = next((row for row in rows if row["braze_batch"] == reject.batch), None)
        return Found(own, [row for row in rows if own is not None and row["stamp"] > own["stamp"]])


class StampPast:
    """Rejects of a table made by hand.

    Such a row may be several that were made one, so its payload is that of the reject. It takes the table as one that
    rows are added to, or that has one row of each user, in which a newer one takes the place of the older.
    """

    def __init__(self, reader: StampReader, sync_type: str) -> None:
        self._reader = reader
        self._type = sync_type

    def place(self, reject: OpenReject) -> tuple[dt.datetime, str]:
        """Return (stamp, key)."""
        return place_of(reject.braze_row)

    def of(self, rejects: Sequence[OpenReject]) -> list[Found]:
        """Return what there is of each reject."""
        users: dict[str, list[dict[str, Any]]] = {}
        for batch in self._reader.of_users({place_of(reject.braze_row)[1] for reject in rejects}):
            for row in batch.to_pylist():
                users.setdefault(row["user_key"], []).append(row)
        return [self._found(reject, users.get(place_of(reject.braze_row)[1], [])) for reject in rejects]

    def _found(self, reject: OpenReject, rows: list[dict[str, Any]]) -> Found:
        own = _own(reject, rows)
        if own is None:
            return Found(None, [])
        # Rows that name nobody are about nobody they share.
        is_named = any(own[name] for name in self._reader.identifiers)
        later = [row for row in rows if is_named and row["braze_row"] > own["braze_row"]]
        if "payload" in own:
            own = own | {"payload": reject.payload}
        if self._type == "subscription_groups":
            later = [row for row in later if _group(row["payload"]) == _group(reject.payload)]
        return Found(own, later)


def _own(reject: OpenReject, rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the row of a reject: one with its payload if there is one, for a row of the same stamp may come later."""
    stamp = reject.braze_row.rpartition("/")[0]
    same = [row for row in rows if row["braze_row"].rpartition("/")[0] == stamp]
    numbered = [row for row in same if row["braze_row"] == reject.braze_row]
    equal = [row for row in (*numbered, *same) if row.get("payload") == reject.payload]
    return next(iter((*equal, *numbered)), None)


def _group(payload: str | None) -> Any:
    return subscription_group_of(None if payload is None else payload.encode())
