"""What is looked at before users are deleted, which can't be undone."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from braze_runner.engine.reader import Batch, SyncTable, open_table, user_key
from braze_runner.engine.stamps import place_of
from braze_runner.errors import ConfigError
from braze_runner.plan.rows import Identifiers
from braze_runner.project import Sync
from braze_runner.warehouse import Warehouse

# Types whose rows make a profile; a user with a later one has come back.
_MAKING_PROFILES = ("attributes", "events", "purchases")
_KINDS = (("external_id",), ("alias_name", "alias_label"), ("braze_id",))


@dataclass(frozen=True)
class DeletionGuard:
    """How many users one run may delete; a share of those whom the attribute syncs know."""

    most: int = 1_000
    share: float = 0.1
    share_from: int = 100

    def problem(self, name: str, deletions: int, users: int) -> str:
        """Return why so many deletions are too many, or an empty text."""
        if deletions > self.most:
            return (
                f"{name} holds {deletions:,} deletions and a run may do {self.most:,}, so none was done: "
                f"look at them, then push with --max-deletes {deletions}."
            )
        # All of them may be more than those whom the attribute syncs know.
        share = self.share if self.share < 1 else math.inf
        if users and deletions > self.share_from and deletions > share * users:
            return (
                f"{name} holds deletions of {deletions:,} of {users:,} known users, more than {self.share:.0%}, "
                "so none was done: look at them, then push with a higher --max-delete-share."
            )
        return ""


class Deletions:
    """Questions about the rows of deletes syncs to the other tables of the project."""

    def __init__(self, warehouse: Warehouse, syncs: Sequence[Sync]) -> None:
        self.warehouse = warehouse
        self._tables = []
        for sync in syncs:
            if sync.type in (*_MAKING_PROFILES, "deletes"):
                try:
                    self._tables.append((sync, open_table(warehouse, sync)))
                except ConfigError:
                    continue  # a model that has not run yet knows nobody

    def users_known(self) -> int:
        """Return the users of the largest attributes sync."""
        counts = [0]
        for sync, table in self._tables:
            if sync.type == "attributes":
                key = "braze_row" if table.has_bookkeeping else _first_identifier(table)
                rows = self.warehouse.fetch_all(f"select count(distinct {key}) from {table.name}")  # noqa: S608 (quoted)
                counts.append(int(rows[0][0]))
        return max(counts)

    def of_users_who_returned(self, table: SyncTable, batch: Batch) -> frozenset[str]:
        """Return the ``braze_row`` of the batch's deletions whose user has a later row in any sync (R2).

        Of a table made by hand it is the user's hash, with which the keys of its rows begin.
        """
        found = self._newest_later(self._deletions_of(table, batch), table, _MAKING_PROFILES)
        return frozenset(row for _, row in found)

    def _deletions_of(self, table: SyncTable, batch: Batch) -> str:
        """Return the query of a batch's deletions; of a table made by hand a user's newest decides."""
        rows = f"from {table.name} where {batch.condition}"
        if table.has_bookkeeping:
            return f"select * {rows}"
        identifiers = [name for name in Identifiers._fields if name in table.columns]
        listed, user = ", ".join(identifiers), user_key(self.warehouse, table, identifiers)
        return (
            f"select {listed}, '' as braze_batch, {user} as braze_row, max(updated_at) as updated_at "
            f"{rows} group by {listed}"
        )

    def after_rows(self, table: SyncTable, rows: Iterable[str]) -> set[tuple[Any, str]]:
        """Return the places of those rows of a sync whose user was deleted later, and not made anew.

        A place is (braze_batch, braze_row), and of a table made by hand (stamp, user's hash); ``rows`` are given by
        the second of the two.
        """
        query = self._among(table, rows)
        deleted = self._newest_later(query, table, ("deletes",))
        made = self._newest_later(query, table, _MAKING_PROFILES) if deleted else {}
        return {key for key, stamp in deleted.items() if key not in made or made[key] < stamp}

    def before_returns(self, table: SyncTable, rows: Iterable[str]) -> set[tuple[Any, str]]:
        """Return the places of those deletions whose user has a later row in any sync."""
        return set(self._newest_later(self._among(table, rows), table, _MAKING_PROFILES))

    def before_deletions(self, table: SyncTable, rows: Iterable[str]) -> set[tuple[Any, str]]:
        """Return the places of those rows of a sync whose user was deleted later, made anew or not."""
        return set(self._newest_later(self._among(table, rows), table, ("deletes",)))

    def done_after(
        self, table: SyncTable, rows: Iterable[str], dropped: Callable[[str], set[tuple[str, str]]]
    ) -> set[tuple[Any, str]]:
        """Return the places of those rows of a sync whose user was deleted later, made anew or not.

        ``dropped`` gives (braze_batch, braze_row) of a sync's deletions that were never sent.
        """
        found, earlier = set(), self._among(table, rows)
        for sync, other in self._tables:
            for kind in _KINDS if sync.type == "deletes" else ():
                if set(kind) <= table.columns.keys() & other.columns.keys():
                    same = " and ".join(f"earlier.{column} = later.{column}" for column in kind)
                    deletions = self.warehouse.fetch_all(
                        "select earlier.braze_batch, earlier.braze_row, "  # noqa: S608 (quoted)
                        # BigQuery takes no two columns of one name, nor does Databricks' connector.
                        "later.braze_batch as later_batch, later.braze_row as later_row "
                        f"from ({earlier}) earlier join ({self._placed(other)}) later "
                        f"on {same} and later.updated_at > earlier.updated_at"
                    )
                    never_sent: set[tuple[Any, str]] = set(dropped(sync.unique_id))
                    if not other.has_bookkeeping:
                        never_sent = {place_of(row) for _, row in never_sent}
                    found |= {
                        (batch, row) for batch, row, *place in deletions if tuple(place) not in never_sent
                    }
        return found

    def _among(self, table: SyncTable, rows: Iterable[str]) -> str:
        listed = ", ".join(self.warehouse.literal(row) for row in sorted(rows))
        return f"select * from ({self._placed(table)}) placed where braze_row in ({listed})"  # noqa: S608 (quoted)

    def _placed(self, table: SyncTable) -> str:
        """Return the query of a table's rows with the columns of their place."""
        if table.has_bookkeeping:
            return f"select * from {table.name}"  # noqa: S608 (quoted)
        identifiers = [name for name in Identifiers._fields if name in table.columns]
        stamp = f"cast(updated_at as {self.warehouse.types['time']})"
        listed = ", ".join([*identifiers, "updated_at", f"{stamp} as braze_batch"])
        user = user_key(self.warehouse, table, identifiers)
        return f"select {listed}, {user} as braze_row from {table.name}"  # noqa: S608 (quoted)

    def _newest_later(
        self, rows_of: str, table: SyncTable, types: Sequence[str]
    ) -> dict[tuple[Any, str], dt.datetime]:
        """Return place -> newest later stamp in syncs of these types, of a query's rows."""
        newest: dict[tuple[Any, str], dt.datetime] = {}
        stamp = f"max(cast(later.updated_at as {self.warehouse.types['time']}))"
        for sync, other in self._tables:
            for kind in _KINDS if sync.type in types else ():
                if set(kind) <= table.columns.keys() & other.columns.keys():
                    same = " and ".join(f"earlier.{column} = later.{column}" for column in kind)
                    rows = self.warehouse.fetch_all(
                        f"select earlier.braze_batch, earlier.braze_row, {stamp} "  # noqa: S608 (quoted)
                        f"from ({rows_of}) earlier join {other.name} later "
                        f"on {same} and later.updated_at > earlier.updated_at "
                        "group by earlier.braze_batch, earlier.braze_row"
                    )
                    for batch, row, moment in rows:
                        newest[batch, row] = max(moment, newest.get((batch, row), moment))
        return newest


def _first_identifier(table: SyncTable) -> str:
    names = ("external_id", "alias_name", "braze_id", "email", "phone")
    return next((name for name in names if name in table.columns), "updated_at")
