"""Who may push: one run a sync and destination, whatever dies, stalls or comes at the same moment (R7)."""

import datetime as dt
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from histories import Brief
from hypothesis import example, given, settings
from hypothesis import strategies as st

from braze_runner.errors import StoppedError
from braze_runner.state import FileTables, Lease, LeaseTakenError, State
from braze_runner.state import lease as module

START = dt.datetime.fromisoformat("2026-01-01T12:00:00")
PATIENT = 30.0


class Clocked:
    """Tables with a clock of their own, as a warehouse has; ``before`` is called before each statement."""

    is_local = False

    def __init__(self, tables: FileTables) -> None:
        self.tables = tables
        self.time = START
        self.before: Any = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)

    def now(self) -> dt.datetime:
        return self.time

    def fetch_all(self, sql: str) -> list[tuple[Any, ...]]:
        self.before()
        return self.tables.fetch_all(sql)

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        self.before()
        self.tables.append(table, rows)


@pytest.fixture
def tables() -> Iterator[Clocked]:
    with closing(Brief()) as opened:
        yield Clocked(opened)


def never(_: float) -> None:
    """No wait."""


def lease_of(tables: Any, run: str, syncs: Sequence[str] = ("s",), lost: Any = None, **more: Any) -> Lease:
    state = State(tables, more.pop("destination", "d"), run)
    return Lease(state, syncs, lost or pytest.fail, wait=never, **more)


def test_a_second_run_is_refused_until_the_first_ends(tables: Clocked) -> None:
    with lease_of(tables, "r1"):
        with (
            pytest.raises(
                LeaseTakenError, match=rf"s is being pushed to d by another run, process {os.getpid()}"
            ),
            lease_of(tables, "r2"),
        ):
            pass
        with lease_of(tables, "r2", destination="other"), lease_of(tables, "r3", ["t", "u"]):
            pass
        with pytest.raises(LeaseTakenError), lease_of(tables, "r4", ["t", "s"]):
            pass
    with lease_of(tables, "r5"):
        pass


def test_nothing_to_push_needs_no_lease(tables: Clocked) -> None:
    with lease_of(tables, "r1", []), lease_of(tables, "r2", []):
        pass


def test_the_fence_grows_with_every_run(tables: Clocked) -> None:
    fences = []
    for number in range(3):
        state = State(tables, "d", f"r{number}")  # type: ignore[arg-type]
        with Lease(state, ["s"], pytest.fail, wait=never):
            fences.append(state.fence)
    assert fences == [1, 2, 3]


def claimed(
    tables: Any, run: str, fence: int = 1, *, machine: str | None = None, pid: int | None = None
) -> None:
    """Claim as a process would that then dies without a word."""
    lease = lease_of(tables, run)
    lease._state.fence = fence
    with pytest.MonkeyPatch.context() as patched:
        if machine is not None:
            patched.setattr(module, "machine", lambda: machine)
        if pid is not None:
            patched.setattr("os.getpid", lambda: pid)
        lease._claim("lease")


def test_what_is_not_released_expires_by_the_clock_of_the_tables(tables: Clocked) -> None:
    """The machine's own clock says something else by months."""
    claimed(tables, "r1")
    for seconds, is_free in ((0, False), (119, False), (120, True), (7_200, True)):
        tables.time = START + dt.timedelta(seconds=seconds)
        if is_free:
            with lease_of(tables, f"free-{seconds}"):
                pass
        else:
            with (
                pytest.raises(LeaseTakenError, match="its lease ends at 12:02:00 UTC"),
                lease_of(tables, "r2"),
            ):
                pass


def take_and_die(path: Path) -> None:
    with closing(FileTables(path)) as tables:
        lease_of(tables, "died").__enter__()
        os._exit(7)


def test_a_dead_process_of_this_machine_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with closing(FileTables(path)) as tables:
        tables.prepare()
        process = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(path,))
        process.start()
        process.join()
        assert process.exitcode == 7
        assert tables.fetch_all("select entry from braze_sync_ledger") == [("lease",)]
        with lease_of(tables, "r2"):
            pass


@pytest.mark.parametrize("elsewhere", ["other-host", ""])
def test_a_dead_number_of_another_machine_says_nothing(tables: Clocked, elsewhere: str) -> None:
    gone = multiprocessing.get_context("spawn").Process(target=never, args=(0.0,))
    gone.start()
    gone.join()
    claimed(tables, "r1", machine=elsewhere, pid=gone.pid)
    with pytest.raises(LeaseTakenError), lease_of(tables, "r2"):
        pass


def test_a_renewed_lease_does_not_expire(tables: Clocked) -> None:
    renewed = threading.Semaphore(0)

    def note() -> None:
        if threading.current_thread() is not threading.main_thread():
            renewed.release()

    with lease_of(tables, "r1", seconds=0.05, clock=lambda: 0.0):
        tables.before = note
        for _ in range(3):
            tables.time += dt.timedelta(seconds=0.04)
            # A renewal writes and looks; two of them have begun and one is over.
            for _ in range(5):
                assert renewed.acquire(timeout=PATIENT)
        with pytest.raises(LeaseTakenError), lease_of(tables, "r2"):
            pass


def later(seconds: float) -> Any:
    """Return a clock that shows how long the machine is up in so many seconds."""
    return lambda: time.monotonic() + seconds


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_lets_no_second_run_in(
    tables: Clocked, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The file's clock is the machine's; a lease ends by the time since the machine was started."""
    monkeypatch.setattr(tables.tables, "now", lambda: START)
    first = entered(lease_of(tables.tables, "r1"))
    monkeypatch.setattr(tables.tables, "now", lambda: START + dt.timedelta(hours=hours))
    with pytest.raises(LeaseTakenError), lease_of(tables.tables, "r2"):
        pass
    first._clock = later(100)
    renewed_once(first)
    with pytest.raises(LeaseTakenError), lease_of(tables.tables, "r3", clock=later(219)):
        pass
    with lease_of(tables.tables, "r4", clock=later(221)):
        pass


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_clock_that_is_set_keeps_nobody_out(
    tables: Clocked, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """A run in a container that is gone: whether it lives can't be seen from here."""
    monkeypatch.setattr(tables.tables, "now", lambda: START)
    claimed(tables.tables, "r1", machine="container")
    monkeypatch.setattr(tables.tables, "now", lambda: START + dt.timedelta(hours=hours))
    with pytest.raises(LeaseTakenError), lease_of(tables.tables, "r2", clock=later(119)):
        pass
    with lease_of(tables.tables, "r3", clock=later(121)):
        pass


@pytest.mark.parametrize(
    ("seconds", "is_free"), [(0, False), (119, False), (121, True), (-1, True), (-86_400, True)]
)
def test_what_an_earlier_start_of_the_machine_left(
    tables: Clocked, monkeypatch: pytest.MonkeyPatch, seconds: float, is_free: bool
) -> None:
    """Its process is dead, but another machine may have started with the same file: it is waited for once."""
    monkeypatch.setattr(tables.tables, "now", lambda: START)
    with pytest.MonkeyPatch.context() as before:
        before.setattr(module, "boot", lambda: "an earlier start")
        claimed(tables.tables, "r1")
    monkeypatch.setattr(tables.tables, "now", lambda: START + dt.timedelta(seconds=seconds))
    if is_free:
        with lease_of(tables.tables, "r2"):
            pass
    else:
        with pytest.raises(LeaseTakenError), lease_of(tables.tables, "r2"):
            pass


class Once(threading.Event):
    """Time passes once."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = iter([False])

    def wait(self, _timeout: float | None = None) -> bool:
        return next(self._waits, True)


def entered(lease: Lease) -> Lease:
    """Take a lease that nothing renews."""
    lease._threads = []
    return lease.__enter__()


def renewed_once(lease: Lease) -> None:
    lease._ended = Once()
    lease._renew()


def test_a_run_that_was_taken_over_stops_and_the_other_goes_on(tables: Clocked) -> None:
    lost: list[str] = []
    first = entered(lease_of(tables, "r1", lost=lost.append))
    tables.time += dt.timedelta(seconds=121)
    second = entered(lease_of(tables, "r2"))
    renewed_once(first)
    assert lost == ["Another run has taken over the lease, so this one stops."]
    renewed_once(second)
    with pytest.raises(LeaseTakenError), lease_of(tables, "r3"):
        pass
    # Its own release is no release of the other's.
    first.__exit__(None, None, None)
    with pytest.raises(LeaseTakenError), lease_of(tables, "r3"):
        pass
    second.__exit__(None, None, None)
    with lease_of(tables, "r4"):
        pass


def test_a_lease_that_can_t_be_renewed_stops_the_run(tables: Clocked) -> None:
    lost: list[str] = []
    told = threading.Event()

    def refuse() -> None:
        raise StoppedError("the connection is lost")

    with lease_of(
        tables, "r1", lost=lambda reason: (lost.append(reason), told.set()), seconds=0.05, clock=lambda: 0.0
    ):
        tables.before = refuse
        assert told.wait(PATIENT)
    assert lost == ["The lease could not be renewed: the connection is lost"]


def test_a_warehouse_that_hangs_ends_the_lease_all_the_same(tables: Clocked) -> None:
    lost: list[str] = []
    told, goes_on = threading.Event(), threading.Event()
    with lease_of(tables, "r1", lost=lambda reason: (lost.append(reason), told.set()), seconds=0.05):
        tables.before = lambda: goes_on.wait(PATIENT)
        assert told.wait(PATIENT)
        goes_on.set()
    assert lost[0] == "The lease ended before it could be renewed, so this run stops."


def test_a_claim_that_can_t_look_again_lets_go(tables: Clocked) -> None:
    calls = iter([None, None, StoppedError("the connection is lost")])

    def fail() -> None:
        problem = next(calls, None)
        if problem:
            raise problem

    tables.before = fail
    with pytest.raises(StoppedError, match="the connection is lost"), lease_of(tables, "r1"):
        pass
    with lease_of(tables, "r2"):
        pass


class Turns:
    """Two or more threads that take their statements in turns, in any order that is asked for."""

    def __init__(self, tables: FileTables, works: Sequence[Any]) -> None:
        self._permits = [threading.Semaphore(0) for _ in works]
        self._arrived = [threading.Semaphore(0) for _ in works]
        self._done = [False] * len(works)
        self.threads = []
        for number, work in enumerate(works):
            own = Clocked(tables)
            own.before = lambda number=number: self._wait(number)
            self.threads.append(threading.Thread(target=self._run, args=(number, work, own)))

    def _run(self, number: int, work: Any, tables: Clocked) -> None:
        with suppress(LeaseTakenError):
            work(tables)
        self._done[number] = True
        self._arrived[number].release()

    def _wait(self, number: int) -> None:
        self._arrived[number].release()
        assert self._permits[number].acquire(timeout=PATIENT)

    def play(self, order: Sequence[int]) -> None:
        """Let each run its next statement when its number comes, and in the end whatever is left."""
        for thread, arrived in zip(self.threads, self._arrived, strict=True):
            thread.start()
            assert arrived.acquire(timeout=PATIENT)
        rest = [number for _ in range(40) for number in range(len(self.threads))]
        for number in [*order, *rest]:
            if not self._done[number]:
                self._permits[number].release()
                assert self._arrived[number].acquire(timeout=PATIENT)
        for thread in self.threads:
            thread.join()


@given(st.lists(st.integers(0, 2), max_size=20))
@example([0, 1, 1, 1, 0, 0, 0, 0])
@settings(max_examples=200, deadline=None)
def test_of_runs_that_claim_at_once_never_two_win(order: list[int]) -> None:
    """In whatever order their statements are run."""
    winners: list[str] = []

    def claim(run: str, tables: Clocked) -> None:
        entered(lease_of(tables, run))
        winners.append(run)

    with closing(Brief()) as tables:
        works = [lambda own, run=run: claim(run, own) for run in ("r1", "r2", "r3")]
        Turns(tables, works).play(order)
    assert len(winners) <= 1


@given(st.lists(st.integers(0, 1), max_size=12))
@example([1, 0, 0, 1, 1, 0])
@settings(deadline=None)
def test_who_renews_too_late_and_who_takes_over_are_not_both_at_work(order: list[int]) -> None:
    lost: list[str] = []
    won: list[str] = []

    def renew(own: Clocked) -> None:
        late._state.tables = own
        own.time = START + dt.timedelta(seconds=121)
        renewed_once(late)

    def take_over(own: Clocked) -> None:
        own.time = START + dt.timedelta(seconds=121)
        entered(lease_of(own, "r2"))
        won.append("r2")

    with closing(Brief()) as tables:
        late = entered(lease_of(Clocked(tables), "r1", lost=lost.append))
        Turns(tables, [renew, take_over]).play(order)
    assert lost or not won


def test_threads_that_claim_at_once(tmp_path: Path) -> None:
    """The same without a conductor, on a file, each with a connection of its own."""
    path = tmp_path / "state"
    with closing(FileTables(path)) as tables:
        tables.prepare()
    for number in range(10):
        winners: list[str] = []
        gate, over = threading.Barrier(4), threading.Barrier(4)

        def claim(run: str, winners: list[str], gate: threading.Barrier, over: threading.Barrier) -> None:
            with closing(FileTables(path)) as own:
                gate.wait(PATIENT)
                try:
                    with lease_of(own, run):
                        winners.append(run)
                        over.wait(PATIENT)
                except LeaseTakenError:
                    over.wait(PATIENT)

        threads = [
            threading.Thread(target=claim, args=(f"r{number}-{each}", winners, gate, over))
            for each in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) <= 1
