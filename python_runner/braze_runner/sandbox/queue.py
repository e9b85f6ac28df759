"""What was accepted and is not applied yet: rows of the sandbox's file, so a restart loses none."""

from typing import Any, NamedTuple

import orjson

from braze_runner.sandbox.profiles import ProfileStore


class Queued(NamedTuple):
    """One request's accepted work; ``due`` is in seconds of the clock."""

    id: int
    due: float
    kind: str
    items: list[Any]


class Queue:
    """The table ``queue``; the caller holds the store's transaction."""

    def __init__(self, store: ProfileStore) -> None:
        self._connection = store.connection

    def put(self, due: float, kind: str, items: list[Any]) -> None:
        """Add one request's work; named tuples become arrays."""
        written = orjson.dumps(items, default=list).decode()
        self._connection.execute(
            "insert into queue (due, kind, items) values (?, ?, ?)", (due, kind, written)
        )

    def first(self) -> Queued | None:
        """Return what is due first, or None."""
        row = self._connection.execute(
            "select id, due, kind, items from queue where failed is null order by due, id limit 1"
        ).fetchone()
        return None if row is None else Queued(row[0], row[1], row[2], orjson.loads(row[3]))

    def first_due(self) -> float | None:
        """Return the time of what is due first, or None."""
        row = self._connection.execute("select min(due) from queue where failed is null").fetchone()
        return None if row[0] is None else float(row[0])

    def holds(self, queued: Queued) -> bool:
        """Say whether work still waits."""
        sql = "select 1 from queue where id = ? and failed is null"
        return self._connection.execute(sql, (queued.id,)).fetchone() is not None

    def remove(self, queued: Queued) -> None:
        """Take out what is applied."""
        self._connection.execute("delete from queue where id = ?", (queued.id,))

    def keep_failed(self, queued: Queued, reason: str) -> None:
        """Leave what the sandbox failed on in the table, never to be tried again."""
        self._connection.execute("update queue set failed = ? where id = ?", (reason, queued.id))
