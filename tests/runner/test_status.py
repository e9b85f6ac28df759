import datetime as dt
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from push_helpers import SYNC, Shop, error, success

from braze_runner.cli import group
from braze_runner.engine.status import SyncStatus, read_status
from braze_runner.errors import ConfigError
from braze_runner.project import read_project
from braze_runner.state import FileTables, Lease, RunRecord, State, WarehouseTables, utc_now
from braze_runner.warehouse import connect


def day(number: int) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-01-{number:02}")


def status_of(shop: Shop, name: str = "users_attributes_sync", **options: Any) -> SyncStatus:
    [found] = read_status(shop.options, options.pop("destination", "default"), [name], **options).syncs
    return found


def run(shop: Shop, *arguments: str) -> Result:
    command = ["status", "--project-dir", str(shop.options.project_dir), *arguments]
    environment = {"BRAZE_REST_ENDPOINT": None, "BRAZE_API_KEY": None, "COLUMNS": "160"}
    return CliRunner().invoke(group, command, env=environment, catch_exceptions=False)


def test_before_the_first_push_everything_is_pending_and_nothing_is_written(shop: Shop) -> None:
    shop.add_users(5)
    shop.add_users(3, "batch-2", day=2)
    before = shop.path.read_bytes()
    found = status_of(shop)
    assert (found.pending_rows, found.pending_batches) == (8, 2)
    assert (found.watermark, found.lag, found.newest) == (None, None, day(2))
    assert (found.run_status, found.rejected, found.unknown, found.lease) == ("never", 0, 0, None)
    assert shop.path.read_bytes() == before
    result = run(shop)
    assert result.exit_code == 0
    assert "nothing has been pushed to it yet" in result.output
    assert "8 in 2 " in result.output


def test_after_a_push_the_watermark_is_the_newest_stamp_and_the_lag_grows_with_what_is_new(
    shop: Shop,
) -> None:
    shop.add_users(200)
    shop.braze.script = lambda number, _body: success(75, [error(3)]) if number == 1 else None
    shop.push()
    found = status_of(shop)
    assert (found.pending_rows, found.pending_batches, found.rejected) == (0, 0, 1)
    assert (found.watermark, found.lag) == (day(1), dt.timedelta())
    assert found.run_status == "partial"
    assert found.last_run is not None
    assert (found.last_run.rows_sent, found.last_run.rows_rejected) == (199, 1)
    shop.add_users(7, "batch-2", day=3)
    found = status_of(shop)
    assert (found.pending_rows, found.watermark) == (7, day(1))
    assert found.lag == dt.timedelta(days=2)
    # Another destination has nothing of it.
    assert status_of(shop, destination="elsewhere").pending_rows == 207


def test_a_watermark_outlives_the_batches_that_it_is_of(shop: Shop) -> None:
    shop.add_users(4)
    shop.push()
    shop.add_users(4, "batch-2", day=2)
    shop.query("delete from braze.users_attributes_sync where braze_batch = 'batch-1'")
    found = status_of(shop)
    assert (found.pending_rows, found.watermark) == (4, day(1))


def test_a_batch_that_was_read_in_part_counts_what_is_behind_the_mark(shop: Shop) -> None:
    shop.add_users(300)

    def stop_at_the_third(number: int, _body: Any) -> Any:
        return (401, {}, b'{"message":"Invalid API Key"}') if number == 3 else None

    shop.braze.script = stop_at_the_third
    assert shop.push(workers=1).exit_code == 3
    found = status_of(shop)
    assert (found.pending_rows, found.pending_batches, found.watermark) == (150, 1, None)
    assert found.run_status == "error"
    assert "Braze does not know the API key" in run(shop).output


def test_a_table_made_by_hand_is_at_the_stamp_that_was_read(shop: Shop) -> None:
    shop.query("alter table braze.users_attributes_sync drop column braze_batch")
    shop.query("alter table braze.users_attributes_sync drop column braze_row")
    insert = "insert into braze.users_attributes_sync (updated_at, external_id, payload) values"
    shop.query(f"""{insert} ('2026-01-01', 'a', '{{"x":1}}'), ('2026-01-02', 'b', '{{"x":1}}')""")
    shop.push()
    shop.query(f"""{insert} ('2026-01-05', 'a', '{{"x":2}}')""")
    found = status_of(shop)
    assert (found.pending_rows, found.watermark, found.lag) == (
        1,
        day(2),
        dt.timedelta(days=3),
    )


def test_who_holds_the_lease_is_named_and_a_run_without_an_end_was_killed(shop: Shop) -> None:
    shop.add_users(2)
    shop.push()
    with closing(connect(shop.options)) as warehouse:
        state = State(WarehouseTables(warehouse, read_project(shop.options).state), "default", "run-2")
        with Lease(state, [SYNC], lambda _reason: None):
            state.record_run(SYNC, RunRecord("started", utc_now()), {})
            found = status_of(shop)
            assert found.lease is not None
            assert (found.lease.pid, found.run_status) == (os.getpid(), "running")
            assert f"process {os.getpid()} is pushing it" in run(shop).output
    found = status_of(shop)
    assert (found.lease, found.run_status) == (None, "killed")


def test_syncs_that_braze_reads_and_tables_that_are_missing_are_shown_too(shop: Shop) -> None:
    shop.write_manifest({"sync": "attributes", "deliver": "cdi"}, not_run={"sync": "events"})
    shop.add_users(2)
    result = run(shop)
    assert result.exit_code == 0
    assert "Braze reads it itself, and its newest row is of 2026-01-01 00:00:00 UTC" in result.output
    assert "not_run: there is no table" in result.output
    assert run(shop, "--fail-on", "error").exit_code == 1
    assert run(shop, "--fail-on", "error", "--exclude", "not_run").exit_code == 0


def test_fail_on_is_for_alerts(shop: Shop) -> None:
    shop.add_users(3)
    assert run(shop, "--fail-on", "pending").exit_code == 1
    assert run(shop, "--fail-on", "rejects", "--fail-on", "error").exit_code == 0
    shop.braze.script = lambda *_: success(3, [error(0)])
    shop.push()
    assert run(shop, "--fail-on", "pending").exit_code == 0
    assert run(shop, "--fail-on", "rejects").exit_code == 1


def test_json_says_the_same(shop: Shop) -> None:
    shop.add_users(3)
    shop.push()
    shop.add_users(1, "batch-2", day=2)
    printed = json.loads(run(shop, "--output", "json").stdout)
    [sync] = printed["syncs"]
    assert (printed["destination"], printed["host"]) == ("default", "127.0.0.1")
    assert (sync["pending_rows"], sync["lag_seconds"]) == (1, 86_400.0)
    assert (sync["watermark"], sync["newest"]) == ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
    assert (sync["last_run"]["status"], sync["last_run"]["rows_sent"], sync["lease"]) == ("success", 3, None)


def test_a_state_file_is_read_and_never_made(shop: Shop, tmp_path: Path) -> None:
    shop.add_users(3)
    path = tmp_path / "state?#.sqlite"
    with pytest.raises(ConfigError, match="There is no state file"):
        status_of(shop, state_file=path)
    assert not path.exists()
    shop.push(state_file=path)
    assert status_of(shop, state_file=path).pending_rows == 0
    with closing(FileTables(path, read_only=True)) as tables, closing(sqlite3.connect(path)) as file:
        count = "select count(*) from braze_sync_runs"
        assert tables.fetch_all(count) == file.execute(count).fetchall() == [(2,)]


def test_a_name_that_is_no_sync_is_an_error(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="nobody is not a sync"):
        status_of(shop, "nobody")
