"""A CDI table that somebody made by hand, read on every warehouse."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pytest
from warehouse import Warehouse

from braze_runner.engine.deletions import Deletions
from braze_runner.engine.past import past_of
from braze_runner.engine.reader import open_table
from braze_runner.engine.stamps import StampReader
from braze_runner.plan import Row, planner_for
from braze_runner.project import Location, Sync
from braze_runner.state import OpenReject, Position
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


def stamp(day: int) -> dt.datetime:
    return dt.datetime(2026, 1, day, 1, 2, 3, 456789)  # noqa: DTZ001 (UTC)


def create(runner: Runner, name: str, *texts: str) -> None:
    columns = ", ".join(f"{column} {runner.types['text']}" for column in texts)
    relation = runner.relation(runner.schema, name, runner.database)
    runner.execute(f"create table {relation} (updated_at {runner.types['time']}, {columns})")


def add(runner: Runner, *rows: tuple[int, str, str], name: str = NAME) -> None:
    """Append (day, external_id, payload)."""
    names = ("updated_at", "external_id", "payload")
    columns = [
        pa.array([stamp(day) for day, _, _ in rows], pa.timestamp("us")),
        *(pa.array(each) for each in list(zip(*rows, strict=True))[1:]),
    ]
    runner.append(runner.relation(runner.schema, name, runner.database), pa.table(columns, names=names))


def sync_of(runner: Runner, name: str, type_: str = "attributes") -> Sync:
    return Sync(f"model.shop.{name}", name, Location(runner.database, runner.schema, name), type_)


def pushed(runner: Runner, positions: dict[str, Position]) -> list[tuple[bytes, bytes | None]]:
    """Return (identifier, payload) of what would be sent, and take it as sent."""
    sync = sync_of(runner, NAME)
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
    create(runner, NAME, "external_id", "payload")
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


def test_what_came_after_a_rejected_row(runner: Runner) -> None:
    """Later rows, and deletions, of which the user may have come back since."""
    name = "made_by_hand_again"
    create(runner, name, "external_id", "payload")
    add(runner, (1, "a", '{"x":1}'), (2, "a", '{"y":2}'), (1, "b", '{"x":1}'), (2, "c", "{}"), name=name)
    create(runner, "deleted_by_hand", "external_id")
    relation = runner.relation(runner.schema, "deleted_by_hand", runner.database)
    columns = [pa.array([stamp(day) for day in (1, 2)], pa.timestamp("us")), pa.array(["a", "b"])]
    runner.append(relation, pa.table(columns, names=["updated_at", "external_id"]))

    sync, deletes = sync_of(runner, name), sync_of(runner, "deleted_by_hand", "deletes")
    planner = planner_for(sync)
    table = open_table(runner, sync, planner)
    reader = StampReader(runner, sync, table, planner)
    [batch] = reader.pending({})
    users = {row["external_id"]: row["user_key"] for each in reader.read(batch) for row in each.to_pylist()}
    key = f"{users['a']}/2026-01-01T01:02:03.456789/000001"
    reject = OpenReject("s", batch.id, key, "rejected", "{}", '{"x":0}', "r", "m", 400, 1, stamp(1), stamp(1))
    past = past_of(runner, sync, table, planner)
    [found] = past.of([reject])
    assert found.own is not None
    assert (found.own["external_id"], found.own["payload"]) == ("a", '{"x":0}')
    assert [row["payload"] for row in found.later] == ['{"y":2}']
    [gone] = past.of([replace(reject, braze_row=key.replace("456789", "456788"))])
    assert gone.own is None

    deletions = Deletions(runner, [sync, deletes])
    assert past.place(reject) == (stamp(1), users["a"])
    assert deletions.after_rows(table, users.values()) == {(stamp(1), users["b"])}
    assert deletions.done_after(table, users.values(), lambda _: set()) == {(stamp(1), users["b"])}
    dropped = {(batch.id, f"{users['b']}/2026-01-02T01:02:03.456789/000001")}
    assert deletions.done_after(table, users.values(), lambda _: dropped) == set()
    of_deletes = open_table(runner, deletes, planner_for(deletes))
    assert deletions.before_returns(of_deletes, users.values()) == {(stamp(1), users["a"])}
