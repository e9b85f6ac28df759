"""One batch on its way: what it gives out, and what of it goes on record."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from histories import BATCH, LONG_AGO, SYNC, Brief, Listed, open_keys, planned
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_runner.client import Outcome
from braze_runner.engine.reader import Batch
from braze_runner.engine.source import Source
from braze_runner.engine.summary import Counts
from braze_runner.errors import StoppedError
from braze_runner.plan import Reject, Request, Row
from braze_runner.state import Position, Range, State


def source_of(
    listed: Listed, position: Position | None = None, on_invalid: str = "reject", **more: Any
) -> Source:
    batch = Batch(BATCH, len(listed.rows), LONG_AGO, LONG_AGO, position or Position())
    return Source(replace(SYNC, on_invalid=on_invalid), batch, listed, listed, Counts(), **more)  # type: ignore[arg-type]


def request_of(source: Source, rows: list[Row], number: int = 1) -> Request[Source]:
    return Request(number, rows[0].envelope, rows=rows, sources=[(source, 0)])


def taken(source: Source, count: int) -> list[Row]:
    """Take rows and leave the rest."""
    with closing(source.rows()) as rows:
        return [next(rows) for _ in range(count)]


def saved(source: Source, state: State) -> Position:
    step = source.save(state)
    if step:
        state.save({SYNC.unique_id: [step]})
    return state.positions(SYNC.unique_id).get(BATCH, Position())


@pytest.fixture
def state() -> Any:
    with closing(Brief()) as tables:
        yield State(tables, "default", "run")


def test_a_row_that_nobody_took_stays_pending(state: State) -> None:
    """A cap ends a run with a row in the hand."""
    source = source_of(Listed([planned(n, "again") for n in range(1, 6)]))
    with closing(source.rows()) as rows:
        first = next(rows)
        source.entered(1)
        source.settle(Outcome(request_of(source, [first]), sent=[0]), 0, 1)
        next(rows)
    assert saved(source, state).mark == first.braze_row


@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_bad_row_that_stops_the_run_stays_pending(state: State, good: int) -> None:
    rows = [planned(n, "again") for n in range(1, good + 1)]
    source = source_of(Listed([*rows, planned(9, "bad"), planned(10, "again")]), on_invalid="stop")
    given_out = source.rows()
    for _ in range(good):
        row = next(given_out)
        source.entered(int(row.braze_row, 16))
    with pytest.raises(StoppedError, match=r"stops at one: PAYLOAD is null\."):
        next(given_out)
    for number in range(good):
        row = rows[number]
        assert isinstance(row, Row)
        source.settle(Outcome(request_of(source, [row], number + 1), sent=[0]), 0, 1)
    assert (saved(source, state).mark or "") == (rows[-1].braze_row if good else "")
    assert open_keys(state.tables) == set()
    source.counts.rows_read = good + 1
    source.counts.check()


def test_a_bad_row_is_a_reject_and_passed(state: State) -> None:
    source = source_of(Listed([planned(1, "bad"), planned(2, "bad")]))
    assert list(source.rows()) == []
    assert saved(source, state).done
    assert len(open_keys(state.tables)) == 2


def test_rows_with_the_same_key_are_rejected_but_the_first(state: State) -> None:
    source = source_of(
        Listed([planned(1, "again"), planned(1, "again"), planned(1, "bad"), planned(2, "again")])
    )
    assert [row.braze_row for row in source.rows()] == ["00000001", "00000002"]
    assert source.counts.rows_rejected == 2
    [step] = [source.save(state)]
    assert step is not None
    assert {each.reason for each in state.open_rejects(SYNC.unique_id)} == {"duplicate_row"}


def test_dropped_rows_are_no_reason_to_stop(state: State) -> None:
    listed = Listed([planned(1, "again"), planned(2, "again")])
    source = source_of(listed, on_invalid="stop", dropped=lambda: frozenset({"00000001"}))
    assert [row.braze_row for row in source.rows()] == ["00000002"]
    source.save(state)
    assert [each.reason for each in state.open_rejects(SYNC.unique_id)] == ["user_returned"]


def test_what_ended_before_is_not_given_out_again() -> None:
    rows = [planned(n, "once") for n in range(1, 10)]
    position = Position("00000002", ended=[Range("00000004", "00000006"), Range("00000003", "00000005")])
    source = source_of(Listed(rows), position)
    assert [int(row.braze_row, 16) for row in source.rows()] == [3, 7, 8, 9]


def test_what_an_earlier_run_may_have_sent() -> None:
    rows = [planned(n, kind) for n, kind in enumerate(("once", "once", "again", "once", "once", "once"), 1)]
    position = Position(
        intents={"died": "00000005", "ended": "00000006"},
        unsent={"died": [Range("00000003", "00000004")], "ended": [Range("", "00000006")]},
    )
    source = source_of(Listed(rows), position)
    assert [int(row.braze_row, 16) for row in source.rows() if source.is_unknown(row)] == [1, 2, 5]


def test_rejects_go_on_record_before_the_step_that_passes_them(state: State) -> None:
    source = source_of(Listed([planned(1, "bad"), planned(2, "again")]))
    [row] = source.rows()
    source.entered(1)
    assert saved(source, state).mark == "00000001"
    outcome = Outcome(
        request_of(source, [row]), rejects={0: Reject(row.braze_row, b"{}", None, "x", "y.", 400)}
    )
    source.settle(outcome, 0, 1)
    assert source.reject_bytes
    source.save(state)
    assert (open_keys(state.tables), source.reject_bytes) == ({"00000001", "00000002"}, 0)
    assert state.positions(SYNC.unique_id)[BATCH].mark == "00000001"


def test_a_step_that_the_state_refused_is_part_of_the_next(state: State) -> None:
    """Else what Braze has accepted would be unknown to the next run."""
    source = source_of(Listed([planned(n, "once") for n in range(1, 5)]))
    source.has_intents = True
    for row in source.rows():
        source.entered(int(row.braze_row, 16))
    rows = [planned(n, "once") for n in range(1, 5)]

    def settle(number: int, **ends: list[int]) -> None:
        row = rows[number - 1]
        assert isinstance(row, Row)
        source.settle(Outcome(request_of(source, [row], number), **ends), 0, 1)  # type: ignore[arg-type]

    settle(2, sent=[0])
    settle(3, held=[0])
    refused = source.save(state)
    assert refused is not None
    assert (refused.rows_sent, len(refused.ended), len(refused.unsent)) == (1, 1, 1)
    settle(4, sent=[0])
    position = saved(source, state)
    assert position.ended == [Range("00000001", "00000002"), Range("00000003", "00000004")]
    assert position.unsent == {"run": [Range("00000002", "00000003")]}
    assert state.tables.fetch_all("select sum(rows_sent) from braze_sync_ledger") == [(2,)]
    settle(1, sent=[0])
    assert saved(source, state).mark == "00000002"
    assert not source.is_done


def test_a_batch_is_done_once_that_is_on_record(state: State) -> None:
    source = source_of(Listed([planned(1, "bad")]))
    assert list(source.rows()) == []
    last = source.save(state)
    assert last is not None
    assert last.done
    assert (source.is_done, source.newest_updated_at) == (False, None)
    assert saved(source, state).done
    assert (source.is_done, source.newest_updated_at) == (True, LONG_AGO)
    assert source.save(state) is None


def test_nothing_new_is_not_written(state: State) -> None:
    source = source_of(Listed([planned(1, "again")]))
    assert source.save(state) is None
    [row] = source.rows()
    source.entered(1)
    assert source.save(state) is None
    source.settle(Outcome(request_of(source, [row]), sent=[0]), 0, 1)
    assert saved(source, state).done
    assert source.save(state) is None
    assert source.counts.rows_sent == 1


class ByHand:
    """A table made by hand, whose rows share stamps, and what became of them over some runs."""

    def __init__(self, numbers: list[int], state: State, chance: Any) -> None:
        self.rows = [planned(number, "once") for number in numbers]
        self.tables, self.chance = state.tables, chance
        self.sent: Counter[int] = Counter()
        self.aside: set[int] = set()
        self.runs = 0

    def place(self, row: Row) -> int:
        return next(place for place, each in enumerate(self.rows) if each is row)

    def push(self, end: str) -> None:
        self.runs += 1
        state = State(self.tables, "default", f"run-{self.runs}")
        position = state.positions(SYNC.unique_id).get(BATCH, Position())
        source = source_of(Listed(self.rows, unique_keys=False), position)
        source.has_intents = True
        requests = self.packed(source)
        if requests:
            state.intend(SYNC.unique_id, BATCH, requests[-1].rows[-1].braze_row)
        self.chance.shuffle(requests)
        for request in requests:
            self.answer(source, request, end)
        if end != "dies":
            saved(source, state)

    def packed(self, source: Source) -> list[Request[Source]]:
        requests: list[Request[Source]] = []
        for row in source.rows():
            if source.is_unknown(row):
                source.put_aside(row)
                self.aside.add(self.place(row))
                continue
            if not requests or len(requests[-1].rows) == 3:
                requests.append(request_of(source, [row], len(requests)))
                source.entered(requests[-1].number)
            else:
                requests[-1].rows.append(row)
        return requests

    def answer(self, source: Source, request: Request[Source], end: str) -> None:
        arrives, places = end == "sent" or self.chance.random() < 0.5, list(range(len(request.rows)))
        if arrives:
            self.sent.update(self.place(row) for row in request.rows)
        if end != "dies":
            outcome = Outcome(request, sent=places) if arrives else Outcome(request, held=places)
            source.settle(outcome, 0, len(places))


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.lists(st.sampled_from(["sent", "held", "dies"]), max_size=3),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_rows_that_share_a_key_are_never_lost_and_never_sent_twice(
    steps: list[int], runs: list[str], chance: Any
) -> None:
    """What is uncertain is put aside, with all rows of its stamp."""
    with closing(Brief()) as tables:
        numbers = [1 + sum(steps[: place + 1]) for place in range(len(steps))]
        table = ByHand(numbers, State(tables, "default", "run"), chance)
        for end in [*runs, "sent"]:
            table.push(end)
    assert set(table.sent.values()) <= {1}
    assert set(table.sent) | table.aside == set(range(len(numbers)))
