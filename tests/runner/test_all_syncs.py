from pathlib import Path

from company import Braze, check, write_company

from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, push
from braze_runner.sandbox import SandboxServer
from braze_runner.warehouse import DbtOptions

USERS = 1_000


def test_three_runs_of_every_sync_leave_what_they_should(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_company(folder, USERS)
    with SandboxServer(db=tmp_path / "braze.sqlite", lag=0.1, seed=1, limits="off") as server:
        config = BrazeConfig(server.url, "127.0.0.1", Secret(server.api_key))
        options = DbtOptions(project_dir=folder, profiles_dir=folder)
        summary = push(options, config, PushSettings(order_gap=0.3))
        assert (
            summary.counts.rows_rejected == USERS // 50 + 6
        )  # users who returned, and rows that are no JSON
        again = push(options, config, PushSettings(order_gap=0.3))
        assert again.counts.rows_read == 0
    check(Braze(tmp_path / "braze.sqlite"), USERS)
