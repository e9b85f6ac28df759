"""What each command writes where: with --output json one object on the output, words on the error stream."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from push_helpers import KEY, Shop
from raw_server import answer, answering, serving

from braze_runner import cli
from braze_runner.cli import group, main
from braze_runner.errors import BrazeRunnerError

VALUE = "reader@example.org"
NOTHING_LISTENS = "http://127.0.0.1:9"


def environment(shop: Shop, **variables: str | None) -> dict[str, str | None]:
    return {"BRAZE_REST_ENDPOINT": shop.braze.url, "BRAZE_API_KEY": KEY, "COLUMNS": "100"} | variables


def run(shop: Shop, *arguments: str, **variables: str | None) -> Result:
    words = [*arguments, "--project-dir", str(shop.options.project_dir)]
    return CliRunner().invoke(group, words, env=environment(shop, **variables))


@pytest.fixture
def shop_with_a_doubt(shop: Shop) -> Shop:
    """A sync of events, of one of which nobody knows whether it arrived."""
    shop.write_manifest({"sync": "events"})
    shop.add([("customer-1", '{"name":"seen","time":"2026-01-01T00:00:00Z"}')])
    shop.braze.script = lambda *_: (502, {}, b"")
    assert shop.push().counts.rows_unknown == 1
    shop.braze.script = lambda *_: None
    return shop


@pytest.mark.parametrize(
    "command",
    [
        "push",
        "retry",
        "resolve --drop",
        "resolve",
        "status",
        "check",
        "failures list",
        "failures show",
        "run",
        "verify --sync nothing",
        "cdi sync name --model nothing",
    ],
)
def test_what_ends_a_command_early_is_one_object(shop: Shop, command: str) -> None:
    variables = {"BRAZE_REST_ENDPOINT": NOTHING_LISTENS, "DBT_PROJECT_DIR": "no-such-folder"}
    words = [*command.split(), "--output", "json"]
    result = CliRunner().invoke(group, words, env=environment(shop, **variables))
    printed = json.loads(result.stdout)
    assert printed["exit_code"] == 2
    if isinstance(result.exception, BrazeRunnerError):
        assert printed["error"] == str(result.exception)
    else:
        assert printed["error"] in result.stderr


def test_a_preview_is_one_object_with_the_bodies_as_they_are(shop: Shop) -> None:
    shop.add([("customer-1", '{"a":1.50}')])
    result = run(shop, "push", "--preview", "1", "--output", "json")
    [request] = json.loads(result.stdout)["requests"]
    assert (request["sync"], request["method"], request["path"]) == (
        "users_attributes_sync",
        "POST",
        "/users/track",
    )
    assert '{"attributes":[{"external_id":"customer-1","a":1.50}]}' in result.stdout


def test_what_is_resolved_is_one_object(shop_with_a_doubt: Shop) -> None:
    by_currents = run(shop_with_a_doubt, "resolve", "--currents", "--output", "json")
    notes = json.loads(by_currents.stdout)["notes"]
    [note] = notes
    assert note == "0 objects have arrived by Currents, 0 have not; of 1 it says nothing, or nothing yet."
    dropped = run(shop_with_a_doubt, "resolve", "--drop", "--output", "json")
    assert json.loads(dropped.stdout) == {"dropped": 1, "exit_code": 0}
    assert shop_with_a_doubt.open_rejects() == []


def test_a_log_for_collectors_is_objects_alone(shop: Shop) -> None:
    shop.add([("customer-1", '{"a":1}'), ("customer-2", VALUE)])
    result = run(shop, "push", "--output", "json", BRAZE_LOG_FORMAT="json")
    events = [json.loads(line)["event"] for line in result.stderr.splitlines()]
    assert events == ["start", "end"]
    assert json.loads(result.stdout)["counts"]["rows_rejected"] == 1
    assert VALUE not in result.output


def test_an_error_in_a_log_for_collectors(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRAZE_LOG_FORMAT", "json")
    monkeypatch.delenv("BRAZE_REST_ENDPOINT", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["push", "--project-dir", str(shop.options.project_dir)])
    logged = json.loads(capsys.readouterr().err)
    assert ended.value.code == 2
    assert (logged["event"], logged["exit_code"]) == ("error", 2)
    assert logged["text"].startswith("BRAZE_REST_ENDPOINT and BRAZE_API_KEY are not set.")


def test_an_error_that_nobody_foresaw_shows_no_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: Any) -> None:
        raise ValueError(VALUE)

    monkeypatch.setattr(cli.group, "invoke", lambda _: fail())
    with pytest.raises(SystemExit) as ended:
        main(["push"])
    shown = capsys.readouterr().err
    assert ended.value.code == 3
    assert "a defect of the runner, ValueError" in shown
    assert "test_cli_output.py" in shown
    assert VALUE not in shown


def test_a_configuration_that_is_wrong_is_told_to_a_webhook(shop: Shop) -> None:
    for command in (["push"], ["run"]):
        with serving(answering(answer(b"ok", "200 OK"))) as webhook:
            hook = f"http://127.0.0.1:{webhook.port}/hook"
            words = [*command, "--notify", hook, "--project-dir", str(shop.options.project_dir)]
            words += ["--", "build"] if command == ["run"] else []
            CliRunner().invoke(group, words, env=environment(shop, BRAZE_REST_ENDPOINT=None))
            [request] = webhook.requests
        note = json.loads(request.partition(b"\r\n\r\n")[2])
        assert note["error"].startswith("BRAZE_REST_ENDPOINT is not set.")
        assert note["exit_code"] == 2
        assert (note["destination"], note["syncs"]) == ("", [])


def test_the_end_says_what_became_of_the_rest(shop: Shop) -> None:
    shop.add_users(20)
    limited = run(shop, "push", "--limit", "10")
    assert limited.exit_code == 1
    assert "With --limit nothing is recorded: what was sent stays pending too." in limited.output
    assert "Some rows were held back: they stay pending for the next push." in limited.output
    assert "failures" not in limited.output
    assert run(shop, "push").exit_code == 0
    again = run(shop, "retry")
    assert (again.exit_code, "There is no such row to send again." in again.output) == (0, True)
    shop.add([("customer-1", "no json")], "batch-2", 2)
    rejected = run(shop, "push")
    assert "Some rows were rejected: see braze-runner failures list." in rejected.output
    assert "held back:" not in rejected.output


@pytest.mark.parametrize("command", ["failures list", "retry", "resolve --drop", "resolve --currents"])
def test_a_state_file_that_is_not_there_holds_nothing_and_is_not_made(
    shop: Shop, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "typo.sqlite"
    result = run(shop, *command.split(), "--state", f"file:{path}")
    assert isinstance(result.exception, BrazeRunnerError)
    assert str(result.exception) == f"There is no state file {path}."
    assert not path.exists()


def test_an_export_leaves_the_earlier_one_where_nothing_can_be_read(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    shop.add([("customer-1", "no json")])
    assert run(shop, "push").exit_code == 1
    assert run(shop, "failures", "export", str(path)).exit_code == 0
    [line] = path.read_text().splitlines()
    assert json.loads(line)["payload"] == "no json"
    gone = run(shop, "failures", "export", str(path), "--select", "nothing")
    assert isinstance(gone.exception, BrazeRunnerError)
    assert path.read_text().splitlines() == [line]
    assert run(shop, "failures", "export", str(path), "--reason", "none").exit_code == 0
    assert path.read_text() == ""
