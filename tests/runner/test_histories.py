"""Whatever becomes of runs, no row is lost, and none that counts each time is sent twice (R1, R3)."""

import random
from contextlib import closing

import pytest
from histories import BATCH, SYNC, Brief, Kind, Run, World, open_keys, planned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_runner.plan import Row
from braze_runner.project import STATE_TABLES, Location
from braze_runner.state import State, WarehouseTables
from braze_runner.warehouse import DbtOptions, connect

ENDS = ("sent", "sent", "sent", "rejected", "lost", "held")
kinds = st.lists(st.sampled_from(["once", "once", "again", "bad"]), min_size=1, max_size=40)
runs = st.lists(st.sampled_from([0.0, 0.02, 0.1]), max_size=4)


def check_history(world: World, deadliness: list[float]) -> None:
    """Run again and again, the last time to the end, and compare with what is known of each row."""
    for number, deadly in enumerate([*deadliness, 0.0], 1):
        is_last = number > len(deadliness)
        perhaps, surely = set(world.perhaps_unknown), set(world.surely_unknown)
        cap = None if is_last else world.chance.choice([None, 0, 5])
        trouble = 0.0 if is_last else world.chance.choice([0.0, 0.0, 0.1])
        run = Run(world, deadly, ("sent",) if is_last else ENDS, cap, trouble)
        run.push()
        assert set(run.decided) <= perhaps, "certainly unsent, and taken for unknown"
        assert not run.submitted & surely, "perhaps sent, and sent again"
        if is_last:
            assert surely <= set(run.decided), "perhaps sent, and forgotten"
        assert all(world.arrived[key] <= 1 for key in world.once)
    aside = open_keys(world.tables)
    for row in world.rows:
        assert world.arrived[row.braze_row] or row.braze_row in aside, "lost"
        assert isinstance(row, Row) or row.braze_row in aside
    assert State(world.tables, "default", "reader").positions(SYNC.unique_id)[BATCH].done


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_runner.engine.pusher._INTENT_REQUESTS", 2)


@given(kinds, runs, st.integers(0, 2**32))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_histories_in_a_file(shape: list[Kind], deadliness: list[float], seed: int) -> None:
    with closing(Brief()) as tables:
        rows = [planned(number, kind) for number, kind in enumerate(shape, 1)]
        check_history(World(random.Random(seed), rows, tables), deadliness)  # noqa: S311 (no secret)


def test_histories_in_a_warehouse(options: DbtOptions, thorough: bool) -> None:
    chance = random.Random(7)  # noqa: S311 (no secret)
    with closing(connect(options)) as warehouse:
        for number in range(100 if thorough else 8):
            places = {name: Location(None, f"state_{number}", name) for name in STATE_TABLES}
            tables = WarehouseTables(warehouse, places)
            tables.prepare()
            shape: list[Kind] = chance.choices(("once", "again", "bad"), (4, 1, 1), k=30)
            rows = [planned(place, kind) for place, kind in enumerate(shape, 1)]
            check_history(World(chance, rows, tables), [0.02, 0.1, 0.02])
