"""A CDI table that somebody made by hand, read on every warehouse."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest
from warehouse import Warehouse

from braze_runner.engine.reader import open_table
from braze_runner.engine.stamps import StampReader
from braze_runner.plan import Row, planner_for
from braze_runner.project import Location, Sync
from braze_runner.state import Position
from braze_runner.warehouse import DbtOptions, connect
from braze_runner.warehouse import Warehouse as Runner

NAME = "made_by_hand"


@pytest.fixture(scope="module")
def runner(warehouse: Warehouse) -> Iterator[Runner]:
    """What the runner has of the warehouse."""
    project = warehouse.project("by_hand")
    with closing(connect(DbtOptions(project_dir=project.folder, profiles_dir=project.folder))) as opened:
        opened.create_schema(opened.schema)
        yield opened


def add(runner: Runner, *rows: tuple[int, str, str]) -> None:
    """Append (day, external_id, payload)."""
    names = ("updated_at", "external_id", "payload")
    stamps = [dt.datetime(2026, 1, day, 1, 2, 3, 456789) for day, _, _ in rows]  # noqa: DTZ001 (UTC)
    columns = [
        pa.array(stamps, pa.timestamp("us")),
        *(pa.array(each) for each in list(zip(*rows, strict=True))[1:]),
    ]
    runner.append(runner.relation(runner.schema, NAME, runner.database), pa.table(columns, names=names))


def pushed(runner: Runner, positions: dict[str, Position]) -> list[tuple[bytes, bytes | None]]:
    """Return (identifier, payload) of what would be sent, and take it as sent."""
    sync = Sync("model.shop.hand", "hand", Location(runner.database, runner.schema, NAME), "attributes")
    planner = planner_for(sync)
    reader = StampReader(runner, sync, open_table(runner, sync, planner), planner)
    sent = []
    for batch in reader.pending(positions):
        rows = [row for each in reader.read(batch) for row in planner.plan_batch(each)]
        keys = [row.braze_row for row in rows]
        assert keys == sorted(set(keys))
        sent += [(row.identifier, row.payload) for row in rows if isinstance(row, Row)]
        positions[batch.id] = Position(keys[-1], done=True)
    return sorted(sent)


def test_what_is_new_by_stamp_and_one_row_a_user(runner: Runner) -> None:
    types, relation = runner.types, runner.relation(runner.schema, NAME, runner.database)
    runner.execute(
        f"create table {relation} (updated_at {types['time']}, external_id {types['text']}, payload {types['text']})"
    )
    positions: dict[str, Position] = {}
    add(runner, (2, "a", '{"x":2}'), (1, "a", '{"x":1,"y":1}'), (1, "b", '{"x":1}'))
    assert pushed(runner, positions) == [
        (b'"external_id":"a"', b'{"x":2,"y":1}'),
        (b'"external_id":"b"', b'{"x":1}'),
    ]
    assert pushed(runner, positions) == []
    add(runner, (3, "b", '{"x":3}'), (1, "late", '{"x":1}'))
    assert pushed(runner, positions) == [(b'"external_id":"b"', b'{"x":3}')]
    add(runner, (3, "c", '{"x":3}'))
    assert pushed(runner, positions) == [
        (b'"external_id":"b"', b'{"x":3}'),
        (b'"external_id":"c"', b'{"x":3}'),
    ]
    assert pushed(runner, positions) == []
