"""A reader of a sync table's log: what Braze's profiles hold once every row has been applied, in order."""

import json
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
    """Apply the rows to empty profiles: a null removes, anything else sets."""
    profiles: Profiles = {}
    for row in rows:
        key = tuple(row[column] for column in identifiers)
        profile = profiles.setdefault(key, {})
        for name, value in json.loads(row["PAYLOAD"], parse_float=Decimal).items():
            if value is None:
                profile.pop(name, None)
            else:
                profile[name] = value
    return profiles
