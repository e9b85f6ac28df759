"""`retry` of rows of tables made by hand: the table itself says what came later (R11)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_retry import BAD, GOOD, emails, numbers
from world import World

from braze_runner.engine.past import StampPast
from braze_runner.state import OpenReject
from braze_runner.state.store import utc_now


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def bad_then(hand: World, first: dict[str, Any], *later: dict[str, Any]) -> None:
    """Push a row that Braze refuses and, of the same user, later ones that it takes."""
    hand.by_hand("attributes", ("2026-01-01", "a", BAD | first), ("2026-01-01", "b", {"x": 0}))
    assert hand.push().counts.rows_rejected == 1
    for place, payload in enumerate(later, 2):
        hand.by_hand("attributes", (f"2026-01-0{place}", "a", payload))
        assert hand.push().counts.rows_sent == 1


def test_only_what_no_later_row_carries_is_sent(hand: World) -> None:
    bad_then(hand, {"x": 1, "y": 1}, GOOD, {"y": 2})
    assert numbers(hand.retry()) == (1, 1, 0, 0)
    assert hand.profiles() == {"a": {"x": 1, "y": 2}, "b": {"x": 0}}
    assert emails(hand) == [("a@shop.example",)]
    assert hand.rejects() == []


def test_rows_that_were_made_one_are_sent_as_one(hand: World) -> None:
    hand.by_hand("attributes", ("2026-01-01", "a", {"x": 1, "y": 1}), ("2026-01-02", "a", BAD | {"y": 2}))
    assert hand.push().counts.rows_rejected == 1
    hand.by_hand("attributes", ("2026-01-03", "a", GOOD))
    # Pending rows come later too, though nobody has sent them.
    assert numbers(hand.retry()) == (1, 1, 0, 0)
    assert hand.profiles() == {"a": {"x": 1, "y": 2}}
    assert hand.push().counts.rows_sent == 1
    assert emails(hand) == [("a@shop.example",)]


def test_labels_in_rows_of_one_user(hand: World) -> None:
    bad_then(hand, {"labels": {"add": ["a", "b"]}}, GOOD, {"labels": {"remove": ["a"]}})
    assert numbers(hand.retry()) == (1, 1, 0, 0)
    assert hand.profiles()["a"] == {"labels": ["b"]}


def test_rows_that_came_late_with_the_same_stamp(hand: World) -> None:
    """They are never read, as in Cloud Data Ingestion, and take no number from those that were."""
    bad_then(hand, {"x": 1}, GOOD)
    hand.by_hand("attributes", ("2026-01-01", "a", {"a": 0}), ("2026-01-01", "a", {"aa": 0}))
    assert numbers(hand.retry()) == (1, 1, 0, 0)
    assert hand.profiles()["a"] == {"x": 1}


def test_a_row_that_is_gone_is_left_to_whoever_knows(hand: World) -> None:
    """A table of one row per user, in which the newer row has taken the place of the rejected one."""
    bad_then(hand, {"x": 1, "y": 1})
    hand.query(
        "update braze.attributes set updated_at = timestamp '2026-01-02', payload = '{\"x\":2}' where external_id = 'a'"
    )
    hand.push()
    summary = hand.retry()
    assert numbers(summary) == (1, 0, 0, 1)
    assert "the table has its row no more" in " ".join(summary.notes)
    assert hand.profiles()["a"] == {"x": 2}
    assert len(hand.rejects()) == 1


def test_rows_that_name_nobody_replace_nothing(hand: World) -> None:
    hand.by_hand("attributes", *((f"2026-01-0{day}", None, {"x": day}) for day in (1, 2, 3)))
    assert hand.push().counts.rows_rejected == 3
    assert numbers(hand.retry()) == (3, 0, 3, 0)
    assert hand.reasons() == {"no_identifier": 3}


def test_tables_that_were_logs_before(hand: World) -> None:
    hand.log("attributes", "run-1", ("2026-01-01", "a", BAD | {"x": 1}))
    hand.log("deletes", "run-1", ("2026-01-01", "b", ""))
    hand.log("attributes", "run-2", ("2026-01-02", "b", {"x": 2}))
    assert hand.push().counts.rows_rejected == 2
    hand.query("drop table braze.attributes")
    hand.query("drop table braze.deletes")
    bad_then(hand, {"x": 3})
    hand.by_hand("deletes", ("2026-01-01", "c", ""))
    hand.push()
    summary = hand.retry()
    assert numbers(summary) == (3, 0, 1, 2)
    assert len(summary.notes) == 2


def test_what_later_rows_build_on_stays_open(hand: World) -> None:
    bad_then(hand, {"n": 5}, {"n": {"inc": 1}})
    summary = hand.retry()
    assert numbers(summary) == (1, 0, 0, 1)
    assert "later rows build on n: add a row with the current value" in " ".join(summary.notes)


def test_a_user_who_was_deleted_since_is_not_made_again(hand: World) -> None:
    bad_then(hand, {"x": 1}, GOOD)
    hand.by_hand("deletes", ("2026-01-03", "a", ""))
    hand.push()
    assert numbers(hand.retry()) == (0, 0, 0, 0)
    assert hand.profiles() == {"b": {"x": 0}}
    assert hand.rejects() == []


def test_a_deletion_that_was_dropped_makes_nothing_void(hand: World) -> None:
    bad_then(hand, {"x": 1})
    hand.by_hand("deletes", ("2026-01-03", "a", ""))
    hand.by_hand("attributes", ("2026-01-04", "a", GOOD | {"y": 4}))
    hand.push()
    assert hand.reasons()["user_returned"] == 1
    hand.retry()
    assert hand.profiles()["a"] == {"x": 1, "y": 4}
    assert hand.rejects() == []


def test_events_go_as_they_were_with_the_time_of_their_row(hand: World) -> None:
    hand.restart(blocked_external_ids=["a"])
    event = {"name": "seen", "properties": {"event": "1"}}
    hand.by_hand("events", ("2026-01-02 03:04:05.678901", "a", event))
    assert hand.push().counts.rows_rejected == 1
    hand.restart()
    hand.by_hand("events", ("2026-01-03", "a", event | {"properties": {"event": "2"}}))
    hand.push()
    assert numbers(hand.retry()) == (1, 1, 0, 0)
    assert hand.braze.events() == {"1": 1, "2": 1}
    times = {time for (time,) in hand.braze.query("select time from custom_events")}
    assert any(time.startswith("2026-01-02T03:04:05.678") for time in times)
    assert hand.rejects() == []


def test_items_whose_flag_is_text(hand: World) -> None:
    hand.query(
        'create table braze.items ("UPDATED_AT" timestamp, "ID" varchar, "PAYLOAD" varchar, "DELETED" varchar)'
    )
    hand.query(
        "insert into braze.items values ('2026-01-01', 'r1', '{\"stars\":{}}', 'false'), "
        "('2026-01-01', 'r2', '{\"stars\":{}}', 'false')"
    )
    assert hand.push().counts.rows_rejected == 2
    hand.query("insert into braze.items values ('2026-01-02', 'r1', '{\"stars\":2}', 'false')")
    hand.push()
    assert numbers(hand.retry()) == (1, 0, 1, 0)
    assert hand.braze.items() == {"r1": {"stars": 2}}
    assert [reject.identifier for reject in hand.rejects()] == ['{"id":"r2"}']


USER = "0" * 32
REJECT = OpenReject(
    "s", "b", "", "rejected", "{}", None, "braze_refused", "No.", 400, 1, utc_now(), utc_now()
)


class Rows:
    """The rows of one user of a table, in order."""

    identifiers = ("user_key",)

    def __init__(self, *payloads: str) -> None:
        self._payloads = payloads

    def of_users(self, users: Iterable[str]) -> Iterator[pa.RecordBatch]:
        assert set(users) == {USER}
        keys = [key(place) for place in range(len(self._payloads))]
        columns = {"braze_row": keys, "user_key": [USER] * len(keys), "payload": list(self._payloads)}
        yield pa.RecordBatch.from_pydict(columns)


def key(place: int) -> str:
    return f"{USER}/2026-01-01T00:00:00.000000/{place:06}"


@pytest.mark.parametrize(("sync_type", "later"), [("subscription_groups", [3]), ("email_status", [1, 2, 3])])
def test_a_state_is_replaced_by_one_of_the_same_group(sync_type: str, later: list[int]) -> None:
    payloads = [json.dumps({"subscription_group_id": group}) for group in ("g1", "g2", "g3", "g1")]
    past = StampPast(Rows(*payloads), sync_type)  # type: ignore[arg-type]
    reject = replace(REJECT, braze_row=key(0), payload=payloads[0])
    [found] = past.of([reject])
    assert found.own is not None
    assert [row["braze_row"] for row in found.later] == [key(place) for place in later]
