"""Subscription states and deletions: a request is about one group, one state, one kind of identifier."""

import json

import pytest
from plan_helpers import CUSTOMER, Value, bodies, plan_one, reason

from braze_runner.plan import Identifiers, Row, states
from braze_runner.plan.deletes import DeletesPlanner
from braze_runner.plan.states import EmailStatusPlanner, SubscriptionPlanner

ALIAS = Identifiers(alias_name="n", alias_label="l")
EMAIL, PHONE, BRAZE_ID = Identifiers(email="a@b.example"), Identifiers(phone="+1"), Identifiers(braze_id="b")
STATE = '{"subscription_group_id":"g","subscription_state":"subscribed"}'


def subscription(identifiers: Identifiers, payload: Value = STATE) -> Row:
    planned = plan_one(SubscriptionPlanner(), **identifiers._asdict(), payload=payload)
    assert isinstance(planned, Row), planned
    return planned


@pytest.mark.parametrize(
    ("identifiers", "name", "value"),
    [
        (CUSTOMER, "external_ids", CUSTOMER.external_id),
        (EMAIL, "emails", EMAIL.email),
        (PHONE, "phones", "+1"),
    ],
)
def test_a_subscription_state(identifiers: Identifiers, name: str, value: str) -> None:
    group = {"subscription_group_id": "g", "subscription_state": "subscribed", name: [value]}
    assert [json.loads(body) for body in bodies([subscription(identifiers)])] == [
        {"subscription_groups": [group]}
    ]


def test_groups_states_and_kinds_have_requests_of_their_own() -> None:
    others = [
        '{"subscription_group_id":"h","subscription_state":"subscribed"}',
        '{"subscription_group_id":"g","subscription_state":"unsubscribed"}',
    ]
    rows = [subscription(each) for each in (CUSTOMER, EMAIL, PHONE, CUSTOMER)]
    rows += [subscription(CUSTOMER, other) for other in others]
    groups = [group for body in bodies(rows) for [group] in json.loads(body).values()]
    lists = [
        {name: len(value) for name, value in group.items() if isinstance(value, list)} for group in groups
    ]
    assert lists == [
        {"external_ids": 2},
        {"emails": 1},
        {"phones": 1},
        {"external_ids": 1},
        {"external_ids": 1},
    ]
    assert (
        len({json.dumps([group["subscription_group_id"], group["subscription_state"]]) for group in groups})
        == 3
    )


@pytest.mark.parametrize(
    ("identifiers", "payload", "expected"),
    [
        (ALIAS, STATE, "identifier_not_supported"),
        (BRAZE_ID, STATE, "identifier_not_supported"),
        (Identifiers(), STATE, "no_identifier"),
        (CUSTOMER, None, "payload_missing"),
        (CUSTOMER, "{}", "payload_incomplete"),
        (CUSTOMER, '{"subscription_group_id":"g","subscription_state":null}', "payload_incomplete"),
        (CUSTOMER, '{"subscription_group_id":5,"subscription_state":"subscribed"}', "payload_incomplete"),
    ],
)
def test_subscriptions_that_are_rejected(identifiers: Identifiers, payload: Value, expected: str) -> None:
    planned = plan_one(SubscriptionPlanner(), **identifiers._asdict(), payload=payload)
    assert reason(planned) == expected


def test_an_address_s_state() -> None:
    planner = EmailStatusPlanner()

    def plan(identifiers: Identifiers, payload: Value) -> Row:
        planned = plan_one(planner, **identifiers._asdict(), payload=payload)
        assert isinstance(planned, Row), planned
        return planned

    rows = [plan(EMAIL, '{"subscription_state":"unsubscribed"}')] * 2 + [
        plan(EMAIL, '{"subscription_state":"opted_in"}')
    ]
    assert [json.loads(body) for body in bodies(rows)] == [
        {"subscription_state": "unsubscribed", "email": [EMAIL.email, EMAIL.email]},
        {"subscription_state": "opted_in", "email": [EMAIL.email]},
    ]
    assert reason(plan_one(planner, external_id="c", payload="{}")) == "identifier_not_supported"
    assert reason(plan_one(planner, email="a", payload="{}")) == "payload_incomplete"
    assert reason(plan_one(planner, payload="{}")) == "no_identifier"


def test_any_number_of_groups_is_remembered_within_bounds() -> None:
    """A column that holds something else than groups must not fill the memory (R8)."""
    for number in range(3_000):
        subscription(CUSTOMER, json.dumps({"subscription_group_id": str(number), "subscription_state": "x"}))
    assert states._group_envelope.cache_info().currsize <= 1_024


def test_deletions_by_kind() -> None:
    planner, rows = DeletesPlanner(), []
    for identifiers in (CUSTOMER, ALIAS, BRAZE_ID, CUSTOMER):
        planned = plan_one(planner, **identifiers._asdict())
        assert isinstance(planned, Row)
        rows.append(planned)
    assert [json.loads(body) for body in bodies(rows)] == [
        {"external_ids": [CUSTOMER.external_id] * 2},
        {"user_aliases": [{"alias_name": "n", "alias_label": "l"}]},
        {"braze_ids": ["b"]},
    ]
    assert {row.payload for row in rows} == {None}


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        (EMAIL, "identifier_not_supported"),
        (PHONE, "identifier_not_supported"),
        (Identifiers(), "no_identifier"),
        (Identifiers(external_id="c", braze_id="b"), "several_identifiers"),
        (Identifiers(alias_name="n"), "incomplete_alias"),
    ],
)
def test_deletions_that_are_rejected(identifiers: Identifiers, expected: str) -> None:
    assert reason(plan_one(DeletesPlanner(), **identifiers._asdict())) == expected
