"""How far a sync table has arrived in Braze is asked of every warehouse in the same way."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest
from warehouse import Warehouse

from braze_runner.cdi import Arrival, Job, SyncTable
from braze_runner.project import Location, Sync
from braze_runner.warehouse import DbtOptions, connect
from braze_runner.warehouse import Warehouse as Runner

NEWEST = dt.datetime(2026, 1, 2, 3, 4, 5, 123456)  # noqa: DTZ001 (UTC without a zone, as the runner has it)
OLDER = NEWEST - dt.timedelta(microseconds=1)
NAME = "arrivals"


@pytest.fixture(scope="module")
def runner(warehouse: Warehouse) -> Iterator[Runner]:
    folder = warehouse.project("arrival").folder
    with closing(connect(DbtOptions(project_dir=folder, profiles_dir=folder))) as opened:
        opened.create_schema(opened.schema)
        yield opened


@pytest.fixture(scope="module")
def table(runner: Runner) -> SyncTable:
    """Three rows, the last two of the same moment."""
    relation = runner.relation(runner.schema, NAME, runner.database)
    runner.execute(f"create table {relation} (updated_at {runner.types['time']})")
    stamps = pa.array([OLDER, NEWEST, NEWEST], pa.timestamp("us"))
    runner.append(relation, pa.table({"updated_at": stamps}))
    place = Location(runner.database, runner.schema, NAME)
    return SyncTable(runner, Sync("model.shop.users", "users", place, "attributes", "cdi"))


def test_the_newest_stamp(table: SyncTable) -> None:
    assert table.newest() == NEWEST


@pytest.mark.parametrize(
    ("synced_to", "newer"),
    [
        ("2026-01-02T03:04:05.123456Z", 0),
        ("2026-01-02T05:04:05.123456+02:00", 0),
        ("2026-01-02T03:04:05.123455Z", 2),
        ("2026-01-02T03:04:05.123Z", 0),
        ("2026-01-02T03:04:05Z", 0),
        ("2026-01-02T03:04:04Z", 3),
        ("", 3),
    ],
)
def test_rows_that_have_not_arrived(table: SyncTable, synced_to: str, newer: int) -> None:
    arrival = table.arrival([Job("success", last_timestamp_synced=synced_to), Job("error")])
    assert (arrival.rows, arrival.newest, arrival.newer) == (3, NEWEST, newer)


def test_rows_after_a_moment_do_not_count(table: SyncTable) -> None:
    job = Job("success", last_timestamp_synced="2026-01-02T03:04:05.123455Z")
    assert table.arrival([job], until=OLDER) == Arrival("users", 1, OLDER, OLDER, 0)
