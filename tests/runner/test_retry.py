"""`retry` never restores old values, and never does twice what counts each time (R11, R3)."""

import csv
import io
import json
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from world import World

from braze_runner.cli import group
from braze_runner.engine import Summary
from braze_runner.errors import ConfigError
from braze_runner.plan import Reject
from braze_runner.project import read_project
from braze_runner.state import Progress, State, WarehouseTables
from braze_runner.warehouse import connect

BAD, GOOD = {"email": "no address"}, {"email": "a@shop.example"}
EVENT = {"name": "seen", "time": "2026-01-01T00:00:00Z", "properties": {"event": "1"}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def numbers(summary: Summary) -> tuple[int, int, int, int]:
    """Return read, sent, rejected, held."""
    counts = summary.counts
    return counts.rows_read, counts.rows_sent, counts.rows_rejected, counts.rows_held


def emails(world: World) -> list[tuple[Any, ...]]:
    return world.braze.query("select email from profiles where external_id = 'a'")


def bad_then(world: World, first: dict[str, Any], *later: dict[str, Any]) -> None:
    """Push a row that Braze refuses and, of the same user, later ones that it takes."""
    world.log("attributes", "run-1", ("2026-01-01", "a", BAD | first))
    assert world.push().counts.rows_rejected == 1
    for place, payload in enumerate(later, 2):
        world.log("attributes", f"run-{place}", (f"2026-01-0{place}", "a", payload))
        assert world.push().counts.rows_sent == 1


def test_bad_then_corrected_value(world: World) -> None:
    bad_then(world, {"x": 1, "y": 1}, GOOD | {"y": 2})
    assert numbers(world.retry()) == (1, 1, 0, 0)
    assert world.profiles() == {"a": {"x": 1, "y": 2}}
    assert emails(world) == [("a@shop.example",)]
    assert world.rejects() == []
    assert numbers(world.retry()) == (0, 0, 0, 0)


def test_where_later_rows_carry_every_key_nothing_is_sent(world: World) -> None:
    bad_then(world, {"x": 1}, GOOD, {"x": 2, "y": 2}, {"y": None})
    sent = len(world.braze.query("select 1 from requests"))
    summary = world.retry()
    assert numbers(summary) == (0, 0, 0, 0)
    [note] = summary.notes
    assert (summary.exit_code, summary.end) == (0, "There is no such row to send again.")
    assert note.startswith("attributes: 1 settled unsent (row ")
    assert note.endswith("): later rows replace them, or their users were deleted.")
    assert len(world.braze.query("select 1 from requests")) == sent
    assert world.profiles() == {"a": {"x": 2}}
    assert world.rejects() == []


def test_what_is_still_wrong_stays_open(world: World) -> None:
    bad_then(world, {"x": 1}, {"y": 2})
    assert numbers(world.retry()) == (1, 0, 1, 0)
    assert world.profiles() == {"a": {"y": 2}}
    [reject] = world.rejects()
    assert json.loads(reject.payload or "") == BAD | {"x": 1}
    assert reject.first_seen < reject.last_seen


def test_labels_that_were_removed_since_are_not_added_again(world: World) -> None:
    """Operators count from what is there, so each value goes by its newest row."""
    bad_then(
        world,
        {"labels": {"add": ["a", "b", "c"]}},
        GOOD | {"labels": {"add": ["d"]}},
        {"labels": {"remove": ["a", "d"]}},
    )
    assert numbers(world.retry()) == (1, 1, 0, 0)
    assert world.profiles() == {"a": {"labels": ["b", "c"]}}
    assert world.braze.query("select count(*) from requests")[0][0] > 3


def test_labels_that_were_set_as_a_whole_since(world: World) -> None:
    bad_then(world, {"labels": {"add": ["a"]}}, GOOD | {"labels": ["z"]})
    assert numbers(world.retry()) == (0, 0, 0, 0)
    assert world.profiles() == {"a": {"labels": ["z"]}}


def test_a_later_row_that_is_no_json_brings_no_old_value_back(world: World) -> None:
    bad_then(world, {"x": 1, "y": 1}, GOOD | {"x": 2})
    world.log("attributes", "run-3", ("2026-01-03", "a", "no json"))
    world.push()
    assert numbers(world.retry(lambda reject: reject.reason == "braze_rejected")) == (1, 1, 0, 0)
    assert world.profiles() == {"a": {"x": 2, "y": 1}}


def test_what_later_rows_build_on_stays_open(world: World) -> None:
    """The first items of an array were never there, so only the current value makes it whole."""
    bad_then(world, {"seen": [{"id": 1}], "y": 1}, GOOD | {"seen": {"$add": [{"id": 2}]}})
    summary = world.retry()
    assert numbers(summary) == (1, 0, 0, 1)
    assert "later rows build on seen: use braze_reemit" in " ".join(summary.notes)
    world.log("attributes", "run-3", ("2026-01-03", "a", {"seen": [{"id": 1}, {"id": 2}]}))
    world.push()
    assert numbers(world.retry()) == (1, 1, 0, 0)
    assert world.profiles() == {"a": {"seen": [{"id": 1}, {"id": 2}], "y": 1}}
    assert world.rejects() == []


def test_a_later_row_that_is_no_object_hides_no_other(world: World) -> None:
    """It says nothing of any key, and what the rows beside it say counts all the same."""
    bad_then(world, {"x": 1, "y": 1}, GOOD | {"x": 2})
    broken = ["no json", '{"x":NaN}', "[1]", '{"x":[1,', '{"x":"\\ud800"}']
    for place, payload in enumerate(broken, 3):
        world.log("attributes", f"run-{place}", (f"2026-01-0{place}", "a", payload))
    assert world.push().counts.rows_rejected == len(broken)
    assert numbers(world.retry()) == (6, 1, 5, 0)
    assert world.profiles() == {"a": {"x": 2, "y": 1}}
    assert emails(world) == [("a@shop.example",)]


def test_a_row_of_a_pruned_batch_is_not_sent(world: World) -> None:
    """However many there are, one sentence says so, and names nobody."""
    world.log("attributes", "run-1", ("2026-01-01", "a", BAD | {"x": 1}), ("2026-01-01", "b", BAD))
    world.push()
    world.log("attributes", "run-2", ("2026-01-02", "a", GOOD))
    world.push()
    world.query("delete from braze.attributes where braze_batch = 'run-1'")
    summary = world.retry()
    assert numbers(summary) == (2, 0, 0, 2)
    [note] = summary.notes
    assert note.startswith("attributes: 2 not sent again (row ")
    assert note.endswith("its batch was pruned, so nobody knows what came later: use braze_reemit.")
    # By its key, as `--row` takes it: whom it is about is no matter of a log.
    assert world.rejects()[0].braze_row in note
    assert '"a"' not in note
    assert len(world.rejects()) == 2
    assert world.profiles() == {"a": {}}


def test_a_user_who_was_deleted_meanwhile_is_not_made_again(world: World) -> None:
    bad_then(world, {"x": 1}, GOOD)
    world.log("deletes", "run-3", ("2026-01-03", "a", ""))
    world.push()
    assert numbers(world.retry()) == (0, 0, 0, 0)
    assert world.profiles() == {}
    assert world.rejects() == []


def test_a_user_who_was_deleted_and_came_back_gets_no_value_of_before(world: World) -> None:
    bad_then(world, {"x": 1}, GOOD)
    world.log("deletes", "run-3", ("2026-01-03", "a", ""))
    world.push()
    world.log("attributes", "run-4", ("2026-01-04", "a", {"y": 4}))
    world.push()
    world.retry()
    assert world.profiles() == {"a": {"y": 4}}


def test_a_deletion_that_was_dropped_makes_nothing_void(world: World) -> None:
    """The user had returned before it was sent, so the profile is still the old one."""
    bad_then(world, {"x": 1})
    world.log("deletes", "run-3", ("2026-01-03", "a", ""))
    world.log("attributes", "run-4", ("2026-01-04", "a", GOOD | {"y": 4}))
    world.push()
    assert world.reasons()["user_returned"] == 1
    world.retry(lambda reject: reject.reason != "user_returned")
    assert world.profiles() == {"a": {"x": 1, "y": 4}}


@pytest.mark.parametrize("made_by_hand", [False, True])
def test_a_deletion_of_a_user_who_came_back_is_never_sent(world: World, made_by_hand: bool) -> None:
    """It was dropped for that, and stays so."""
    world.log("attributes", "run-1", ("2026-01-01", "a", {"x": 1}))
    world.push()
    deletion = ("2026-01-02", "a", "")
    world.by_hand("deletes", deletion) if made_by_hand else world.log("deletes", "run-2", deletion)
    world.log("attributes", "run-3", ("2026-01-03", "a", {"y": 3}))
    world.push()
    assert world.reasons() == {"user_returned": 1}
    assert numbers(world.retry()) == (0, 0, 0, 0)
    assert world.profiles() == {"a": {"x": 1, "y": 3}}
    assert world.rejects() == []


def test_a_deletion_that_braze_refused_is_sent_unless_the_user_came_back(world: World) -> None:
    world.log("attributes", "run-1", *(("2026-01-01", user, {"x": 1}) for user in "ab"))
    world.push()
    world.log("deletes", "run-2", *(("2026-01-02", user, "") for user in "ab"))
    world.log("attributes", "run-3", ("2026-01-03", "b", {"y": 3}))
    world.write_manifest()
    keys = world.query("select braze_row, external_id from braze.deletes order by braze_row")
    with closing(connect(world.options)) as warehouse:
        state = State(WarehouseTables(warehouse, read_project(world.options).state), "default", "test")
        refused = [
            Reject(key, f'{{"external_id":"{user}"}}'.encode(), None, "braze_refused", "No.", 400)
            for key, user in keys
        ]
        state.reject("model.shop.deletes", "run-2", refused)
        state.save({"model.shop.deletes": [Progress("run-2", keys[-1][0], done=True)]})
    world.push()
    assert numbers(world.retry()) == (1, 1, 0, 0)
    assert world.profiles() == {"b": {"x": 1, "y": 3}}
    assert world.rejects() == []


def refused_event(world: World) -> None:
    """Push an event that Braze refuses, and let Braze take it from now on."""
    world.restart(blocked_external_ids=["a"])
    world.log("events", "run-1", ("2026-01-01", "a", EVENT))
    assert world.push().counts.rows_rejected == 1
    world.restart()


def test_events_go_as_they_were(world: World) -> None:
    refused_event(world)
    world.log("events", "run-2", ("2026-01-02", "a", EVENT | {"properties": {"event": "2"}}))
    world.push()
    assert numbers(world.retry()) == (1, 1, 0, 0)
    assert world.braze.events() == {"1": 1, "2": 1}
    assert world.rejects() == []


@pytest.mark.parametrize(("kind", "arrived"), [("reset_after", 1), ("server_error", 0)])
def test_an_event_whose_answer_is_lost_on_retry_is_left_to_resolve(
    world: World, kind: str, arrived: int
) -> None:
    refused_event(world)
    status = {"status": 504} if kind == "server_error" else {}
    world.faults({"kind": kind, "times": 1} | status)
    assert numbers(world.retry()) == (1, 0, 0, 1)
    assert sum(world.braze.events().values()) == arrived
    [reject] = world.rejects()
    assert (reject.status, reject.reason) == ("unknown", "maybe_sent")
    assert numbers(world.retry(lambda each: each.status == "rejected")) == (0, 0, 0, 0)


@pytest.mark.parametrize("sent", [False, True])
def test_a_crash_during_the_retry_of_an_event(world: World, sent: bool) -> None:
    """Before or after it was sent: the record says that it may have been, and nobody sends it by itself."""
    refused_event(world)
    world.die_after(0, sent=sent)
    with pytest.raises(KeyboardInterrupt):
        world.retry()
    world.live()
    [reject] = world.rejects()
    assert reject.status == "unknown"
    world.push()
    assert numbers(world.retry(lambda each: each.status == "rejected")) == (0, 0, 0, 0)
    assert sum(world.braze.events().values()) == sent


def test_items_as_a_whole(world: World) -> None:
    """Of an item that was written again nothing of the old row is sent."""
    world.query(
        'create table braze.items ("UPDATED_AT" timestamp, "ID" varchar, "PAYLOAD" varchar, "DELETED" boolean, '
        "braze_batch varchar, braze_row varchar)"
    )
    for day, item, payload in [(1, "r1", {}), (1, "r2", {}), (2, "r1", 2)]:
        world.query(
            f"insert into braze.items values ('2026-01-0{day}', '{item}', '{json.dumps({'stars': payload})}', "
            f"false, 'run-{day}', md5('{item}'))"
        )
    assert world.push().counts.rows_rejected == 2
    assert len(world.rejects()) == 2
    assert numbers(world.retry()) == (1, 0, 1, 0)
    assert world.braze.items() == {"r1": {"stars": 2}}
    assert [json.loads(reject.identifier) for reject in world.rejects()] == [{"id": "r2"}]


def command(world: World, *arguments: str) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": world.config.endpoint, "BRAZE_API_KEY": "sandbox"}
    folder = str(world.project)
    return CliRunner().invoke(
        group, [*arguments, "--project-dir", folder, "--profiles-dir", folder], env=environment
    )


def test_from_the_command_line(world: World) -> None:
    bad_then(world, {"x": 1}, GOOD)
    [listed] = json.loads(command(world, "failures", "list", "--output", "json").stdout)["failures"]
    assert (listed["sync"], listed["status"], listed["reason"], listed["rows"]) == (
        "attributes",
        "rejected",
        "braze_rejected",
        1,
    )
    [shown] = json.loads(command(world, "failures", "show", "--output", "json").stdout)["failures"]
    assert json.loads(shown["identifier"]) == {"external_id": "a"}
    assert "payload" not in shown
    retried = command(world, "retry", "--output", "json")
    assert retried.exit_code == 0
    assert json.loads(retried.stdout)["counts"]["rows_sent"] == 1
    assert json.loads(command(world, "failures", "list", "--output", "json").stdout) == {"failures": []}
    assert world.profiles() == {"a": {"x": 1}}


def test_rejects_are_exported_with_their_payloads(world: World) -> None:
    text = 'no "json",\n\u05e9'
    world.log("attributes", "run-1", ("2026-01-01", "a", BAD), ("2026-01-01", "b", text))
    world.push()
    lines = command(world, "failures", "export", "-").stdout.splitlines()
    found = {json.loads(each["identifier"])["external_id"]: each for each in map(json.loads, lines)}
    assert {name: each["payload"] for name, each in found.items()} == {"a": json.dumps(BAD), "b": text}
    table = io.StringIO(command(world, "failures", "export", "--format", "csv", "-").stdout, newline="")
    assert {row["payload"] for row in csv.DictReader(table)} == {json.dumps(BAD), text}
    for option, value, name in (
        ("--reason", "payload_not_json", "b"),
        ("--row", found["a"]["braze_row"][:12], "a"),
        ("--select", "attributes", ""),
    ):
        listed = command(world, "failures", "show", option, value, "--output", "json").stdout
        shown = [json.loads(each["identifier"])["external_id"] for each in json.loads(listed)["failures"]]
        assert sorted(shown) == sorted(found if not name else [name])


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_exporting_from_the_command_line(world: World, tmp_path: Path, form: str) -> None:
    world.log("attributes", "run-1", ("2026-01-01", "a", BAD))
    assert world.push().counts.rows_rejected == 1
    path = tmp_path / "rejects"
    exported = command(world, "failures", "export", "--format", form, str(path))
    assert exported.output == f"1 rejects are in {path}.\n"
    lines = path.read_text().splitlines()
    [reject] = csv.DictReader(lines) if form == "csv" else map(json.loads, lines)
    assert (reject["sync"], json.loads(reject["payload"])) == ("attributes", BAD)
    assert stat.filemode(path.stat().st_mode) == "-rw-------"
    printed = command(world, "failures", "export", "--format", form, "-")
    assert printed.output.splitlines() == path.read_text().splitlines()
    [header] = command(
        world, "failures", "export", "--format", "csv", "--reason", "none", "-"
    ).output.splitlines()
    assert header.split(",") == list(reject)


def test_a_file_that_cannot_be_written_is_an_error_of_usage(world: World, tmp_path: Path) -> None:
    world.log("attributes", "run-1", ("2026-01-01", "a", GOOD))
    world.push()
    result = command(world, "failures", "export", str(tmp_path / "missing" / "rejects"))
    assert isinstance(result.exception, ConfigError)
    assert "can't be written: No such file or directory." in str(result.exception)


def test_currents_that_is_not_loaded_says_nothing(world: World) -> None:
    world.log("events", "run-1", ("2026-01-01", "a", EVENT))
    world.faults({"kind": "server_error", "status": 504, "times": 1})
    world.push()
    world.faults()
    resolved = command(world, "resolve", "--currents")
    assert "0 objects have arrived by Currents, 0 have not; of 1 it says nothing, or nothing yet." in (
        resolved.output
    )
    assert [reject.status for reject in world.rejects()] == ["unknown"]


@pytest.mark.parametrize(("decision", "arrived"), [("--drop", 0), ("--resend", 1)])
def test_resolving_from_the_command_line(world: World, decision: str, arrived: int) -> None:
    world.log("events", "run-1", ("2026-01-01", "a", EVENT))
    world.faults({"kind": "server_error", "status": 504, "times": 1})
    assert world.push().counts.rows_unknown == 1
    world.faults()
    assert command(world, "retry").exit_code == 0
    assert sum(world.braze.events().values()) == 0
    assert command(world, "resolve", decision, "--output", "json").exit_code == 0
    assert sum(world.braze.events().values()) == arrived
    assert world.rejects() == []
