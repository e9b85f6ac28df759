"""What happens to the runner's own surroundings: the warehouse, the disk, the clock."""

import datetime as dt
import random
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import killed
import pyarrow as pa
import pytest
from world import World

import forks
from braze_runner.errors import StoppedError
from braze_runner.state import State
from braze_runner.warehouse.duckdb import DuckDBWarehouse

USERS = [f"user-{number}" for number in range(1_000)]
FULL = 90_000  # bytes: the tables fit, and some of what is recorded
EVENT = {"name": "seen", "time": "2026-01-01T00:00:00Z"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, lag=0.1) as world:
        yield world


def fill(world: World, days: int = 2) -> None:
    for day in range(1, days + 1):
        world.log("attributes", f"run-{day}", *((f"2026-01-0{day}", user, {"day": day}) for user in USERS))
        events = (
            (f"2026-01-0{day}", user, EVENT | {"properties": {"event": f"{day}-{user}"}}) for user in USERS
        )
        world.log("events", f"run-{day}", *events)


def check(world: World, days: int = 2) -> None:
    assert world.profiles() == {user: {"day": days} for user in USERS}
    assert world.braze.events() == {f"{day}-{user}": 1 for day in range(1, days + 1) for user in USERS}
    assert world.rejects() == []


@pytest.mark.parametrize("lost_after", [0, 1, 3, 7])
def test_the_warehouse_is_lost_while_it_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch, lost_after: int
) -> None:
    """The run says so, what Braze has taken is on record, and the next run goes on behind it."""
    fill(world)
    stream, handed_out = DuckDBWarehouse.stream, [0]

    def losing(self: DuckDBWarehouse, sql: str, _: int) -> Iterator[pa.RecordBatch]:
        for batch in stream(self, sql, 200):
            if handed_out[0] == lost_after:
                raise StoppedError("DuckDB: the connection was lost")
            handed_out[0] += 1
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBWarehouse, "stream", losing)
        first = world.push(order_gap=0.2)
    assert (first.exit_code, first.error) == (3, "DuckDB: the connection was lost")
    second = world.push(order_gap=0.2)
    assert second.exit_code == 0
    assert first.counts.rows_sent + second.counts.rows_sent == 4 * len(USERS)
    check(world)


@pytest.mark.parametrize("statement", ["append", "fetch_all", "now"])
def test_the_warehouse_is_lost_while_the_state_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Whichever call it is that fails, at whatever time: nothing is missing, and nothing is there twice."""
    fill(world)
    monkeypatch.setattr("braze_runner.engine.pusher._SAVE_SECONDS", 0.0)
    # What can't be written can't be released either; but each of these processes has ended.
    monkeypatch.setattr("braze_runner.state.lease._is_alive", lambda _: False)
    for calls in (3, 9, 14, 20):
        with monkeypatch.context() as patched:
            patched.setattr(DuckDBWarehouse, statement, losing(statement, calls))
            assert "connection was lost" in stopped(world)
    world.push(order_gap=0.2)
    world.flush()
    arrived = world.braze.events()
    assert max(arrived.values()) == 1
    held = [reject for reject in world.rejects() if reject.status == "unknown"]
    everything = {f"{day}-{user}" for day in (1, 2) for user in USERS}
    assert everything - arrived.keys() <= {event_of(reject.payload or "") for reject in held}
    assert world.profiles() == {user: {"day": 2} for user in USERS}


def test_the_warehouse_is_lost_between_two_requests_of_one_user(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits until the first is on record; that fails, and the run says why, and its counts add up."""
    rows = [(f"2026-01-01 00:{n // 60:02}:{n % 60:02}", "a", {"n": {"inc": 1}}) for n in range(200)]
    world.by_hand("attributes", *rows)
    monkeypatch.setattr("braze_runner.state.lease._is_alive", lambda _: False)
    intend = State.intend

    def lost(self: State, sync: str, batch: str, to: str) -> None:
        intend(self, sync, batch, to)
        raise StoppedError("DuckDB: the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(State, "intend", lost)
        summary = world.push(order_gap=0.2)
    assert summary.error == "DuckDB: the connection was lost"
    assert (summary.counts.rows_sent, summary.counts.rows_held) == (0, summary.counts.rows_read)
    # Its intent is on record, and so is that nothing of it was sent.
    assert world.push(order_gap=0.2).counts.rows_sent == 200
    assert world.profiles() == {"a": {"n": 200}}


def losing(statement: str, calls: int) -> Any:
    """Return a method of the warehouse that works so often, and then never again."""
    method, left = getattr(DuckDBWarehouse, statement), [calls]

    def lost(*args: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise StoppedError("DuckDB: the connection was lost")
        return method(*args)

    return lost


def stopped(world: World) -> str:
    """Push until the run stops, before or after its first row; returns why."""
    try:
        summary = world.push(order_gap=0.2, workers=2)
    except StoppedError as exc:
        return str(exc)
    return summary.error or "connection was lost too late"


def event_of(payload: str) -> str:
    return payload.split('"event": "')[1].split('"', maxsplit=1)[0]


def push_on_a_full_disk(arguments: list[str], environment: dict[str, str], log: str, size: int) -> None:
    # The kernel refuses every write beyond the limit, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    killed.run("never", 1, arguments, environment, log)


def test_the_disk_is_full_under_the_state_file(world: World, tmp_path: Path) -> None:
    fill(world)
    world.write_manifest()
    state, log, home = tmp_path / "state", tmp_path / "log", tmp_path / "home"
    home.mkdir()
    folder = str(world.project)
    arguments = ["push", "--state", f"file:{state}", "--project-dir", folder, "--profiles-dir", folder]
    arguments += ["--order-gap", "0.2", "--workers", "2"]
    environment = {
        "BRAZE_REST_ENDPOINT": world.config.endpoint,
        "BRAZE_API_KEY": "sandbox",
        "HOME": str(home),
    }
    child = forks.process(push_on_a_full_disk, arguments, environment, str(log), FULL)
    child.start()
    child.join(120)
    assert child.exitcode == 3, log.read_text()
    said = " ".join(log.read_text().split())
    assert "refused a statement" in said
    assert "Traceback" not in said
    sent = world.braze.query("select count(*) from requests")[0][0]
    assert sent > 0
    # With room again everything comes to its end; what nobody can know is told, and is not sent again.
    summary = world.push(state_file=state, order_gap=0.2)
    assert summary.error is None
    world.flush()
    arrived = world.braze.events()
    assert max(arrived.values()) == 1
    missing = 2 * len(USERS) - len(arrived)
    assert missing <= summary.counts.rows_unknown
    assert world.profiles() == {user: {"day": 2} for user in USERS}


class Jumping:
    """A clock that jumps by hours whenever somebody looks."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (no secret)

    def now(self, *_: Any) -> dt.datetime:
        hours = self._random.choice([-30, -5, -1, 0, 1, 5, 30])
        return dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=hours)


@pytest.mark.parametrize("seed", [1, 2])
def test_clocks_that_jump(world: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Order and progress rest on no clock that can be set; who may push is judged again by the next run."""
    clock = Jumping(seed)
    for place in ("state.store", "engine.session", "engine.retry"):
        monkeypatch.setattr(f"braze_runner.{place}.utc_now", clock.now, raising=False)
    monkeypatch.setattr(DuckDBWarehouse, "now", clock.now)
    fill(world, days=1)
    first = world.push(order_gap=0.2)
    assert (first.exit_code, first.counts.rows_sent) == (0, 2 * len(USERS))
    world.flush()
    for day in (2, 3):
        world.log("attributes", f"run-{day}", *((f"2026-01-0{day}", user, {"day": day}) for user in USERS))
    assert world.push(order_gap=0.2).counts.rows_sent == 2 * len(USERS)
    assert world.push(order_gap=0.2).counts.rows_read == 0
    assert world.profiles() == {user: {"day": 3} for user in USERS}
    assert world.braze.events() == {f"1-{user}": 1 for user in USERS}


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_was_set_between_two_runs(
    world: World, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """A run that was killed under another time is taken over; the wait for order is the gap at most."""
    fill(world, days=1)
    world.die_after(requests=5)
    with monkeypatch.context() as patched:
        shift = dt.timedelta(hours=hours)
        patched.setattr(
            DuckDBWarehouse, "now", lambda _: dt.datetime.now(dt.UTC).replace(tzinfo=None) + shift
        )
        with pytest.raises(KeyboardInterrupt):
            world.push(order_gap=0.2)
    world.live()
    second = world.push(order_gap=0.2)
    assert second.error is None
    assert second.seconds < abs(hours) * 60
    assert world.profiles().keys() == set(USERS)
