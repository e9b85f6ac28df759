"""Each user's changes keep their order, though Braze promises none between requests (R2).

The local Braze applies each request after a time of its own, so a later one may be applied first.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import META, World

LAG, GAP = 0.25, 0.35
USERS = [f"user-{number}" for number in range(160)]


@pytest.fixture
def late(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, lag=LAG) as world:
        yield world


def write_days(world: World, days: int) -> None:
    for day in range(1, days + 1):
        rows = [(f"2026-01-0{day}", user, {"day": day, f"day_{day}": True}) for user in USERS]
        world.log("attributes", f"run-{day}", *rows)


def everybody(users: list[str], profile: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {user: dict(profile) for user in users}


def test_the_newest_of_several_batches_wins(late: World) -> None:
    write_days(late, 3)
    late.push(order_gap=GAP, workers=16)
    everything = {"day": 3, "day_1": True, "day_2": True, "day_3": True}
    assert late.profiles() == everybody(USERS, everything)


def test_without_the_gap_it_would_not(late: World) -> None:
    """What the other tests here stand on: this Braze does mix up what comes too early."""
    late.restart(lag=60.0)
    write_days(late, 3)
    late.push(order_gap=0, workers=16)
    assert any(profile["day"] < 3 for profile in late.profiles().values())


def test_the_gap_holds_between_runs_too(late: World) -> None:
    for day in (1, 2, 3):
        late.log("attributes", f"run-{day}", *((f"2026-01-0{day}", user, {"day": day}) for user in USERS))
        late.push(order_gap=GAP, workers=16)
    assert late.profiles() == everybody(USERS, {"day": 3})


def test_two_syncs_that_write_the_same_key(late: World) -> None:
    """One dbt run after the other, whichever sync a value comes from."""
    late.log("attributes", "run-1", *(("2026-01-01", user, {"day": 1, "first": 1}) for user in USERS))
    late.log("more_attributes", "run-2", *(("2026-01-02", user, {"day": 2}) for user in USERS))
    late.log("attributes", "run-3", *(("2026-01-03", user, {"day": 3}) for user in USERS))
    late.push(order_gap=GAP, workers=16)
    assert late.profiles() == everybody(USERS, {"day": 3, "first": 1})


def test_a_user_who_was_deleted_and_returned_keeps_what_came_later(late: World) -> None:
    late.log("attributes", "run-1", ("2026-01-01", "a", {"old": 1}), ("2026-01-01", "b", {"old": 1}))
    late.log("deletes", "run-2", ("2026-01-02", "a", ""), ("2026-01-02", "b", ""))
    late.log("attributes", "run-3", ("2026-01-03", "a", {"new": 1}))
    late.push(order_gap=GAP)
    # The deletion was dropped, so what was sent before it stays.
    assert late.profiles() == {"a": {"old": 1, "new": 1}}
    assert late.reasons() == {"user_returned": 1}


def test_a_user_who_returns_after_the_deletion_was_pushed_begins_anew(late: World) -> None:
    late.log("attributes", "run-1", ("2026-01-01", "a", {"old": 1}))
    late.push(order_gap=GAP)
    late.log("deletes", "run-2", ("2026-01-02", "a", ""))
    late.push(order_gap=GAP)
    late.log("attributes", "run-3", ("2026-01-03", "a", {"new": 1}))
    late.push(order_gap=GAP)
    assert late.profiles() == {"a": {"new": 1}}
    late.log("deletes", "run-4", ("2026-01-04", "a", ""))
    late.push(order_gap=GAP)
    assert late.profiles() == {}


def test_attributes_arrive_before_the_deletion_of_the_same_run(late: World) -> None:
    late.log("attributes", "run-1", *(("2026-01-01", user, {"x": 1}) for user in USERS))
    late.log("deletes", "run-1", *(("2026-01-01 00:00:01", user, "") for user in USERS[:50]))
    late.push(order_gap=GAP, workers=16)
    assert late.profiles() == everybody(USERS[50:], {"x": 1})


def actions(world: World, table: str, batch: str, day: int, payloads: list[dict[str, Any]]) -> None:
    """Insert rows of a sync whose payload alone says whom it is about."""
    world.query(
        f'create table if not exists braze.{table} ("UPDATED_AT" timestamp, "PAYLOAD" varchar, '
        "braze_batch varchar, braze_row varchar)"
    )
    values = ", ".join(
        f"('2026-01-0{day}', '{json.dumps(payload)}', '{batch}', '{number:032x}')"
        for number, payload in enumerate(payloads)
    )
    world.query(f"insert into braze.{table} values {values}")


def alias(name: str, **more: str) -> dict[str, Any]:
    return {"alias_name": name, "alias_label": "web"} | more


def test_an_alias_is_there_before_the_event_that_names_it(late: World) -> None:
    """By the local Braze an event of an unknown alias does nothing."""
    actions(late, "aliases", "run-1", 1, [alias(f"anon-{n}") for n in range(60)])
    late.query(
        'create table braze.events ("UPDATED_AT" timestamp, "ALIAS_NAME" varchar, "ALIAS_LABEL" varchar, '
        '"PAYLOAD" varchar, braze_batch varchar, braze_row varchar)'
    )
    event = '{"name":"seen","time":"2026-01-01T00:00:00Z","properties":{"event":"%d"}}'
    late.query(
        f"insert into braze.events select '2026-01-01', printf('anon-%d', n), 'web', printf('{event}', n), 'run-1', "
        "md5(printf('%d', n)) from range(60) t (n)"
    )
    late.push(order_gap=GAP, workers=16)
    late.flush()
    assert late.braze.events() == {str(n): 1 for n in range(60)}


def test_a_user_is_identified_before_attributes_come_under_the_new_id(late: World) -> None:
    actions(late, "aliases", "run-1", 1, [alias(f"anon-{n}") for n in range(60)])
    actions(
        late,
        "identifies",
        "run-2",
        2,
        [{"external_id": f"user-{n}", "user_alias": alias(f"anon-{n}")} for n in range(60)],
    )
    late.log("attributes", "run-2", *(("2026-01-02", f"user-{n}", {"x": n}) for n in range(60)))
    late.push(order_gap=GAP, workers=16)
    assert late.profiles() == {f"user-{n}": {"x": n} for n in range(60)}
    assert late.braze.query("select count(*) from profiles") == [(60,)]
    assert len(late.braze.aliases()) == 60


def test_of_users_who_share_an_address_the_one_that_the_prioritization_names_is_merged(late: World) -> None:
    late.models = META | {"merges": {"sync": "merges"}}
    known = {"email": "shared@shop.example"}
    late.log("attributes", "run-1", ("2026-01-01", "old", known | {"x": 1}))
    late.push(order_gap=GAP)
    late.log("attributes", "run-2", ("2026-01-02", "new", known | {"y": 2}), ("2026-01-02", "kept", {"z": 3}))
    merge = {
        "identifier_to_merge": known | {"prioritization": ["identified", "least_recently_updated"]},
        "identifier_to_keep": {"external_id": "kept"},
    }
    actions(late, "merges", "run-3", 3, [merge])
    late.push(order_gap=GAP)
    assert late.profiles() == {"new": {"y": 2}, "kept": {"z": 3, "x": 1}}
