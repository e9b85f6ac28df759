"""Rejects on their way once more: what is on record of each whatever becomes of it (R3)."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from histories import SYNC, Brief
from plan_helpers import TRACKED, pack

from braze_runner.client import Outcome
from braze_runner.engine.candidates import Candidate
from braze_runner.engine.retry import RetrySource
from braze_runner.engine.summary import Counts
from braze_runner.plan import Reject, Row
from braze_runner.plan.track import ActivityPlanner
from braze_runner.state import State

PAYLOAD = '{"name":"n","time":"2026-01-01T00:00:00Z"}'


@pytest.fixture
def state() -> Iterator[State]:
    with closing(Brief()) as tables:
        yield State(tables, "default", "run")


def status(state: State) -> list[str]:
    return [each.status for each in state.open_rejects(SYNC.unique_id)]


def retried(state: State) -> tuple[RetrySource, Row]:
    """Return one rejected event that is about to be sent, with its intent on record."""
    state.reject(
        SYNC.unique_id, "batch-1", [Reject("1", b"{}", PAYLOAD.encode(), "braze_refused", "No.", 400)]
    )
    [reject] = state.open_rejects(SYNC.unique_id)
    row = {"external_id": "c", "payload": PAYLOAD, "braze_batch": "batch-1"}
    source = RetrySource(
        SYNC,
        lambda: iter([Candidate(reject, row)]),
        ActivityPlanner("events", TRACKED),
        Counts(),
        1,
        pytest.fail,
    )
    [planned] = source.rows()
    source.intend(state, [planned])
    assert status(state) == ["unknown"]
    return source, planned


@pytest.mark.parametrize(
    ("ends", "expected"),
    [({"sent": [0]}, []), ({"held": [0]}, ["rejected"]), ({"unknown": [0]}, ["unknown"])],
)
def test_an_answer(state: State, ends: dict[str, Any], expected: list[str]) -> None:
    source, row = retried(state)
    [request] = pack([row])
    source.settle(Outcome(request, **ends), 0, 1)
    source.save(state)
    assert status(state) == expected
    source.counts.check()


def test_a_request_that_was_never_sent_leaves_no_doubt(state: State) -> None:
    """The run was stopped between the intent and the request."""
    source, row = retried(state)
    source.hold_back(1, [row])
    source.save(state)
    assert status(state) == ["rejected"]
    source.counts.check()


def test_many_rejects_are_few_statements(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warehouse takes a second for each, whatever is in it."""
    rejects = [Reject(f"{n:03}", b"{}", PAYLOAD.encode(), "braze_refused", "No.", 400) for n in range(300)]
    state.reject(SYNC.unique_id, "batch-1", rejects[:200])
    state.reject(SYNC.unique_id, "batch-2", rejects[200:])
    row = {"external_id": "c", "payload": PAYLOAD}
    candidates = [Candidate(reject, row) for reject in state.open_rejects(SYNC.unique_id)]
    planner = ActivityPlanner("events", TRACKED)
    source = RetrySource(SYNC, lambda: iter(candidates), planner, Counts(), len(rejects), pytest.fail)
    statements: list[int] = []
    append = state.append
    monkeypatch.setattr(
        state, "append", lambda table, rows: (statements.append(len(rows)), append(table, rows))
    )
    for request in pack(source.rows()):
        source.intend(state, request.rows)
        ends = {"sent": range(40), "unknown": list(range(40, len(request.rows)))}
        source.settle(Outcome(request, **ends), 0, len(request.rows))
    source.save(state)
    # An intent for each request; then what is unknown of two batches, and what was sent.
    assert statements == [75, 75, 75, 75, 80, 60, 160]
    assert status(state) == ["unknown"] * 140
    source.counts.check()


def test_a_run_that_died_leaves_the_doubt(state: State) -> None:
    retried(state)
    assert status(state) == ["unknown"]


def test_what_is_not_sent_is_told_once_for_each_reason(state: State) -> None:
    state.reject(SYNC.unique_id, "b", [Reject(str(n), b"{}", b"{}", "r", "No.", 400) for n in range(5)])
    problems = ("pruned", "pruned", "built on", "pruned", "built on")
    told: list[str] = []
    candidates = [
        Candidate(reject, {}, problem)
        for reject, problem in zip(state.open_rejects(SYNC.unique_id), problems, strict=True)
    ]
    source = RetrySource(
        SYNC, lambda: iter(candidates), ActivityPlanner("events", TRACKED), Counts(), 5, told.append
    )
    assert list(source.rows()) == []
    assert told == [
        "users_events_sync: 3 not sent again (row 0 and others): pruned.",
        "users_events_sync: 2 not sent again (row 2 and others): built on.",
    ]
    assert (source.counts.rows_read, source.counts.rows_held) == (5, 5)
