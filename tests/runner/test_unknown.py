"""Objects that must not arrive twice and of which nobody knows whether they did (R3)."""

import datetime as dt
import json
from contextlib import closing
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from push_helpers import FakeBraze, Shop, row_name, user

from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine.repair import by_currents, drop, send_again
from braze_runner.engine.settings import PushSettings
from braze_runner.project import read_project
from braze_runner.state import OpenReject, State, WarehouseTables
from braze_runner.warehouse import connect

EVENTS = "model.shop.users_events"
CREATED = "2026-01-01T00:00:00Z"


@pytest.fixture
def events(shop: Shop) -> Shop:
    """A shop with one batch of 300 events, pushed by nobody yet."""
    shop.write_manifest({"sync": "attributes"}, users_events={"sync": "events"})
    shop.query("create table braze.users_events as select * from braze.users_attributes_sync")
    table = pa.table(
        {
            "external_id": [user(number) for number in range(300)],
            "payload": [payload(number) for number in range(300)],
            "braze_row": [row_name(number, 300) for number in range(300)],
        }
    )
    with duckdb.connect(str(shop.path)) as connection:
        connection.register("added", table)
        connection.execute(
            "insert into braze.users_events by name select *, timestamp '2026-01-01' as updated_at, "
            "'batch-1' as braze_batch from added"
        )
    return shop


def payload(number: int) -> str:
    return json.dumps({"name": "seen", "time": CREATED, "properties": {"event": number}})


def sent(braze: FakeBraze) -> list[int]:
    events = [each for raw in braze.raw for each in json.loads(raw).get("events", ())]
    return sorted(each["properties"]["event"] for each in events)


def crash(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Push, and die when all is answered, with nothing on record but the intent."""

    class DiedError(BaseException):
        pass

    def save(*_: Any) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(State, "save", save)
        with pytest.raises(DiedError):
            shop.push(workers=1, select=("users_events",))


def unknown(shop: Shop) -> list[OpenReject]:
    with closing(connect(shop.options)) as warehouse:
        tables = WarehouseTables(warehouse, read_project(shop.options).state)
        return [
            each for each in State(tables, "default", "test").open_rejects(EVENTS) if each.status == "unknown"
        ]


def config(shop: Shop) -> BrazeConfig:
    return BrazeConfig(shop.braze.url, "127.0.0.1", Secret("key"))


def test_what_a_crash_leaves_unknown_is_put_aside_and_counted(
    events: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(events, monkeypatch)
    assert sent(events.braze) == list(range(300))
    events.braze.raw.clear()
    summary = events.push(select=("users_events",))
    assert (summary.counts.rows_held, summary.counts.rows_unknown, summary.exit_code) == (300, 300, 1)
    assert "300 objects may have been sent" in " ".join(summary.notes)
    assert events.braze.raw == []
    assert len(unknown(events)) == 300
    again = events.push(select=("users_events",))
    assert again.counts.rows_read == 0


def test_by_policy_it_is_sent_again_and_counted(events: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(events, monkeypatch)
    summary = events.push(select=("users_events",), unknown="resend")
    assert (summary.counts.rows_sent, summary.counts.objects_resent) == (300, 300)
    assert sent(events.braze) == sorted([*range(300), *range(300)])


def load_currents(shop: Shop, numbers: range, loaded_at: dt.datetime) -> None:
    shop.query("create schema if not exists braze_currents")
    shop.query(
        "create table if not exists braze_currents.users_behaviors_customevent (id varchar, external_user_id varchar, "
        "name varchar, time bigint, properties varchar, braze_loaded_at timestamp)"
    )
    second = int(dt.datetime.fromisoformat(CREATED).timestamp())
    rows = ", ".join(
        f"('{number}', '{user(number)}', 'seen', {second}, '{{\"event\": {number}}}', timestamp '{loaded_at:%F %T}')"
        for number in numbers
    )
    shop.query(f"insert into braze_currents.users_behaviors_customevent values {rows}")


def test_currents_tells_what_arrived(events: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(events, monkeypatch)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    load_currents(events, range(40), now)
    events.braze.raw.clear()
    summary = events.push(select=("users_events",))
    # Loaded too early to say that the others did not arrive.
    assert (summary.counts.rows_sent, summary.counts.rows_unknown) == (40, 260)
    assert events.braze.raw == []
    load_currents(events, range(40, 50), now + dt.timedelta(hours=25))
    arrived, missing, silent = by_currents(events.options, config(events), lambda _: True)
    assert (arrived, len(missing), silent) == (10, 250, 0)
    assert len(unknown(events)) == 250


def test_currents_tells_what_did_not_arrive(events: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(events, monkeypatch)
    load_currents(events, range(299), dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=25))
    events.braze.raw.clear()
    summary = events.push(select=("users_events",))
    assert (summary.counts.rows_sent, summary.counts.rows_unknown) == (300, 0)
    assert sent(events.braze) == [299]


def test_a_person_decides(events: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(events, monkeypatch)
    events.push(select=("users_events",))
    first = unknown(events)[0].braze_row
    assert drop(events.options, config(events), lambda each: each.braze_row == first) == 1
    assert len(unknown(events)) == 299
    events.braze.raw.clear()
    summary = send_again(
        events.options, config(events), lambda each: each.status == "unknown", PushSettings(order_gap=0)
    )
    assert (summary.counts.rows_sent, summary.exit_code) == (299, 0)
    assert sent(events.braze) == list(range(1, 300))
    assert unknown(events) == []


def lose_one_answer(shop: Shop) -> None:
    shop.braze.script = lambda number, _: (504, {}, b"{}") if number == 1 else None


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_what_is_in_the_rejects_already_is_left_to_resolve(
    events: Shop, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """The run died when its rejects were on record and its progress was not."""
    lose_one_answer(events)
    crash(events, monkeypatch)
    events.braze.script = lambda *_: None
    before = unknown(events)
    assert len(before) == 75
    already = len(sent(events.braze))
    summary = events.push(select=("users_events",), unknown=policy)
    again = 225 if policy == "resend" else 0
    assert len(sent(events.braze)) == already + again
    assert summary.counts.rows_unknown == 300 - again
    rows = {reject.braze_row for reject in before}
    assert rows <= {reject.braze_row for reject in unknown(events)}


def test_what_was_resolved_meanwhile_is_not_doubted_again(
    events: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_one_answer(events)
    crash(events, monkeypatch)
    events.braze.script = lambda *_: None
    settings = PushSettings(select=("users_events",))
    resolved = send_again(events.options, config(events), lambda _: True, settings)
    assert resolved.counts.rows_sent == 75
    summary = events.push(select=("users_events",))
    assert "225 were put aside" in summary.notes[0]
    assert "75 were settled since" in summary.notes[0]
    assert len(unknown(events)) == 225
