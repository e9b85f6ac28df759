"""Two runners at once: one pushes, the other says why it does not (R7)."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import runner_process
from push_helpers import Shop, user

from braze_runner.errors import StoppedError
from braze_runner.state import LeaseTakenError
from braze_runner.warehouse import DbtOptions


def start(shop: Shop, *arguments: str) -> BaseProcess:
    command = ["push", "--project-dir", str(shop.options.project_dir), *arguments]
    return runner_process.start(command, shop.environment, log_of(shop))


def log_of(shop: Shop) -> Path:
    return shop.path.with_suffix(".log")


class Gate:
    """Keeps Braze from answering until it is opened."""

    def __init__(self, shop: Shop) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        shop.braze.script = self._wait

    def _wait(self, *_: Any) -> None:
        self.reached.set()
        self.opened.wait(300)


@contextmanager
def at_work(shop: Shop, *arguments: str) -> Iterator[Gate]:
    """Let another process push, and wait in the middle of it; in the end it has pushed everything."""
    gate = Gate(shop)
    process = start(shop, *arguments)
    try:
        assert gate.reached.wait(300), log_of(shop).read_text()
        yield gate
    finally:
        gate.opened.set()
        process.join()
    assert process.exitcode == 0, log_of(shop).read_text()


def copied(shop: Shop, folder: Path) -> DbtOptions:
    """Copy project and warehouse to another place, as to another machine."""
    folder.mkdir()
    assert shop.options.project_dir is not None
    shutil.copytree(shop.options.project_dir, folder / "shop")
    shutil.copy(shop.path, folder / "shop.duckdb")
    profiles = folder / "shop" / "profiles.yml"
    profiles.write_text(
        profiles.read_text().replace("{{ env_var('SHOP_PATH') }}", str(folder / "shop.duckdb"))
    )
    return DbtOptions(project_dir=folder / "shop")


def test_two_runners_that_share_their_state(shop: Shop, tmp_path: Path) -> None:
    shop.add_users(500)
    state = tmp_path / "state"
    other = Shop.__new__(Shop)
    other.__dict__.update(shop.__dict__ | {"options": copied(shop, tmp_path / "other")})
    with at_work(shop, "--state", f"file:{state}"):
        with pytest.raises(
            LeaseTakenError, match=r"is being pushed to default by another run, process \d+"
        ) as told:
            other.push(state_file=state)
        assert told.value.exit_code == 3
    assert shop.braze.users() == [user(number) for number in range(500)]
    # The state is shared, so the other finds that nothing is left.
    assert other.push(state_file=state).counts.rows_read == 0
    # Another destination is another matter, also at the same time.
    assert other.push(state_file=state, destination="second").counts.rows_sent == 500


def test_a_runner_that_was_killed_is_taken_over_at_once(shop: Shop, tmp_path: Path) -> None:
    shop.add_users(500)
    gate, state = Gate(shop), tmp_path / "state"
    process = start(shop, "--state", f"file:{state}")
    assert gate.reached.wait(300)
    process.kill()
    process.join()
    gate.opened.set()
    assert shop.push(state_file=state).counts.rows_sent == 500
    assert set(shop.braze.users()) == {user(number) for number in range(500)}


def test_a_duckdb_file_that_another_process_has_open(shop: Shop) -> None:
    """DuckDB lets one process in, so the lease is not even asked for."""
    shop.add_users(500)
    said = r"shop\.duckdb is in use by another process: try again when"
    with at_work(shop), pytest.raises(StoppedError, match=said):
        shop.push()
    assert shop.push().counts.rows_read == 0
    assert shop.braze.users() == [user(number) for number in range(500)]
