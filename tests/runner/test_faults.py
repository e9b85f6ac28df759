"""Whatever goes wrong on the way: nothing is lost, the newest value wins, and the counts add up (R1, R2, R3)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from company import SYNCS, check, expected_events, write_company
from world import World

from braze_runner.engine.deletions import DeletionGuard
from braze_runner.errors import StoppedError
from braze_runner.state import OpenReject

USERS = 300
GUARD = DeletionGuard(share=1.0)
FAULTS: list[dict[str, Any]] = [
    {"kind": "rate_limited", "seconds": 0},
    {"kind": "server_error", "status": 500},
    {"kind": "server_error", "status": 502, "applied": True},
    {"kind": "server_error", "status": 504},
    {"kind": "html", "status": 502, "applied": True},
    {"kind": "html", "status": 400},
    {"kind": "redirect"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "slow", "seconds": 0.02},
    {"kind": "truncated"},
    {"kind": "empty"},
]
MIXED = [fault | {"share": 0.04} for fault in FAULTS]
ENOUGH = 100_000


def company(world: World) -> None:
    world.models = SYNCS
    write_company(world.project, USERS)


def event_of(reject: OpenReject) -> str | None:
    """Return the id of an event or a purchase."""
    properties = json.loads(reject.payload or "{}").get("properties", {})
    return properties.get("event")


def push_to_the_end(world: World, **settings: Any) -> Counter[str]:
    """Push until nothing is pending; returns the sum of what the runs counted, each of which added up."""
    total: Counter[str] = Counter()
    errors = []
    while len(errors) < 40:
        try:
            summary = world.push(guard=GUARD, **settings)
        except StoppedError as exc:
            # Before the first row: the catalogs could not be looked at.
            errors.append(str(exc))
            continue
        total.update(summary.counts.as_dict())
        if not summary.error:
            assert summary.counts.rows_held == summary.counts.rows_unknown
            return total
        assert summary.exit_code == 3
        errors.append(summary.error)
    raise AssertionError(errors[-3:])


def settle(world: World, arrived: Counter[str]) -> None:
    """Do what `resolve --currents` does: what did not arrive is sent again, and what did is not."""
    unknown = [reject for reject in world.rejects() if reject.status == "unknown"]
    assert {reject.reason for reject in unknown} <= {"maybe_sent"}
    events = {event for reject in unknown if (event := event_of(reject))}
    # Nothing is missing that nobody speaks of, and nothing arrived twice.
    assert expected_events(USERS) <= arrived.keys() | events
    assert max(arrived.values()) == 1
    world.faults()
    world.retry(lambda reject: reject.status == "unknown" and event_of(reject) not in arrived)


def finish(world: World, rules: list[dict[str, Any]], **settings: Any) -> int:
    """Push with these faults in force, and compare everything; returns how many requests they hit."""
    world.faults(*(rule | {"times": rule.get("times", ENOUGH)} for rule in rules))
    push_to_the_end(world, **settings)
    hits = sum(
        rule.get("times", ENOUGH) - left["times"] for rule, left in zip(rules, world.faults(), strict=True)
    )
    world.flush()
    settle(world, world.braze.events())
    world.flush()
    check(world.braze, USERS)
    assert max(world.braze.events().values()) == 1
    return hits


@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(str(each) for each in fault.values()))
def test_each_fault_alone(tmp_path: Path, fault: dict[str, Any], share: float) -> None:
    # A redirect ends the run, so it comes a few times alone.
    times = {"times": 4} if fault["kind"] == "redirect" else {}
    with World(tmp_path) as world:
        company(world)
        assert finish(world, [fault | {"share": share} | times]) > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_all_faults_mixed_and_requests_applied_late_and_in_any_order(tmp_path: Path, seed: int) -> None:
    with World(tmp_path, lag=0.05, seed=seed) as world:
        company(world)
        rules = [fault | ({"times": 2} if fault["kind"] == "redirect" else {}) for fault in MIXED]
        assert finish(world, rules, order_gap=0.15, workers=8) > 10


@pytest.mark.parametrize("kind", ["reset_after", "truncated", "empty"])
def test_what_is_sent_again_in_doubt_is_counted(tmp_path: Path, kind: str) -> None:
    """By policy nothing is missing, and what is there twice was counted."""
    with World(tmp_path) as world:
        company(world)
        world.faults({"kind": kind, "share": 0.3})
        total = push_to_the_end(world, unknown="resend")
        world.faults()
        check(world.braze, USERS)
        twice = sum(times - 1 for times in world.braze.events().values())
        assert 0 < twice <= total["objects_resent"]
        assert total["rows_unknown"] == 0
        assert not [reject for reject in world.rejects() if reject.status == "unknown"]
