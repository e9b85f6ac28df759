"""Runs of a sync: which rows each takes, by Braze's watermark, and what is remembered of it.

State of a sync is the last stamp synced, W, and how many rows were seen at it. A run takes the rows after W, or, if
rows have come at W since, all rows from W on (Braze docs, "Cloud Data Ingestion"; an older text always takes W too).
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from braze_runner import times
from braze_runner.errors import StoppedError
from braze_runner.sandbox.catalogs import CatalogStore
from braze_runner.sandbox.cdi.rows import Row, RowError, apply_rows
from braze_runner.sandbox.cdi.syncs import CdiSync
from braze_runner.sandbox.cdi.table import SyncTable, copied
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings

SHARED_TABLE = "Incorrect Integration Object"
LIMIT_EXCEEDED = "Limit exceeded"
HAS_PAYLOAD = "The table has a PAYLOAD column"
NO_WAREHOUSE = "No warehouse file was given"


class ConfigFailedError(StoppedError):
    """A run that can't work with the sync as it is set up."""


class Watermark(NamedTuple):
    """The newest stamp that was synced, and how many rows were seen at it."""

    stamp: datetime | None = None
    rows: int = 0


class JobStore:
    """The tables ``cdi_jobs``, ``cdi_row_errors`` and ``cdi_watermarks``."""

    def __init__(self, store: ProfileStore) -> None:
        self._connection = store.connection

    def start(self, integration: str) -> int:
        """Note that a run has begun, and return its number."""
        cursor = self._connection.execute(
            "insert into cdi_jobs (integration_id, status, started_at) values (?, 'running', ?)",
            (integration, times.text_of(datetime.now(UTC))),
        )
        return int(cursor.lastrowid or 0)

    def is_running(self, integration: str) -> bool:
        """Say whether a run of this sync has not ended."""
        sql = "select 1 from cdi_jobs where integration_id = ? and status = 'running'"
        return self._connection.execute(sql, (integration,)).fetchone() is not None

    def jobs(self, integration: str, offset: int, limit: int) -> list[dict[str, Any]]:
        """Return runs, newest first, as Braze tells them."""
        rows = self._connection.execute(
            "select status, started_at, finished_at, last_timestamp_synced, rows_synced, rows_failed from cdi_jobs"
            " where integration_id = ? order by number desc limit ? offset ?",
            (integration, limit, offset),
        )
        return [dict(zip(_TOLD, row, strict=True)) for row in rows]

    def integration_of(self, number: int) -> str:
        """Return whose run it is."""
        sql = "select integration_id from cdi_jobs where number = ?"
        return str(self._connection.execute(sql, (number,)).fetchone()[0])

    def count(self, number: int, synced: int, errors: list[RowError]) -> None:
        """Add a batch to a run."""
        self._connection.execute(
            "update cdi_jobs set rows_synced = rows_synced + ?, rows_failed = rows_failed + ? where number = ?",
            (synced, len(errors), number),
        )
        self._connection.executemany(
            "insert into cdi_row_errors values (?, ?, ?, ?)", [(number, *error) for error in errors]
        )

    def finish(self, number: int, status: str, message: str | None, watermark: Watermark) -> None:
        """Note how a run ended and how far its sync has come."""
        self._connection.execute(
            "update cdi_jobs set status = ?, message = ?, finished_at = ?, last_timestamp_synced = ? where number = ?",
            (status, message, times.text_of(datetime.now(UTC)), _text(watermark.stamp), number),
        )
        self._connection.execute(
            "insert or replace into cdi_watermarks select integration_id, ?, ? from cdi_jobs where number = ?",
            (_text(watermark.stamp), watermark.rows, number),
        )

    def clear(self, number: int) -> None:
        """Forget what a run had counted, since it begins anew."""
        self._connection.execute(
            "update cdi_jobs set rows_synced = 0, rows_failed = 0 where number = ?", (number,)
        )
        self._connection.execute("delete from cdi_row_errors where job = ?", (number,))

    def failed_rows(self, number: int) -> int:
        """Return how many rows of a run failed."""
        sql = "select rows_failed from cdi_jobs where number = ?"
        return int(self._connection.execute(sql, (number,)).fetchone()[0])

    def watermark(self, integration: str) -> Watermark:
        """Return how far a sync has come."""
        row = self._connection.execute(
            "select stamp, rows from cdi_watermarks where integration_id = ?", (integration,)
        ).fetchone()
        if row is None or row[0] is None:
            return Watermark()
        return Watermark(datetime.fromisoformat(row[0]).replace(tzinfo=None), row[1])


_TOLD = (
    "job_status", "sync_start_time", "sync_finish_time", "last_timestamp_synced", "rows_synced",
    "rows_failed_with_errors",
)  # fmt: skip


def _text(stamp: datetime | None) -> str | None:
    return None if stamp is None else stamp.isoformat("T", "microseconds") + "Z"


async def run_jobs(store: ProfileStore, settings: Settings, numbers: list[int]) -> None:
    """Run what was triggered; the table is read in another thread, rows are applied batch by batch."""
    for number in numbers:
        await _run(store, settings, number)


async def _run(store: ProfileStore, settings: Settings, number: int) -> None:
    jobs = JobStore(store)
    integration = jobs.integration_of(number)
    before = jobs.watermark(integration)
    with store.transaction():
        jobs.clear(number)
    status, message, reached = "", None, before
    try:
        sync = _checked(store, settings, integration)
        reading = _Reading(settings, sync, before)
        batches = reading.batches()
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            with store.transaction():
                errors = apply_rows(store, settings, sync, batch)
                jobs.count(number, len(batch) - len(errors), errors)
        status, reached = "partial" if jobs.failed_rows(number) else "success", reading.reached
    except ConfigFailedError as exc:
        status, message = "config_error", str(exc)
    except StoppedError as exc:
        status, message = "error", str(exc)
    except Exception:
        with store.transaction():
            jobs.finish(number, "error", "The sandbox failed", before)
        raise
    with store.transaction():
        jobs.finish(number, status, message, reached)


def _checked(store: ProfileStore, settings: Settings, integration: str) -> CdiSync:
    """Return the sync, if it can run as it is set up."""
    sync = next((sync for sync in settings.cdi_syncs if sync.id == integration), None)
    if sync is None or settings.warehouse is None:
        raise ConfigFailedError(NO_WAREHOUSE)
    if sum(other.table == sync.table for other in settings.cdi_syncs) > 1:
        raise ConfigFailedError(SHARED_TABLE)
    if sync.type == "catalog_items" and CatalogStore(store).find(str(sync.catalog)) is None:
        raise StoppedError("The catalog does not exist.")
    return sync


class _Reading:
    """One pass over a sync table; ``reached`` is the watermark once its batches are through."""

    def __init__(self, settings: Settings, sync: CdiSync, before: Watermark) -> None:
        self._settings = settings
        self._sync = sync
        self._before = before
        self.reached = before

    def batches(self) -> Iterator[list[Row]]:
        """Copy the warehouse, select the rows and hand them out."""
        if self._settings.warehouse is None:
            raise ConfigFailedError(NO_WAREHOUSE)
        with copied(self._settings.warehouse) as connection:
            table = SyncTable(connection, self._sync.table)
            if self._sync.type == "deletes" and "PAYLOAD" in table.columns:
                raise StoppedError(HAS_PAYLOAD)
            stamp = self._before.stamp
            inclusive = self._settings.cdi_boundary == "inclusive" or (
                stamp is not None and table.count_at(stamp) > self._before.rows
            )
            count, newest = table.selected(stamp, inclusive=inclusive)
            if count > self._settings.cdi_max_rows:
                raise StoppedError(LIMIT_EXCEEDED)
            if newest is not None:
                self.reached = Watermark(newest, table.count_at(newest))
            if self._settings.lag:  # the order in which rows are applied is not guaranteed
                seed = random.Random(self._settings.seed).uniform(-1, 1)  # noqa: S311 (no secret)
                connection.execute("select setseed(?)", [seed])
            yield from table.rows(stamp, inclusive=inclusive, shuffled=bool(self._settings.lag))
