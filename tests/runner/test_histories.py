"""Whatever becomes of runs, no row is lost, and none that counts each time is sent twice (R1, R3)."""

import random
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from histories import BATCH, SYNC, Braze, Brief, Kind, Run, World, open_keys, planned
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_runner.client import Outcome
from braze_runner.errors import StoppedError
from braze_runner.plan import Request, Row, rejected
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


@dataclass
class Neighbours(World):
    """Several rows of each user, as in a table made by hand, none of which may come before one that it follows.

    Only a run that died may leave rows to be sent again after newer ones.
    """

    sent: dict[bytes, list[tuple[int, str]]] = field(default_factory=dict)

    def braze(self, run: Run) -> Braze:
        return InOrder(run)

    def take(self, request: Request[Any], index: int) -> None:
        row = request.rows[index]
        of_user = self.sent.setdefault(row.identifier, [])
        if of_user and of_user[-1][0] == self.runs:
            assert of_user[-1][1] < row.braze_row, "an older row over a newer one"
        of_user.append((self.runs, row.braze_row))
        super().take(request, index)

    def check_end(self) -> None:
        """The newest row came last, but for those that are put aside: whether they count, somebody decides later."""
        aside = open_keys(self.tables)
        for of_user in self.sent.values():
            keys = [key for _, key in of_user if key not in aside]
            assert not keys or keys[-1] == max(keys), "an older row came last"


class InOrder(Braze):
    """Ends each request as a sender does: what is held back follows on what is not."""

    def _answer(self, request: Request[Any]) -> Outcome:
        run, rows = self._run, request.rows
        stops = run.stop.is_set() or (len(run.ends) > 1 and run.chance.random() < 0.1)
        cut = 0 if stops else len(rows)
        outcome, sent = Outcome(request, requests=1, held=list(range(cut, len(rows)))), []
        for index in range(cut):
            end = run.chance.choice(run.ends)
            if end == "rejected":
                outcome.rejects[index] = rejected(rows[index], "braze_refused", "no")
            elif end == "lost" and not rows[index].repeatable:
                outcome.unknown.append(index)
            else:
                sent.append(index)
                run.world.take(request, index)
        outcome.sent = sent
        outcome.error = StoppedError("no usable answer") if outcome.held else None
        return outcome


@given(
    st.lists(st.lists(st.sampled_from(["once", "again", "bad"]), min_size=1, max_size=9), max_size=6),
    runs,
    st.integers(0, 2**32),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_histories_of_several_rows_of_a_user(
    users: list[list[Kind]], deadliness: list[float], seed: int
) -> None:
    rows = []
    for kinds in users:
        name = b'"external_id":"%d"' % len(rows)
        for kind in kinds:
            row = planned(len(rows) + 1, kind)
            rows.append(row._replace(identifier=name, array=b"attributes") if isinstance(row, Row) else row)
    if rows:
        with closing(Brief()) as tables:
            world = Neighbours(random.Random(seed), rows, tables)  # noqa: S311 (no secret)
            check_history(world, deadliness)
            world.check_end()


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
