"""The state tables in a SQLite file, for credentials that may only read the warehouse.

All processes that have the file open have to be on one machine (sqlite.org, Write-Ahead Logging).
"""

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.state.records import SCHEMAS

_TYPES = {pa.string(): "text", pa.int64(): "integer", pa.timestamp("us"): "timestamp"}
_WAIT_SECONDS = 30.0


class FileTables:
    """The tables in one file; it must not be lost, or everything that is pending by it is sent again.

    With ``read_only`` it is left as it is, and has to be there, as with ``must_exist``.
    """

    is_local = True

    def __init__(self, path: Path, *, read_only: bool = False, must_exist: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        if (read_only or must_exist) and not path.is_file():
            raise ConfigError(f"There is no state file {path}.")
        try:
            if not read_only:
                path.touch(mode=0o600)  # rejects are in it with their payloads
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
                timeout=_WAIT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                uri=True,
            )
            if not read_only:
                self._connection.execute("pragma journal_mode = wal")
            # What is recorded has to outlast the machine, not only the process.
            self._connection.execute("pragma synchronous = full")
        except (sqlite3.Error, OSError) as exc:
            raise ConfigError(f"The state file {path} can't be used: {exc}.") from exc

    def prepare(self) -> None:
        """Create the tables, and add the columns, that are missing."""
        for table, columns in SCHEMAS.items():
            types = {field.name: _TYPES[field.type] for field in columns}
            listed = ", ".join(f"{name} {type_}" for name, type_ in types.items())
            self._execute(f"create table if not exists {table} ({listed})")
            present = {row[1] for row in self.fetch_all(f"pragma table_info({table})")}
            for name in types.keys() - present:
                self._execute(f"alter table {table} add column {name} {types[name]}")

    def exist(self) -> bool:
        """Say whether there is a ledger."""
        return bool(self.fetch_all("select 1 from sqlite_master where name = 'braze_sync_ledger'"))

    def name_of(self, table: str) -> str:
        """Return the table's name."""
        return table

    def literal(self, text: str) -> str:
        """Return a text as a quoted literal."""
        return "'" + text.replace("'", "''") + "'"

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query; a text in the form of a time comes out as one."""
        with self._lock, _plain_errors(self._path):
            rows = self._connection.execute(sql).fetchall()
        return [tuple(_read(value) for value in row) for row in rows]

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows, all or none."""
        names = SCHEMAS[table].names
        marks = ", ".join("?" * len(names))
        values = [tuple(_write(row.get(name)) for name in names) for row in rows]
        with self._lock, _plain_errors(self._path):
            self._connection.execute("begin immediate")
            try:
                sql = f"insert into {table} ({', '.join(names)}) values ({marks})"  # noqa: S608 (own names)
                self._connection.executemany(sql, values)
                self._connection.execute("commit")
            except BaseException:
                self._connection.rollback()
                raise

    def now(self) -> dt.datetime:
        """Return the machine's time: a file is shared by processes of one machine."""
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _execute(self, sql: str) -> None:
        with self._lock, _plain_errors(self._path):
            self._connection.execute(sql)


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise StoppedError(f"The state file {path} refused a statement: {exc}") from exc


def _write(value: Any) -> Any:
    return value.isoformat(sep=" ", timespec="microseconds") if isinstance(value, dt.datetime) else value


def _read(value: Any) -> Any:
    """Turn a text in the one form that ``_write`` gives times back into a time."""
    if isinstance(value, str) and len(value) == 26 and value[10:11] == " ":
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007 (UTC without a zone)
        except ValueError:
            return value
    return value
