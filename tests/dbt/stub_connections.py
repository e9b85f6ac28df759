"""Run dbt against a warehouse that nobody can reach: what it is asked is printed as `RUN <statement>`.

dbt connects to Redshift before any operation, and to Snowflake after one that failed.
"""

from pathlib import Path
from unittest.mock import MagicMock

import dbt_process


class Cursor(MagicMock):
    """Answers each query with no row, or with one if the query holds the text `found`."""

    description = (("column", 25),)
    rowcount = 0
    found = ""

    def execute(self, sql: str, *_: object, **__: object) -> "Cursor":
        """Note the statement, in one line."""
        print("RUN", " ".join(sql.split()), flush=True)  # noqa: T201 (read by the test)
        self.rows = [(1,)] if self.found and self.found in sql else []
        return self

    def fetchall(self) -> list[tuple[int]]:
        return self.rows

    def fetchone(self) -> tuple[int]:
        return (1,)


def invoke(arguments: tuple[str, ...], folder: Path, log: Path, found: str) -> int:
    """Like dbt_process.invoke, without a warehouse."""
    return dbt_process.run(_child, (found, arguments, str(folder), str(log)))


def _child(
    found: str, arguments: tuple[str, ...], folder: str, log: str, environment: dict[str, str]
) -> None:
    import redshift_connector  # noqa: PLC0415 (only in the child)
    import snowflake.connector  # noqa: PLC0415

    connection = MagicMock()
    connection.cursor = type("AnsweringCursor", (Cursor,), {"found": found})
    redshift_connector.connect = lambda **_: connection
    snowflake.connector.connect = lambda **_: connection
    dbt_process._child(arguments, folder, log, environment)
