"""What a destination has on record: positions, rejects, the host that it belongs to."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from histories import Brief
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_runner.errors import ConfigError
from braze_runner.plan import Reject
from braze_runner.state import FileTables, Position, Progress, Range, State
from braze_runner.state.records import RejectStatus, RunRecord

NOON = dt.datetime.fromisoformat("2026-01-01T12:00:00")


@pytest.fixture
def tables() -> Iterator[FileTables]:
    with closing(Brief()) as opened:
        yield opened


def key(number: int) -> str:
    return f"{number:04x}"


ranges = st.builds(
    lambda low, size: Range(key(low) if low else "", key(low + size)), st.integers(0, 50), st.integers(1, 9)
)
entries = st.one_of(
    st.tuples(st.just("intent"), st.integers(1, 60)),
    st.tuples(
        st.just("progress"),
        st.tuples(
            st.integers(0, 60), st.lists(ranges, max_size=2), st.lists(ranges, max_size=2), st.booleans()
        ),
    ),
)
histories = st.lists(
    st.tuples(
        st.sampled_from(["d1", "d2"]),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from("abc"),
        st.sampled_from(["r1", "r2"]),
        entries,
    ),
    max_size=25,
)


@given(histories)
@settings(deadline=None)
def test_positions_follow_from_any_sequence_of_entries(history: list[Any]) -> None:
    expected: dict[tuple[str, str], dict[str, Position]] = {}
    moments: list[dt.datetime] = []
    with closing(Brief()) as tables:
        for destination, sync, batch, run, (entry, what) in history:
            now = NOON + dt.timedelta(seconds=len(moments))
            moments.append(now)
            state = State(tables, destination, run, now=lambda now=now: now)  # type: ignore[misc]
            position = expected.setdefault((destination, sync), {}).setdefault(batch, Position())
            if entry == "intent":
                state.intend(sync, batch, key(what))
                position.intents[run] = max(position.intents.get(run, ""), key(what))
                position.intended_at = now
                continue
            number, ended, unsent, done = what
            mark = key(number) if number else ""
            state.save({sync: [Progress(batch, mark, 1, 2, ended, unsent, done)]})
            position.mark = max(position.mark or "", mark) or None
            position.done = position.done or done
            position.ended += ended
            if unsent:
                position.unsent.setdefault(run, []).extend(unsent)
        for destination in ("d1", "d2"):
            for sync in ("s1", "s2"):
                found = State(tables, destination, "reader").positions(sync)
                assert found == {
                    batch: Position(each.mark, done=True) if each.done else each
                    for batch, each in expected.get((destination, sync), {}).items()
                }


def test_what_explains_a_step_is_written_before_it(tables: FileTables) -> None:
    """An error may leave the first of the rows, and of these none may pass what is not explained."""
    written: list[dict[str, Any]] = []

    class Noting:
        def __getattr__(self, name: str) -> Any:
            return getattr(tables, name)

        def append(self, _table: str, rows: list[dict[str, Any]]) -> None:
            written.extend(rows)

    state = State(Noting(), "d", "r")  # type: ignore[arg-type]
    state.save(
        {
            "s": [
                Progress(
                    "b", key(5), ended=[Range(key(7), key(9))], unsent=[Range(key(9), key(10))], done=True
                )
            ]
        }
    )
    assert [row["entry"] for row in written] == ["ended", "unsent", "done"]
    assert [row["seq"] for row in written] == [1, 2, 3]


def test_a_destination_keeps_its_host(tables: FileTables) -> None:
    State(tables, "d", "r1").bind("host-1")
    State(tables, "d", "r2").bind("host-1")
    State(tables, "other", "r2").bind("host-2")
    with pytest.raises(ConfigError, match="destination d belongs to host-1, not to host-2"):
        State(tables, "d", "r3").bind("host-2")
    assert State(tables, "d", "r4").bound_host() == "host-1"


@pytest.mark.parametrize("moments", [(0, 0), (0, 1), (1, 0)])
def test_two_runs_that_bind_at_once_agree(tables: FileTables, moments: tuple[int, int]) -> None:
    """Each has looked before the other wrote."""
    states = [
        State(tables, "d", f"r{number}", now=lambda moment=moment: NOON + dt.timedelta(seconds=moment))  # type: ignore[misc]
        for number, moment in enumerate(moments)
    ]
    second, real = states[1], states[1]._hosts
    looks = [list[str]]
    second._hosts = lambda: looks.pop()() if looks else real()  # type: ignore[method-assign]
    states[0].bind("host-b")
    with pytest.raises(ConfigError, match="belongs to host-b, not to host-a"):
        second.bind("host-a")
    assert looks == []


def reject(number: int, reason: str = "payload_missing", payload: bytes | None = b'{"a":1}') -> Reject:
    return Reject(key(number), b'{"external_id":"c"}', payload, reason, "Words.", 400, 7)


STATUSES: tuple[RejectStatus, ...] = ("rejected", "unknown", "retried", "arrived", "dropped", "superseded")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(STATUSES)), max_size=20))
@settings(deadline=None)
def test_a_reject_is_as_open_as_its_last_word(history: list[tuple[str, int, RejectStatus]]) -> None:
    last: dict[tuple[str, str], tuple[str, int, int]] = {}
    with closing(Brief()) as tables:
        for moment, (batch, number, status) in enumerate(history):
            now = NOON + dt.timedelta(seconds=moment)
            State(tables, "d", f"r{moment}", now=lambda now=now: now).reject(
                "s", batch, [reject(number)], status
            )  # type: ignore[misc]
            first = last.get((batch, key(number)), ("", moment, 0))[1]
            last[batch, key(number)] = (status, first, moment)
        found = list(State(tables, "d", "reader").open_rejects("s"))
        counted = Counter(each.status for each in found)
        assert State(tables, "d", "reader").count_open_rejects() == ({"s": counted} if found else {})
    assert {(each.batch, each.braze_row): each.status for each in found} == {
        place: status for place, (status, *_) in last.items() if status in ("rejected", "unknown")
    }
    for each in found:
        _, first, newest = last[each.batch, each.braze_row]
        assert (each.first_seen, each.last_seen) == (
            NOON + dt.timedelta(seconds=first),
            NOON + dt.timedelta(seconds=newest),
        )


def test_rejects_of_one_moment_go_by_their_number(tables: FileTables) -> None:
    state = State(tables, "d", "r", now=lambda: NOON)
    state.reject("s", "b", [reject(1), reject(2)])
    [first, _] = state.open_rejects("s")
    state.settle([(first, "retried")])
    assert [each.braze_row for each in state.open_rejects("s")] == [key(2)]


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (None, None),
        (b"", ""),
        (b'{"a":"\xff"}', '{"a":"\\xff"}'),
        ('{"a":"👋"}'.encode(), '{"a":"👋"}'),
        (b"x" * 1_000_000, "x" * 1_000_000),
        (b"2026-01-01T00:00:00.000000", "2026-01-01T00:00:00.000000"),
    ],
)
def test_a_reject_keeps_the_payload_as_far_as_it_is_text(
    tables: FileTables, payload: bytes | None, stored: str | None
) -> None:
    state = State(tables, "d", "r")
    state.reject("s", "b", [reject(1, payload=payload)])
    [found] = state.open_rejects("s")
    assert (found.payload, found.identifier, found.http_status, found.request_number) == (
        stored,
        '{"external_id":"c"}',
        400,
        7,
    )


def test_nothing_is_appended_for_nothing(tables: FileTables) -> None:
    state = State(tables, "d", "r")
    state.reject("s", "b", [])
    state.save({})
    assert tables.fetch_all("select count(*) from braze_sync_ledger") == [(0,)]
    assert state.seconds_since_acceptance() is None
    assert state.positions("s") == {}


def test_the_newest_acceptance_is_that_of_any_sync(tables: FileTables) -> None:
    moments = iter([NOON + dt.timedelta(hours=hours) for hours in (0, 2, 1, 9, 10)])
    state = State(tables, "d", "r", now=lambda: next(moments))
    for sync in ("s1", "s2", "s3"):
        state.save({sync: [Progress("b", key(1))]})
    state.intend("s1", "c", key(1))
    assert state.seconds_since_acceptance() == 8 * 3_600
    assert State(tables, "other", "r").seconds_since_acceptance() is None
    assert State(tables, "d", "r", now=lambda: NOON).seconds_since_acceptance() == 0


def test_rows_are_stamped_by_the_clock_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is wrong, or jumps, writes no word that outlives the next one."""
    with closing(Brief()) as tables:
        monkeypatch.setattr(tables, "now", lambda: NOON)
        elapsed = iter([100.0, 100.0, 107.0])
        first = State(tables, "d", "r1", monotonic=lambda: next(elapsed))
        first.reject("s", "b", [reject(1)])
        [found] = first.open_rejects("s")
        first.settle([(found, "retried")])
        assert list(first.open_rejects("s")) == []
        assert found.first_seen == NOON
        stamps = tables.fetch_all("select max(recorded_at) from braze_sync_rejects")
        assert stamps == [(NOON + dt.timedelta(seconds=7),)]


def test_a_clock_that_was_set_back_makes_no_old_word_the_newest(
    tables: FileTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what was sent again would be open again, and an event would be sent once more."""
    monkeypatch.setattr(tables, "now", lambda: NOON)
    first = State(tables, "d", "r1")
    first.reject("s", "b", [reject(1), reject(2)])
    first.record_run("s", RunRecord("success", NOON), {})
    monkeypatch.setattr(tables, "now", lambda: NOON - dt.timedelta(hours=1))
    second = State(tables, "d", "r2", monotonic=lambda: 0.0)
    [one, _] = second.open_rejects("s")
    second.settle([(one, "retried")])
    second.record_run("s", RunRecord("partial", NOON), {})
    assert [each.braze_row for each in State(tables, "d", "r3").open_rejects("s")] == [key(2)]
    assert second.last_runs()["s"].run_id == "r2"


def test_what_a_retry_sent_was_accepted_too(tables: FileTables) -> None:
    moments = iter([NOON + dt.timedelta(seconds=seconds) for seconds in (0, 1, 3, 8)])
    state = State(tables, "d", "r", now=lambda: next(moments))
    state.save({"s": [Progress("b", key(1))]})
    state.reject("s", "b", [reject(1)])
    state.settle((each, "retried") for each in list(state.open_rejects("s")))
    assert state.seconds_since_acceptance() == 5


def test_a_dropped_deletion_that_was_sent_after_all_is_none(tables: FileTables) -> None:
    state = State(tables, "d", "r", now=lambda: NOON)
    state.reject("s", "b", [reject(number)._replace(reason="user_returned") for number in (1, 2, 3)])
    statuses: tuple[RejectStatus, ...] = ("retried", "superseded")
    state.settle(zip(list(state.open_rejects("s")), statuses, strict=False))
    assert state.dropped_deletions("s") == {("b", key(2)), ("b", key(3))}


def test_every_row_says_which_run_wrote_it(tables: FileTables) -> None:
    state = State(tables, "d'1", "r", now=lambda: NOON)
    state.fence = 7
    state.intend("s'1", "b'1", "k'1")
    counts: Mapping[str, int] = {"rows_read": 3}
    state.record_run("s'1", RunRecord("started", NOON), counts)
    columns = "destination, sync, run_id, seq, fence, braze_batch, braze_row, recorded_at"
    assert tables.fetch_all(f"select {columns} from braze_sync_ledger") == [
        ("d'1", "s'1", "r", 1, 7, "b'1", "k'1", NOON)
    ]
    assert tables.fetch_all("select status, started_at, rows_read, rows_sent from braze_sync_runs") == [
        ("started", NOON, 3, None)
    ]
    assert State(tables, "d'1", "x").positions("s'1") == {
        "b'1": Position(intents={"r": "k'1"}, intended_at=NOON)
    }
