"""Reads a CDI table that was made by hand, by Cloud Data Ingestion's own rule on ``UPDATED_AT``.

Braze docs, Cloud Data Ingestion: the newest stamp that was read is kept with the number of rows that had it. The
next run takes what is newer, and the rows with that very stamp too once there are more of them. What appears later
with an older stamp is never read, as in Cloud Data Ingestion.

What one push finds is a batch, named by its end: newest stamp and rows of it. Its rows are ordered by user, so that
those of one user are neighbours and become one (R2), and their keys hold nothing that other rows could change.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa

from braze_runner.engine.neighbours import Neighbours
from braze_runner.engine.reader import (
    RANGE_CHARACTERS,
    RANGE_ROWS,
    USER,
    Batch,
    SyncTable,
    identifiers_of,
    intervals,
    selected,
    streamed,
    user_key,
)
from braze_runner.errors import ConfigError
from braze_runner.plan import Planner
from braze_runner.plan.newest import fold_for
from braze_runner.project import Sync
from braze_runner.state import Position
from braze_runner.warehouse import Warehouse

_LONG_AGO = dt.datetime(1, 1, 1)  # noqa: DTZ001 (UTC without a zone)
_FORM = "%Y-%m-%dT%H:%M:%S.%f"
_ID = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})/(\d+)")


class End(NamedTuple):
    """Where a batch ends: its newest stamp, and how many rows had it."""

    stamp: str
    rows: int

    @classmethod
    def of(cls, batch: str) -> "End | None":
        """Read a batch's id; None for one that is none of such a table."""
        match = _ID.fullmatch(batch)
        return cls(match[1], int(match[2])) if match else None

    @property
    def id(self) -> str:
        """Return the id of the batch."""
        return f"{self.stamp}/{self.rows}"


class StampReader:
    """Reads by stamp what is new, and that by user; a row's key is user, stamp, and number of both."""

    def __init__(self, warehouse: Warehouse, sync: Sync, table: SyncTable, planner: Planner) -> None:
        self._warehouse = warehouse
        self._table = table.name
        self._name = sync.name
        self._fold = fold_for(sync.type)
        self.identifiers = identifiers_of(table, planner)
        if not self.identifiers:
            raise ConfigError(
                f"Model {sync.name}: {sync.type} are pushed from a table with braze_batch and braze_row alone."
            )
        self._user = user_key(warehouse, table, self.identifiers)
        self._time = f"cast(updated_at as {warehouse.types['time']})"
        listed = selected(warehouse, table, planner)
        # By every column, so that the numbers of rows that share user and stamp are the same in every run.
        order = ", ".join(str(place) for place in range(1, len(listed) + 3))
        self._columns = ", ".join([f"{self._user} as user_key", f"{self._time} as stamp", *listed])
        self._order = f"order by {order}"
        has_payload = "payload" in planner.required
        text = warehouse.as_text("payload", table.columns["payload"]) if has_payload else "''"
        self._size = f"sum(length({text}))"

    def pending(self, positions: Mapping[str, Position]) -> list[Batch]:
        """Return the batch that an earlier run left, if there is one, and what is new as another."""
        ends = {end: position for batch, position in positions.items() if (end := End.of(batch))}
        done = max((end for end, position in ends.items() if position.done), default=None)
        left = sorted(end for end in ends if not ends[end].done and (done is None or end > done))
        batches = []
        for place, end in enumerate(left):
            condition = f"{self._behind(done)} and {self._up_to(end.stamp)}"
            # First of all that is pending: what was begun is brought to its end.
            begun_at = _LONG_AGO + dt.timedelta(microseconds=place)
            batches.append(self._batch(condition, ends[end], end, f"left {place}", begun_at))
            done = end
        condition = self._behind(done)
        oldest, newest = self._bounds(condition)
        if newest is not None:
            stamp = newest.strftime(_FORM)
            end = End(stamp, self._count(stamp))
            condition += f" and {self._up_to(stamp)}"
            batches.append(self._batch(condition, Position(), end, "new", oldest))
        return batches

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Stream the rows behind the batch's mark, those of one user as few as they can be."""
        mark = batch.position.mark
        condition = batch.condition
        if mark:
            condition += f" and {self._user} >= {self._warehouse.literal(mark[:USER])}"
        for interval in intervals(self._user, batch.ranges, mark):
            rows = f"{self._table} where {condition}{interval} {self._order}"
            stream = streamed(self._warehouse, f"select {self._columns} from {rows}")  # noqa: S608 (quoted)
            yield from Neighbours(self.identifiers, self._fold, mark or "").of(stream)

    def of_users(self, users: Iterable[str]) -> Iterator[pa.RecordBatch]:
        """Stream all rows of some users, each as it is; ``users`` are the hashes with which keys begin."""
        listed = ", ".join(map(self._warehouse.literal, sorted(users)))
        rows = f"{self._table} where updated_at is not null and {self._user} in ({listed}) {self._order}"
        stream = streamed(self._warehouse, f"select {self._columns} from {rows}")  # noqa: S608 (quoted)
        return Neighbours(self.identifiers, None, "").of(stream)

    def _behind(self, end: End | None) -> str:
        """Return the condition of what stands behind an end."""
        if end is None:
            return "updated_at is not null"
        # More rows of that stamp than there were: which of them are the new ones, nobody can say.
        if self._count(end.stamp) > end.rows:
            return f"updated_at >= {self._literal(end.stamp)}"
        following = self._following(end.stamp)
        return f"updated_at >= {following}" if following else "1 = 0"

    def _up_to(self, stamp: str) -> str:
        """Return the condition of a stamp and what is older."""
        following = self._following(stamp)
        return f"updated_at < {following}" if following else "1 = 1"

    def _following(self, stamp: str) -> str:
        """Return the next microsecond as a literal, "" after the last; stamps of a table may be finer than that."""
        try:
            following = dt.datetime.strptime(stamp, _FORM) + dt.datetime.resolution  # noqa: DTZ007 (UTC without a zone)
        except OverflowError:
            return ""
        return self._literal(following.strftime(_FORM))

    def _bounds(self, condition: str) -> tuple[dt.datetime, dt.datetime | None]:
        """Return the oldest and the newest stamp of a condition's rows; raises ConfigError for rows without one."""
        if self._rows("updated_at is null"):
            raise ConfigError(f"Model {self._name}: rows without UPDATED_AT can't be pushed.")
        [(oldest, newest)] = self._warehouse.fetch_all(
            f"select min({self._time}), max({self._time}) from {self._table} where {condition}"  # noqa: S608 (quoted)
        )
        return oldest, newest

    def _batch(
        self, condition: str, position: Position, end: End, run: str, written_at: dt.datetime
    ) -> Batch:
        behind = f"{self._user} > {self._warehouse.literal((position.mark or '')[:USER])}"
        [(rows, left, characters)] = self._warehouse.fetch_all(
            f"select count(*), count(case when {behind} then 1 end), {self._size} "  # noqa: S608 (quoted)
            f"from {self._table} where {condition}"
        )
        ranges = max(-(-rows // RANGE_ROWS), -(-int(characters or 0) // RANGE_CHARACTERS), 1)
        newest = dt.datetime.strptime(end.stamp, _FORM)  # noqa: DTZ007 (UTC without a zone)
        return Batch(end.id, left, written_at, newest, position, ranges, condition, run)

    def _count(self, stamp: str) -> int:
        """Return how many rows have a stamp."""
        return self._rows(f"updated_at >= {self._literal(stamp)} and {self._up_to(stamp)}")

    def _rows(self, condition: str) -> int:
        rows = self._warehouse.fetch_all(f"select count(*) from {self._table} where {condition}")  # noqa: S608 (quoted)
        return int(rows[0][0])

    def _literal(self, stamp: str) -> str:
        return f"cast({self._warehouse.literal(stamp.replace('T', ' '))} as {self._warehouse.types['time']})"


def place_of(braze_row: str) -> tuple[dt.datetime, str]:
    """Return (stamp, user's hash) of a row's key; one of a log, which the table may have been, is nobody's here."""
    user, _, rest = braze_row.partition("/")
    stamp = rest.partition("/")[0]
    moment = dt.datetime.strptime(stamp, _FORM) if stamp else _LONG_AGO  # noqa: DTZ007 (UTC without a zone)
    return moment, user


def newest_read(positions: Mapping[str, Position]) -> dt.datetime | None:
    """Return up to which stamp a table was read to the end; None where it never was."""
    ends = [end for batch, position in positions.items() if position.done and (end := End.of(batch))]
    return dt.datetime.fromisoformat(max(ends).stamp) if ends else None
