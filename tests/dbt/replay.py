"""A reader of a sync table's log: what Braze's profiles hold once every row has been applied, in order."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from dbt_project import DbtProject

Profiles = dict[tuple[str, ...], dict[str, Any]]


def log_rows(project: DbtProject, table: str, identifiers: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows of the log in the order of their stamps."""
    columns = ["UPDATED_AT", *identifiers, "PAYLOAD", "braze_batch", "braze_row"]
    rows = project.sql(f"select {', '.join(columns)} from {table} order by UPDATED_AT, braze_row")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def replay(rows: list[dict[str, Any]], identifiers: tuple[str, ...]) -> Profiles:
    """Apply the rows to empty profiles: a null removes, anything else sets; a row without a payload deletes the user."""
    profiles: Profiles = {}
    for row in rows:
        key = tuple(row[column] for column in identifiers)
        if "PAYLOAD" not in row:
            profiles.pop(key, None)
            continue
        profile = profiles.setdefault(key, {})
        for name, value in json.loads(row["PAYLOAD"], parse_float=Decimal).items():
            if value is None:
                profile.pop(name, None)
            else:
                profile[name] = value
    return profiles


@dataclass
class CdiReader:
    """Cloud Data Ingestion's reader of a table: braze.com/docs says both that the newest stamp is read again, and that it is
    read again only when rows have been added at it; `inclusive` chooses.
    """

    inclusive: bool
    newest: datetime | None = None
    rows_at_newest: int = 0
    read: list[dict[str, Any]] = field(default_factory=list)

    def sync(self, table: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Read what is new in the table, and return it."""
        rows = sorted(table, key=lambda row: row["UPDATED_AT"])
        at_newest = sum(row["UPDATED_AT"] == self.newest for row in rows)
        again = self.inclusive or at_newest > self.rows_at_newest
        new = [
            row
            for row in rows
            if self.newest is None
            or row["UPDATED_AT"] > self.newest
            or (again and row["UPDATED_AT"] == self.newest)
        ]
        if new:
            self.newest = new[-1]["UPDATED_AT"]
            self.rows_at_newest = sum(row["UPDATED_AT"] == self.newest for row in rows)
        self.read += new
        return new

    def visit(self, table: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Come by once more, and return all that was read so far; one row at most is read a second time."""
        before = self.newest
        repeated = [row for row in self.sync(table) if before and row["UPDATED_AT"] <= before]
        assert len(repeated) == (1 if before and self.inclusive else 0)
        return self.read
