import datetime as dt
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import runner_process
from click.testing import CliRunner, Result
from push_helpers import KEY, Shop, user
from rich.console import Console

from braze_runner.cli import group
from braze_runner.engine import Counts, PushSettings, Summary
from braze_runner.engine.deletions import DeletionGuard
from braze_runner.errors import BrazeRunnerError
from braze_runner.progress import BarObserver, LineObserver, observer_for, print_summary


def run(shop: Shop, *arguments: str, **variables: str | None) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": shop.braze.url, "BRAZE_API_KEY": KEY, "COLUMNS": "100"} | variables
    command = ["push", "--project-dir", str(shop.options.project_dir), *arguments]
    return CliRunner().invoke(group, command, env=environment)


def test_push_from_the_command_line(shop: Shop) -> None:
    shop.add_users(200)
    result = run(shop, "--workers", "2")
    assert result.exit_code == 0, result.output
    assert "users_attributes_sync: 200 rows pending" in result.output
    assert "All rows pushed." in result.output
    again = run(shop)
    assert (again.exit_code, "Nothing is pending" in again.output) == (0, True)
    assert KEY not in result.output + again.output


def test_exit_codes(shop: Shop) -> None:
    shop.add([("customer-1", "no json"), ("customer-2", '{"a":1}')])
    assert run(shop).exit_code == 1
    shop.add_users(5, "batch-2")
    shop.braze.script = lambda *_: (401, {}, b'{"message":"Invalid API Key"}')
    stopped = run(shop)
    assert stopped.exit_code == 3
    assert "Braze does not know the API key (401)" in stopped.output
    assert KEY not in stopped.output


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"BRAZE_API_KEY": None}, "BRAZE_API_KEY is not set."),
        ({"BRAZE_REST_ENDPOINT": "https://evil.example/?.braze.com"}, "must be a host or an https URL"),
        ({"BRAZE_REST_ENDPOINT": "https://evil.example"}, "is not one of Braze's REST hosts"),
    ],
)
def test_wrong_configuration_sends_nothing(shop: Shop, variables: dict[str, Any], sentence: str) -> None:
    shop.add_users(5)
    result = run(shop, **variables)
    assert isinstance(result.exception, BrazeRunnerError)
    assert result.exception.exit_code == 2
    assert sentence in str(result.exception)
    assert (shop.braze.raw, shop.query("select count(*) from duckdb_tables()")) == ([], [(1,)])


OPTIONS = {
    "--select": "users_*",
    "--exclude": "users_old",
    "--workers": "3",
    "--share": "0.4",
    "--track-limit": "bulk",
    "--order-gap": "7",
    "--unknown": "resend",
    "--currents-hours": "36",
    "--on-invalid": "stop",
    "--max-deletes": "5",
    "--max-delete-share": "0.25",
    "--max-data-points": "1000",
    "--state": "file:state",
    "--limit": "9",
}


def test_every_option_reaches_the_push(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[PushSettings] = []

    def push(_: Any, __: Any, settings: PushSettings, *___: Any, **____: Any) -> Summary:
        given.append(settings)
        return Summary()

    monkeypatch.setattr("braze_runner.cli.push.push", push)
    assert run(shop, *(part for option in OPTIONS.items() for part in option)).exit_code == 0
    assert run(shop, "--dry-run").exit_code == 0
    chosen, dry = given
    assert chosen == PushSettings(
        select=("users_*",),
        exclude=("users_old",),
        workers=3,
        share=0.4,
        track_limit="bulk",
        order_gap=7.0,
        unknown="resend",
        currents_wait=dt.timedelta(hours=36),
        on_invalid="stop",
        guard=DeletionGuard(5, 0.25),
        max_data_points=1_000,
        state_file=Path("state"),
        limit=9,
    )
    assert dry == PushSettings(dry_run=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight(shop: Shop, number: signal.Signals) -> None:
    shop.add_users(3_000)

    def interrupt(count: int, _: Any) -> None:
        if count == 3 and process.pid:
            os.kill(process.pid, number)

    shop.braze.script = interrupt
    log = shop.path.with_suffix(".log")
    command = ["push", "--workers", "1", "--project-dir", str(shop.options.project_dir)]
    process = runner_process.start(command, shop.environment, log)
    process.join()
    assert process.exitcode == 128 + number, log.read_text()
    assert shop.runs() == ["started", "interrupted"]
    [(entry, _, sent, _)] = shop.ledger()
    assert (entry, sent) == ("progress", 75 * len(shop.braze.raw))
    assert sent < 3_000
    shop.braze.script = lambda *_: None
    shop.push()
    assert shop.braze.users() == [user(each) for each in range(3_000)]


def test_the_summary_adds_up_on_paper() -> None:
    console = Console(width=60, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    counts = Counts(
        batches=1,
        rows_read=1_000,
        rows_sent=900,
        rows_rejected=60,
        rows_held=40,
        requests=14,
        retries=2,
        attributes_sent=4_500,
        data_points=4_600,
    )
    print_summary(Summary(counts, seconds=2.0), console)
    lines = [line.split() for line in console.export_text().replace("│", " ").splitlines()]
    console.file.close()
    for expected in (
        ["rows", "read", "1,000"],
        ["=", "sent", "900"],
        ["+", "rejected", "60"],
        ["+", "held", "back", "40"],
        ["rows/s", "480"],
        ["data", "points", "4,600"],
    ):
        assert expected in lines


@pytest.mark.parametrize(
    ("counts", "code", "end"),
    [
        ({"rows_sent": 3}, 0, "All rows pushed."),
        ({"rows_sent": 1, "rows_held": 2}, 1, "held back: they stay pending for the next push."),
        ({"rows_rejected": 3}, 1, "rejected: see braze-runner failures list."),
        ({"rows_held": 1, "rows_unknown": 1}, 1, "see braze-runner failures list, then resolve them."),
        (
            {"rows_rejected": 1, "rows_held": 2},
            1,
            "failures list. Some rows were held back: they stay pending for the next push.",
        ),
        ({}, 0, "Nothing is pending."),
    ],
)
def test_the_last_sentence_says_where_to_look(counts: dict[str, int], code: int, end: str) -> None:
    read = sum(counts.values()) - counts.get("rows_unknown", 0)
    summary = Summary(Counts(rows_read=read, **counts))
    summary.counts.check()
    assert (summary.exit_code, summary.end[-len(end) :]) == (code, end)


def test_counts_that_do_not_add_up_are_a_defect() -> None:
    with pytest.raises(AssertionError, match="don't add up"):
        Counts(rows_read=2, rows_sent=1).check()


def test_bars_on_a_terminal_and_lines_elsewhere() -> None:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        terminal = Console(file=nowhere, force_terminal=True, width=120, record=True)
        observer = observer_for(terminal)
        assert isinstance(observer, BarObserver)
        assert isinstance(observer_for(Console(file=nowhere)), LineObserver)
        observer.start("users_attributes_sync", 200)
        observer.advance("users_attributes_sync", Counts(rows_sent=100))
        observer.end("users_attributes_sync", Counts(rows_read=200, rows_sent=199, rows_rejected=1))
        text = terminal.export_text()
    assert "200/200" in text
    assert "1 rejected" in text


def test_a_narrow_terminal_shows_every_number() -> None:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        terminal = Console(file=nowhere, force_terminal=True, width=80, record=True)
        observer = observer_for(terminal)
        observer.start("users", 279_920)
        observer.end("users", Counts(rows_read=279_920, rows_sent=279_920, requests=3_734))
        text = terminal.export_text()
    assert "279920/279920" in text
    assert "0 rejected" in text


def test_lines_say_how_far_a_long_push_is() -> None:
    now = 0.0
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(file=nowhere, record=True, width=120)
        observer = LineObserver(console, now=lambda: now)
        observer.start("users_attributes_sync", 300)
        now = 5.0
        observer.advance("users_attributes_sync", Counts(rows_sent=50))
        now = 10.0
        observer.advance("users_attributes_sync", Counts(rows_sent=100, requests=2))
        text = console.export_text()
    assert text.splitlines() == [
        "users_attributes_sync: 300 rows pending",
        "users_attributes_sync: 100 of 300 rows, 10 rows/s, 0 requests/s, 0 rejected",
    ]


def test_the_pace_of_a_sync_is_that_of_its_own_step() -> None:
    """Rows of the second sync wait for the first one; what it waited is not its pace."""
    now = 0.0
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(file=nowhere, record=True, width=120)
        observer = LineObserver(console, now=lambda: now)
        for sync in ("items", "users"):
            observer.start(sync, 400)
        for moment, sync in [(8.0, "items"), (9.0, "users"), (12.0, "users")]:
            now = moment
            observer.advance(sync, Counts(rows_sent=1))
        now = 20.0
        observer.end("items", Counts(rows_read=400, rows_sent=400, requests=8))
        observer.end(
            "users", Counts(rows_read=400, rows_sent=300, rows_rejected=80, rows_held=20, requests=4)
        )
        text = console.export_text()
    assert text.splitlines()[-2:] == [
        "items: 400 of 400 rows, 50 rows/s, 1 requests/s, 0 rejected",
        "users: 380 of 400 rows, 95 rows/s, 1 requests/s, 80 rejected",
    ]


def test_notes_are_shown_though_nothing_was_read() -> None:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(file=nowhere, record=True, width=120)
        print_summary(Summary(notes=["A note."]), console)
        assert console.export_text().splitlines() == ["A note.", "Nothing is pending."]


def test_a_dry_run_counts_and_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.add([("customer-1", '{"a":1}'), ("customer-2", "no json")])
    shop.add([("customer-3", None), ("customer-2", "no json")], "batch-2", 2)
    result = run(shop, "--dry-run")
    assert result.exit_code == 1
    assert "users_attributes_sync: 2 rows would be rejected: PAYLOAD is not valid JSON." in result.output
    assert "users_attributes_sync: 1 rows would be rejected: PAYLOAD is null." in result.output
    assert "= would be sent" in result.output
    assert "Nothing was sent: this was a dry run." in result.output
    assert shop.braze.raw == []
    assert shop.query("select table_name from duckdb_tables()") == [("users_attributes_sync",)]


def test_a_preview_shows_objects_as_they_would_be_sent(shop: Shop) -> None:
    shop.add([("customer-1", '{"a":1.50}'), ("customer-2", "no json"), ("customer-3", '{"a":2}')])
    # It needs neither a key nor an address.
    result = run(shop, "--preview", "1", BRAZE_API_KEY=None, BRAZE_REST_ENDPOINT=None)
    assert result.exit_code == 0, result.output
    assert "# users_attributes_sync: POST /users/track" in result.output
    assert '{"attributes":[{"external_id":"customer-1","a":1.50}]}' in result.output
    assert "customer-3" not in result.output
    assert (shop.braze.raw, len(shop.query("select 1 from duckdb_tables()"))) == ([], 1)


def test_limit_sends_and_records_nothing(shop: Shop) -> None:
    shop.add_users(200)
    result = run(shop, "--limit", "10")
    assert result.exit_code == 1, result.output
    assert len(shop.braze.users()) == 10
    assert shop.ledger() == []
    again = run(shop)
    assert (again.exit_code, len(set(shop.braze.users()))) == (0, 200)


def test_json_output_is_one_object(shop: Shop) -> None:
    shop.add_users(3)
    result = run(shop, "--output", "json")
    printed = json.loads(result.stdout)
    assert (printed["exit_code"], printed["counts"]["rows_sent"]) == (0, 3)
    assert printed["syncs"]["users_attributes_sync"]["rows_read"] == 3


def test_a_failed_run_is_told_to_a_webhook(shop: Shop) -> None:
    shop.add_users(3)

    def answers(_: int, body: dict[str, Any]) -> Any:
        return (401, {}, b"{}") if "attributes" in body else (200, {}, b"{}")

    shop.braze.script = answers
    result = run(shop, "--notify", f"{shop.braze.url}/hook")
    assert result.exit_code == 3
    [told] = [json.loads(raw) for raw in shop.braze.raw if b"attributes" not in raw.split(b":")[0]]
    assert (told["exit_code"], told["destination"]) == (3, "default")
    assert "does not know the API key" in told["error"]
    assert KEY not in json.dumps(told)


def test_json_log_is_one_object_a_line(shop: Shop) -> None:
    shop.add_users(3)
    result = run(shop, BRAZE_LOG_FORMAT="json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [each["event"] for each in events] == ["start", "end"]
    assert events[1]["rows_sent"] == 3
