"""Aliases, identifies, merges, renames and removals: which objects are complete, and which list they go to."""

import json
from typing import Any

import pytest
from plan_helpers import bodies, plan_one, reason, sent

from braze_runner.plan import Row
from braze_runner.plan.actions import ActionPlanner

COMPLETE: dict[str, dict[str, Any]] = {
    "aliases": {"external_id": "c", "alias_name": "n", "alias_label": "l"},
    "alias_updates": {"alias_label": "l", "old_alias_name": "n", "new_alias_name": "m"},
    "identifies": {"external_id": "c", "user_alias": {"alias_name": "n", "alias_label": "l"}},
    "merges": {"identifier_to_merge": {"external_id": "b"}, "identifier_to_keep": {"external_id": "c"}},
    "external_id_renames": {"current_external_id": "b", "new_external_id": "c"},
    "external_id_removals": {"external_id": "c"},
}
LISTS = {
    "aliases": ("/users/alias/new", "user_aliases"),
    "alias_updates": ("/users/alias/update", "alias_updates"),
    "identifies": ("/users/identify", "aliases_to_identify"),
    "merges": ("/users/merge", "merge_updates"),
    "external_id_renames": ("/users/external_ids/rename", "external_id_renames"),
    "external_id_removals": ("/users/external_ids/remove", "external_ids"),
}


@pytest.mark.parametrize("kind", COMPLETE)
def test_a_complete_object_goes_to_its_list(kind: str) -> None:
    text = " " + json.dumps(COMPLETE[kind], indent=1)
    planned = plan_one(ActionPlanner(kind), payload=text)
    assert isinstance(planned, Row)
    path, name = LISTS[kind]
    shown = '"c"' if kind == "external_id_removals" else text
    assert planned.envelope.path == path
    assert bodies([planned]) == [f'{{"{name}":[{shown}]}}'.encode()]
    assert planned.repeatable


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, payload in COMPLETE.items()
        for name in payload
        if (kind, name) != ("aliases", "external_id")
    ],
)
@pytest.mark.parametrize("value", [None, "", 5, [], {}])
def test_an_incomplete_object_is_rejected(kind: str, name: str, value: Any) -> None:
    payload = COMPLETE[kind] | {name: value}
    assert reason(plan_one(ActionPlanner(kind), payload=json.dumps(payload))) == "payload_incomplete"
    del payload[name]
    assert reason(plan_one(ActionPlanner(kind), payload=json.dumps(payload))) == "payload_incomplete"


def test_an_alias_needs_no_user() -> None:
    assert sent(plan_one(ActionPlanner("aliases"), payload='{"alias_name":"n","alias_label":"l"}'))


@pytest.mark.parametrize("kind", COMPLETE)
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, "payload_missing"),
        ("x", "payload_not_json"),
        ("[]", "payload_not_object"),
        (b"\xff", "payload_not_json"),
    ],
)
def test_payloads_that_are_no_object(kind: str, payload: Any, expected: str) -> None:
    assert reason(plan_one(ActionPlanner(kind), payload=payload)) == expected


def test_users_are_identified_by_one_thing_each() -> None:
    planner, rows = ActionPlanner("identifies"), []
    for member in (
        '"user_alias":{"alias_name":"n","alias_label":"l"}',
        '"email":"a@b.example"',
        '"phone":"+1"',
    ):
        planned = plan_one(planner, payload=f'{{"external_id":"c",{member}}}')
        assert isinstance(planned, Row)
        rows.append(planned)
    [body] = bodies(rows)
    assert {name: len(objects) for name, objects in json.loads(body).items()} == {
        "aliases_to_identify": 1,
        "emails_to_identify": 1,
        "phone_numbers_to_identify": 1,
    }
    both = '{"external_id":"c","email":"a@b.example","phone":"+1"}'
    assert reason(plan_one(planner, payload=both)) == "payload_incomplete"
    assert reason(plan_one(planner, payload='{"external_id":"c"}')) == "payload_incomplete"


@pytest.mark.parametrize("address", ['"email":"a@b.example"', '"phone":"+4930123"'])
def test_an_address_keeps_its_prioritization(address: str) -> None:
    """Several profiles may share it: the list says which of them is meant (POST /users/merge, /users/identify)."""
    named = f'{{{address} , "prioritization":["unidentified", "most_recently_updated"]}}'
    merge = f'{{"identifier_to_merge":{named},"identifier_to_keep":{{"external_id":"c"}}}}'
    assert sent(plan_one(ActionPlanner("merges"), payload=merge)) == merge
    identify = '{"external_id":"c",' + named[1:]
    assert sent(plan_one(ActionPlanner("identifies"), payload=identify)) == identify
