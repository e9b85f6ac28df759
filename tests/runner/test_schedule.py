"""In which order pending batches go out (R2)."""

import datetime as dt
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from braze_runner.plan import steps_of
from braze_runner.plan.endpoints import ENDPOINTS, ORDER

START = dt.datetime.fromisoformat("2026-01-01")


@dataclass(frozen=True)
class Waiting:
    batch: str
    type: str
    written_at: dt.datetime
    updates_only: bool = False


def waiting(batch: str, kind: str, hour: int = 0, *, updates_only: bool = False) -> Waiting:
    return Waiting(batch, kind, START + dt.timedelta(hours=hour), updates_only)


def shown(pending: list[Waiting]) -> list[tuple[list[tuple[str, str]], bool]]:
    return [
        ([(each.batch, each.type) for each in step.batches], step.joins_next) for step in steps_of(pending)
    ]


def test_every_type_has_its_place() -> None:
    assert sorted(ORDER) == sorted(ENDPOINTS)


def test_ids_come_before_what_uses_them_and_deletions_last() -> None:
    pending = [waiting("b", kind) for kind in sorted(ENDPOINTS)]
    assert [batches[0][1] for batches, _ in shown(pending)] == [
        "catalog_items",
        "external_id_renames",
        "aliases",
        "alias_updates",
        "identifies",
        "merges",
        "attributes",
        "events",
        "purchases",
        "subscription_groups",
        "email_status",
        "external_id_removals",
        "deletes",
    ]


def test_attributes_events_and_purchases_of_one_run_share_requests() -> None:
    pending = [waiting("b", kind) for kind in ("purchases", "deletes", "events", "attributes")]
    assert [(batches[0][1], joins) for batches, joins in shown(pending)] == [
        ("attributes", True),
        ("events", True),
        ("purchases", False),
        ("deletes", False),
    ]


def test_attributes_that_create_nobody_wait_for_those_that_do() -> None:
    labels, users = waiting("b", "attributes", updates_only=True), waiting("b", "attributes")
    events = waiting("b", "events", updates_only=True)
    steps = steps_of([labels, events, users])
    assert [(step.batches, step.joins_next) for step in steps] == [
        ([users], False),
        ([labels], True),
        ([events], False),
    ]


def test_requests_are_not_shared_between_runs() -> None:
    """Two attributes of one user in one request would be two rows of the user (D3 holds within a batch alone)."""
    pending = [waiting("b1", "attributes", 1), waiting("b2", "attributes", 2)]
    assert shown(pending) == [([("b1", "attributes")], False), ([("b2", "attributes")], False)]


def test_runs_go_by_their_first_stamp() -> None:
    pending = [
        waiting("late", "attributes", 1),
        waiting("early", "deletes", 3),
        waiting("early", "attributes", 0),
        waiting("late", "catalog_items", 5),
    ]
    assert [batches for batches, _ in shown(pending)] == [
        [("early", "attributes")],
        [("early", "deletes")],
        [("late", "catalog_items")],
        [("late", "attributes")],
    ]


def test_items_have_a_lane_of_their_own() -> None:
    pending = [waiting("b", kind) for kind in ("catalog_items", "attributes", "deletes")]
    assert [step.lane for step in steps_of(pending)] == ["items", "users", "users"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(ORDER), st.integers(0, 5)), max_size=30))
def test_each_batch_once_and_no_run_passes_an_older_one(given_: list[tuple[str, str, int]]) -> None:
    pending = [waiting(*each) for each in given_]
    steps = steps_of(pending)
    flat = [each for step in steps for each in step.batches]
    assert sorted(flat, key=str) == sorted(pending, key=str)
    first = {batch: min(each.written_at for each in pending if each.batch == batch) for batch, *_ in given_}
    places = [(first[each.batch], each.batch, ORDER.index(each.type)) for each in flat]
    assert places == sorted(places)
    for step in steps:
        assert len({(each.batch, each.type) for each in step.batches}) == 1
