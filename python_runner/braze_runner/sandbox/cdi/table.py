"""A sync table of a DuckDB file, read from a copy: one process owns the file, and it is not this one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from braze_runner.errors import StoppedError

COPIES = 20
BATCH_ROWS = 500  # requests are answered between batches


@contextmanager
def copied(warehouse: Path) -> Iterator[Any]:
    """Open a connection to a private copy of the file; StoppedError for whatever DuckDB fails on inside."""
    import duckdb  # noqa: PLC0415 (only this endpoint needs it)

    with tempfile.TemporaryDirectory(prefix="braze_sandbox_") as folder:
        copy = Path(folder) / "warehouse.duckdb"
        _copy(warehouse, copy)
        try:
            with duckdb.connect(str(copy)) as connection:
                connection.execute("set timezone = 'UTC'")
                yield connection
        except duckdb.Error as exc:
            raise StoppedError(f"The warehouse can't be read: {type(exc).__name__}.") from exc


def _copy(warehouse: Path, copy: Path) -> None:
    """Copy the file with its write-ahead log, again if somebody wrote to them meanwhile."""
    for _ in range(COPIES):
        before = _stamps(warehouse)
        try:
            shutil.copyfile(warehouse, copy)
            _log_of(copy).unlink(missing_ok=True)
            if _log_of(warehouse).exists():
                shutil.copyfile(_log_of(warehouse), _log_of(copy))
        except OSError as exc:
            raise StoppedError("The warehouse file can't be copied.") from exc
        if _stamps(warehouse) == before:
            return
    raise StoppedError("The warehouse file is being written all the time.")


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _stamps(warehouse: Path) -> list[tuple[int, int]]:
    found = (path.stat() for path in (warehouse, _log_of(warehouse)) if path.exists())
    return [(stat.st_mtime_ns, stat.st_size) for stat in found]


class SyncTable:
    """One table of the copy; stamps are UTC, without a zone, to the microsecond."""

    def __init__(self, connection: Any, table: str) -> None:
        self._connection = connection
        self._name = ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
        self.columns = self._columns()

    def _columns(self) -> list[str]:
        described = self._connection.execute(f"describe {self._name}").fetchall()
        return [row[0].upper() for row in described]

    def count_at(self, stamp: datetime) -> int:
        """Return how many rows have exactly this stamp."""
        sql = f"select count(*) from {self._name} where {_STAMP} = ?"  # noqa: S608 (quoted)
        return int(self._connection.execute(sql, [stamp]).fetchone()[0])

    def selected(self, since: datetime | None, *, inclusive: bool) -> tuple[int, datetime | None]:
        """Return how many rows are to be synced, and the newest stamp among them."""
        where, values = _where(since, inclusive=inclusive)
        sql = f"select count(*), max({_STAMP}) from {self._name} {where}"  # noqa: S608 (quoted)
        count, newest = self._connection.execute(sql, values).fetchone()
        return int(count), newest

    def rows(
        self, since: datetime | None, *, inclusive: bool, shuffled: bool
    ) -> Iterator[list[dict[str, Any]]]:
        """Hand out those rows in batches, by upper-case column name; ``UPDATED_AT`` as ``selected`` tells it."""
        where, values = _where(since, inclusive=inclusive)
        order = "random()" if shuffled else _STAMP
        sql = f"select *, {_STAMP} from {self._name} {where} order by {order}"  # noqa: S608 (quoted)
        found = self._connection.execute(sql, values)
        names = [*self.columns, "UPDATED_AT"]
        while batch := found.fetchmany(BATCH_ROWS):
            yield [dict(zip(names, row, strict=True)) for row in batch]


_STAMP = "cast(updated_at as timestamp)"


def _where(since: datetime | None, *, inclusive: bool) -> tuple[str, list[datetime]]:
    if since is None:
        return "where updated_at is not null", []
    return f"where {_STAMP} {'>=' if inclusive else '>'} ?", [since]
