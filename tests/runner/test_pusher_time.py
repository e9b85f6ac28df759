"""Time as the pusher sees it: when progress is on record, and what waits for what (R1, R2)."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from client_helpers import Clock
from histories import BATCH, LONG_AGO, SMALL, SYNC, Brief, Kind, Listed, planned

from braze_runner.client import Outcome
from braze_runner.engine.observer import Silent
from braze_runner.engine.pusher import Pusher
from braze_runner.engine.reader import Batch
from braze_runner.engine.source import Source
from braze_runner.engine.summary import Counts
from braze_runner.plan import Request, Row, Step
from braze_runner.state import Position, State

MOST_BEHIND = 5.0


class Slow:
    """A pool whose answers take a while each; at each of them nothing older is missing on the record."""

    target = 4
    bytes_in_flight = 0

    def __init__(self, clock: Clock, state: State, seconds: float) -> None:
        self._clock = clock
        self._state = state
        self._seconds = seconds
        self._open: list[Request[Any]] = []
        self.accepted: list[tuple[float, str]] = []

    @property
    def in_flight(self) -> int:
        return len(self._open)

    def submit(self, request: Request[Any]) -> None:
        self._open.append(request)

    def take(self, seconds: float) -> Outcome | None:
        self.check()
        if not self._open or not seconds:
            return None
        self._clock.time += self._seconds
        request = self._open.pop(0)
        self.accepted += [(self._clock.time, row.braze_row) for row in request.rows]
        return Outcome(request, sent=range(len(request.rows)), requests=1)

    def check(self) -> None:
        positions = self._state.positions(SYNC.unique_id)
        mark = positions.get(BATCH, Position()).mark or ""
        due = self._clock.time - MOST_BEHIND
        assert not [key for moment, key in self.accepted if moment < due and key > mark]


@pytest.fixture
def state() -> Iterator[State]:
    with closing(Brief()) as tables:
        yield State(tables, "default", "run")


@pytest.mark.parametrize("kind", ["again", "once"])
@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_progress_is_at_most_5_seconds_behind(state: State, kind: Kind, seconds: float) -> None:
    clock, listed = Clock(), Listed([planned(number, kind) for number in range(1, 600)])
    pool = Slow(clock, state, seconds)
    sources = [
        Source(SYNC, Batch(batch, len(listed.rows), LONG_AGO, LONG_AGO), listed, listed, Counts())  # type: ignore[arg-type]
        for batch in (BATCH, "batch-2")
    ]
    pusher = Pusher(pool, state, clock, Silent(), lambda _: pytest.fail, 30.0, now=lambda: clock.time)
    pusher.push([Step("users", [source]) for source in sources])
    assert pusher.error is None
    # Nothing stays behind either while the second step waits for its turn.
    assert clock.waits == [pytest.approx(30.0)]
    assert len(pool.accepted) == 2 * len(listed.rows)


@pytest.mark.parametrize(
    ("users", "array", "waits"),
    [
        ([1, 2, 3, 4, 5, 6, 7], b"attributes", 0),
        ([1, 1, 1, 2, 2, 2, 3], b"attributes", 0),
        ([1, 1, 1, 1, 2, 3, 4], b"attributes", 1),
        ([1, 2, 3, 3, 4, 4, 4], b"attributes", 2),
        ([1, 1, 1, 1, 1, 1, 1], b"attributes", 2),
        ([1, 1, 1, 1, 1, 1, 1], b"events", 0),
    ],
)
def test_attributes_of_one_user_in_two_requests_are_a_gap_apart(
    state: State, users: list[int], array: bytes, waits: int
) -> None:
    """As in a table made by hand, in requests of three rows."""
    rows = [
        Row(f"{number:08x}", b'"external_id":"%d"' % user, b"{}", b"{}", SMALL, array)
        for number, user in enumerate(users)
    ]
    clock, listed = Clock(), Listed(rows)
    source = Source(SYNC, Batch(BATCH, len(rows), LONG_AGO, LONG_AGO), listed, listed, Counts())  # type: ignore[arg-type]
    pool = Slow(clock, state, 0.1)
    pusher = Pusher(pool, state, clock, Silent(), lambda _: pytest.fail, 30.0, now=lambda: clock.time)
    pusher.push([Step("users", [source])])
    assert clock.waits == [pytest.approx(30.0)] * waits
    assert [key for _, key in pool.accepted] == [row.braze_row for row in rows]
