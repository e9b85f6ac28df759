"""The state in a file: whole or not at all, whoever writes and whatever the disk says."""

import datetime as dt
import multiprocessing
import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.state import FileTables, Progress, State
from braze_runner.state.records import SCHEMAS

LONG = "b" * 10_000
LEDGER = "braze_sync_ledger"
SPAWN = multiprocessing.get_context("spawn")


def opened(path: Path) -> FileTables:
    tables = FileTables(path)
    tables.prepare()
    return tables


def entries(tables: FileTables) -> int:
    return int(tables.fetch_all(f"select count(*) from {LEDGER}")[0][0])


def in_process(work: Callable[..., None], *given: Any) -> int | None:
    """Run something in a process of its own; returns how it ended."""
    process = SPAWN.Process(target=work, args=given)
    process.start()
    process.join()
    return process.exitcode


def try_as_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        os.setuid(65_534)
    try:
        State(opened(path), "d", "r").intend("s", "b", "1")
    except (ConfigError, StoppedError) as exc:
        os._exit(7 if "state file" in str(exc) else 8)
    os._exit(0)


def fill(path: Path, told: Path) -> None:
    # The kernel refuses every write beyond the limit, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    state = State(FileTables(path), "d", "r")
    for number in range(1_000):
        try:
            state.save({"s": [Progress(LONG, f"{number:06x}")]})
        except StoppedError as exc:
            # What was on record can be read, and nothing of the last step is there.
            mark = state.positions("s")[LONG].mark
            told.write_text(str(mark))
            is_whole = mark == f"{number - 1:06x}" and "refused a statement" in str(exc)
            os._exit(7 if is_whole else 8)
    os._exit(0)


def die(path: Path) -> None:
    connection = FileTables(path)._connection
    connection.execute("begin immediate")
    connection.executemany(f"insert into {LEDGER} (sync) values (?)", [("half",)] * 10_000)
    os._exit(9)


def write(path: Path, number: int, each: int) -> None:
    with closing(opened(path)) as tables:
        for _ in range(each):
            tables.append(LEDGER, [{"sync": str(number)}, {"sync": str(number)}])


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    """Payloads of rejects are in it, and in the files that SQLite puts beside it."""
    with closing(opened(tmp_path / "state")):
        modes = {path.name: stat.filemode(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {"-rw-------"}
    assert "state" in modes


def test_what_is_written_is_there_for_the_next(tmp_path: Path) -> None:
    moment = dt.datetime.fromisoformat("2026-01-01T12:00:00")
    with closing(FileTables(tmp_path / "state")) as tables:
        assert not tables.exist()
        tables.prepare()
        tables.prepare()
        assert tables.exist()
        tables.append(LEDGER, [{"sync": "s", "seq": 2**62, "recorded_at": moment, "detail": "é'👋"}])
    with closing(opened(tmp_path / "state")) as tables:
        columns = "sync, seq, recorded_at, detail, braze_row"
        assert tables.fetch_all(f"select {columns} from {LEDGER}") == [("s", 2**62, moment, "é'👋", None)]
        assert tables.fetch_all(f"select max(recorded_at) from {LEDGER}") == [(moment,)]
        assert tables.literal("o'x") == "'o''x'"


def test_texts_that_look_like_times_stay_texts(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "state")) as tables:
        for text in (
            "2026-01-01T12:00:00.000000",
            "2026-01-01 12:00:00.00000x",
            "2026-13-01 12:00:00.000000",
        ):
            tables.append("braze_sync_rejects", [{"payload": text}])
            assert tables.fetch_all("select max(payload) from braze_sync_rejects")[0][0].__class__ is str


def test_columns_are_added_to_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"create table {LEDGER} (destination text, sync text, entry text, braze_batch text, braze_row text)"
        )
        connection.execute(f"insert into {LEDGER} values ('d', 's', 'progress', 'b', '0005')")
        connection.commit()
    with closing(opened(path)) as tables:
        present = {row[1] for row in tables.fetch_all(f"pragma table_info({LEDGER})")}
        assert present == set(SCHEMAS[LEDGER].names)
        state = State(tables, "d", "r")
        assert state.positions("s")["b"].mark == "0005"
        state.save({"s": [Progress("b", "0009", done=True)]})
        assert state.positions("s")["b"].done


@pytest.mark.parametrize("kind", ["folder", "no folder", "no database", "truncated"])
def test_a_file_that_can_t_be_used_stops_before_anything(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "state"
    if kind == "folder":
        path.mkdir()
    elif kind == "no folder":
        path = tmp_path / "missing" / "state"
    elif kind == "no database":
        path.write_bytes(b"id,name\n" * 1_000)
    else:
        opened(path).close()
        path.write_bytes(path.read_bytes()[:4_500])
    with pytest.raises((ConfigError, StoppedError), match="state file"):
        opened(path)


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    """Opened for reading alone, as on a disk that is mounted so; permissions mean nothing to the superuser."""
    path = tmp_path / "state"
    with closing(opened(path)) as tables:
        tables._connection.execute("pragma query_only = on")
        with pytest.raises(StoppedError, match="refused a statement: attempt to write a readonly database"):
            tables.append(LEDGER, [{"sync": "s"}])
        assert entries(tables) == 0


def test_a_file_without_the_right_to_write() -> None:
    """In a folder that others may enter, for the tests may run as the superuser, who may write anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        opened(path).close()
        Path(folder).chmod(0o755)
        path.chmod(0o444)
        assert in_process(try_as_nobody, path) == 7
        with closing(opened(path)) as tables:
            assert entries(tables) == 0


@pytest.mark.parametrize("bad", [{"seq": 2**63}, {"seq": object()}, {"sync": "\ud800"}])
def test_rows_are_written_all_or_none(tmp_path: Path, bad: dict[str, Any]) -> None:
    with closing(opened(tmp_path / "state")) as tables:
        rows = [{"sync": "s"}, {"sync": "s"}, bad]
        with pytest.raises((StoppedError, OverflowError, UnicodeEncodeError)):
            tables.append(LEDGER, rows)
        assert entries(tables) == 0
        tables.append(LEDGER, rows[:2])
        assert entries(tables) == 2


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state"
    opened(path).close()
    assert in_process(fill, path, tmp_path / "last") == 7
    with closing(opened(path)) as tables:
        state = State(tables, "d", "r")
        assert state.positions("s")[LONG].mark == (tmp_path / "last").read_text()
        state.save({"s": [Progress(LONG, "ffffff", done=True)]})
        assert state.positions("s")[LONG].done


def test_a_process_that_dies_in_the_middle_leaves_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with closing(opened(path)) as tables:
        tables.append(LEDGER, [{"sync": "before"}])
    assert in_process(die, path) == 9
    with closing(opened(path)) as tables:
        assert tables.fetch_all(f"select sync from {LEDGER}") == [("before",)]
        tables.append(LEDGER, [{"sync": "after"}])
        assert entries(tables) == 2


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path, count, each = tmp_path / "state", 3, 20
    opened(path).close()
    processes = [SPAWN.Process(target=write, args=(path, number, each)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count
    with closing(opened(path)) as tables:
        assert tables.fetch_all(f"select sync, count(*) from {LEDGER} group by sync order by sync") == [
            (str(number), 2 * each) for number in range(count)
        ]
