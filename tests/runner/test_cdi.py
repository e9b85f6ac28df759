"""`braze-runner cdi` against a real local server, and a real table on DuckDB."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cdi_fake import KEY, FakeCdi, Integration, Job, serving_cdi
from click.testing import CliRunner, Result
from push_helpers import Shop

from braze_runner.cli import group
from braze_runner.errors import BrazeRunnerError

USERS = "00000000-0000-0000-0000-00000000000a"
SYNCED = "2026-01-02T00:00:00.000000Z"
SUCCESS = {
    "job_status": "success",
    "last_timestamp_synced": SYNCED,
    "rows_synced": 5,
    "rows_failed_with_errors": 0,
}
ERROR = {"job_status": "error", "last_timestamp_synced": None, "rows_synced": 0, "rows_failed_with_errors": 0}


@pytest.fixture
def cdi() -> Iterator[FakeCdi]:
    with serving_cdi() as fake:
        fake.integrations.append(Integration(USERS, "users", ends=[SUCCESS]))
        yield fake


@pytest.fixture
def table(shop: Shop) -> Shop:
    """A sync that Braze reads, with 3 rows of January 1st and 4 of the 2nd."""
    shop.write_manifest({"sync": "attributes", "deliver": "cdi"}, pushed={"sync": "attributes"})
    shop.add_users(3, "batch-1", day=1)
    shop.add_users(4, "batch-2", day=2)
    return shop


def run(cdi: FakeCdi, *arguments: str, **variables: str) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": cdi.url, "BRAZE_API_KEY": KEY, "COLUMNS": "40"} | variables
    result = CliRunner().invoke(group, ["cdi", *arguments], env=environment)
    assert KEY not in result.output
    return result


def sync(cdi: FakeCdi, *arguments: str) -> Result:
    return run(cdi, "sync", "users", "--poll", "0.001", *arguments)


def error_of(result: Result) -> tuple[int, str]:
    assert isinstance(result.exception, BrazeRunnerError), result.output
    return result.exception.exit_code, str(result.exception)


def test_list_reads_every_page(cdi: FakeCdi) -> None:
    cdi.integrations += [Integration(f"{number:036}", f"[bold]{number}") for number in range(30)]
    result = run(cdi, "list")
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.output.splitlines()] == [
        ["name", "id"],
        *([each.name, each.id] for each in cdi.integrations),
    ]
    listed = json.loads(run(cdi, "list", "--output", "json").stdout)["integrations"]
    assert [each["name"] for each in listed] == ["users", *(f"[bold]{number}" for number in range(30))]
    assert cdi.calls == ["GET /cdi/integrations"] * 8


def test_a_list_of_nothing_says_so(cdi: FakeCdi) -> None:
    cdi.integrations.clear()
    assert run(cdi, "list").output == "There are no integrations in this workspace.\n"
    assert json.loads(run(cdi, "list", "--output", "json").stdout) == {"integrations": []}


@pytest.mark.parametrize(("looks", "hidden"), [(0, 0), (3, 0), (2, 3)])
def test_sync_follows_the_job_to_its_end(cdi: FakeCdi, looks: int, hidden: int) -> None:
    [users] = cdi.integrations
    users.jobs, users.hidden, cdi.looks = [Job("2026-01-01T00:00:00Z", ERROR)], hidden, looks
    result = sync(cdi)
    assert result.exit_code == 0, result.output
    assert "users: triggered; waiting for its end." in result.output
    assert "success" in result.output
    assert users.triggers == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [("success", 0), ("partial", 1), ("error", 3), ("config_error", 2), ("no such status", 3)],
)
def test_exit_codes(cdi: FakeCdi, status: str, code: int) -> None:
    cdi.integrations[0].ends = [SUCCESS | {"job_status": status}]
    assert sync(cdi).exit_code == code
    assert run(cdi, "status", "users").exit_code == code


def test_a_job_in_progress_is_followed_and_another_one_triggered(cdi: FakeCdi) -> None:
    [users] = cdi.integrations
    users.jobs = [Job("2026-02-01T00:00:00.000Z", ERROR, looks=4)]
    result = sync(cdi)
    assert (result.exit_code, users.triggers) == (0, 1), result.output
    assert "a job is in progress since 2026-02-01T00:00:00.000Z; it is followed" in result.output
    assert "that job ended with error; another one is triggered" in result.output


def test_a_job_in_progress_may_be_enough(cdi: FakeCdi) -> None:
    [users] = cdi.integrations
    users.jobs = [Job("2026-02-01T00:00:00.000Z", SUCCESS | {"job_status": "partial"}, looks=4)]
    assert sync(cdi, "--no-again").exit_code == 1
    assert users.triggers == 0


def test_no_wait(cdi: FakeCdi) -> None:
    cdi.looks = 99
    first, second = sync(cdi, "--no-wait"), sync(cdi, "--no-wait")
    assert (first.exit_code, first.output) == (0, "users: triggered.\n")
    assert (second.exit_code, second.output) == (1, "users: not triggered: Another job is in progress.\n")
    shown = json.loads(sync(cdi, "--no-wait", "--output", "json").stdout)
    assert (shown["triggered"], shown["integration"]["id"]) == (False, USERS)


def test_time_runs_out(cdi: FakeCdi) -> None:
    cdi.looks = 10**9
    code, sentence = error_of(sync(cdi, "--timeout", "0.01"))
    assert code == 3
    assert "has not ended in 0.01 seconds" in sentence


@pytest.mark.parametrize("oldest_first", [False, True])
def test_the_newest_job_counts_in_whatever_order_they_come(cdi: FakeCdi, oldest_first: bool) -> None:
    [users] = cdi.integrations
    users.jobs = [
        Job(f"2026-01-{day:02}T00:00:00Z", SUCCESS if day == 25 else ERROR) for day in range(25, 0, -1)
    ]
    cdi.oldest_first = oldest_first
    result = run(cdi, "status", "users", "--jobs", "12", "--output", "json")
    assert result.exit_code == 0
    assert [job["sync_start_time"][8:10] for job in json.loads(result.stdout)["jobs"]] == [
        f"{day:02}" for day in range(25, 13, -1)
    ]


def test_an_id_needs_no_listing(cdi: FakeCdi) -> None:
    assert run(cdi, "sync", USERS, "--poll", "0.001").exit_code == 0
    assert "GET /cdi/integrations" not in cdi.calls


def test_an_integration_that_is_not_there(cdi: FakeCdi) -> None:
    assert error_of(run(cdi, "status", "nobody")) == (
        2,
        "There is no integration nobody in this workspace; integrations: users.",
    )
    cdi.integrations.append(Integration("b", "users"))
    assert "name one by its id" in error_of(run(cdi, "status", "users"))[1]
    assert "with 404: Integration not found" in error_of(run(cdi, "status", USERS.replace("a", "b")))[1]


def test_a_permission_that_is_missing(cdi: FakeCdi) -> None:
    cdi.refusal = (403, b'{"message":"not allowed"}')
    code, sentence = error_of(run(cdi, "list"))
    assert code == 3
    assert sentence.endswith(
        "with 403: not allowed. "
        "Check that BRAZE_API_KEY belongs to this endpoint and has the permission cdi.integration_list."
    )


def test_a_key_that_is_wrong(cdi: FakeCdi) -> None:
    code, sentence = error_of(run(cdi, "sync", USERS, BRAZE_API_KEY="another"))
    assert code == 3
    assert "with 401: Invalid API Key. Check that BRAZE_API_KEY belongs to this endpoint" in sentence
    assert "another" not in sentence


ARRIVALS: list[tuple[str | None, int, str]] = [
    ("2026-01-02T00:00:00.000000Z", 0, "everything up to 2026-01-02 00:00:00 UTC has arrived."),
    ("2026-01-02T00:00:00Z", 0, "everything up to"),
    ("2026-01-02T02:00:00+02:00", 0, "everything up to"),
    ("2026-01-05T00:00:00Z", 0, "everything up to 2026-01-02 00:00:00 UTC has arrived."),
    ("2026-01-01T23:59:59.999999Z", 1, "4 of 7 rows are newer than 2026-01-01 23:59:59.999999 UTC"),
    ("2026-01-01T00:00:00Z", 1, "4 of 7 rows are newer than 2026-01-01 00:00:00 UTC"),
    ("2025-01-01T00:00:00Z", 1, "7 of 7 rows are newer"),
    (None, 1, "Braze names no row that it has synced; the table has 7."),
]


@pytest.mark.parametrize(("synced_to", "code", "words"), ARRIVALS)
def test_what_has_arrived(cdi: FakeCdi, table: Shop, synced_to: str | None, code: int, words: str) -> None:
    cdi.integrations[0].ends = [SUCCESS | {"last_timestamp_synced": synced_to}]
    place = ("--model", "users_attributes_sync", "--project-dir", str(table.options.project_dir))
    result = sync(cdi, *place)
    assert (result.exit_code, words in result.output) == (code, True), result.output
    again = run(cdi, "status", "users", "--output", "json", *place)
    assert again.exit_code == code
    assert json.loads(again.stdout)["arrival"]["complete"] == (code == 0)


def test_rows_added_while_the_job_runs_are_the_next_ones(cdi: FakeCdi, table: Shop) -> None:
    def add(_: Any) -> None:
        cdi.on_look = lambda _: None
        table.add_users(9, "batch-3", day=3)

    def arm(_: Any) -> None:
        # The first look is before the trigger, the second after it.
        cdi.on_look = add

    cdi.on_look = arm
    place = ("--model", "users_attributes_sync", "--project-dir", str(table.options.project_dir))
    result = sync(cdi, *place)
    assert (result.exit_code, "everything up to 2026-01-02" in result.output) == (0, True), result.output
    assert "9 of 16 rows are newer" in run(cdi, "status", "users", *place).output


def test_an_empty_table(cdi: FakeCdi, table: Shop) -> None:
    table.query("delete from braze.users_attributes_sync")
    result = sync(cdi, "--model", "users_attributes_sync", "--project-dir", str(table.options.project_dir))
    assert (result.exit_code, "the table is empty" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("model", "words"), [("pushed", "it is pushed (deliver: rest)"), ("nothing", "nothing is not a sync")]
)
def test_a_model_that_braze_does_not_read(cdi: FakeCdi, table: Shop, model: str, words: str) -> None:
    code, sentence = error_of(sync(cdi, "--model", model, "--project-dir", str(table.options.project_dir)))
    assert (code, words in sentence) == (2, True)
    assert cdi.calls == []


def test_ctrl_c_ends_the_wait(cdi: FakeCdi, tmp_path: Path) -> None:
    cdi.looks = 10**9
    environment = os.environ | {"BRAZE_REST_ENDPOINT": cdi.url, "BRAZE_API_KEY": KEY}
    code = "from braze_runner.cli import main; main()"
    command = [sys.executable, "-c", code, "cdi", "sync", "users", "--poll", "0.01"]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        cdi.on_look = lambda found: process.send_signal(signal.SIGINT) if found.triggers else None
        output = process.communicate()[0].decode()
    assert process.returncode == 130, output
    assert "a job of users goes on in Braze" in output
