"""Subscription states: users of one group and state, addresses of one state."""

from functools import lru_cache
from typing import Any

import orjson

from braze_runner.plan.endpoints import EMAIL_STATUS, SUBSCRIPTION, Envelope
from braze_runner.plan.payloads import parse
from braze_runner.plan.planner import IdentifiedPlanner, reject
from braze_runner.plan.rows import Identifiers, Reject, Row, kind_of, value_of

# Kind of identifier -> name of the list in a group object (Braze: POST /v2/subscription/status/set).
_LISTS = {"external_id": b"external_ids", "email": b"emails", "phone": b"phones"}


class SubscriptionPlanner(IdentifiedPlanner):
    """Plans a subscription_groups sync; a request is about one group, one state and one kind of identifier."""

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan the state of one user in one group."""
        kind, problem = kind_of(identifiers)
        parsed: Any = None
        if not problem:
            problem = "" if kind in _LISTS else "identifier_not_supported"
        if not problem:
            parsed, problem = parse(payload)
        if not problem and not _has_texts(parsed, "subscription_group_id", "subscription_state"):
            problem = "payload_incomplete"
        if problem:
            return reject(braze_row, identifiers, payload, problem)
        envelope = _group_envelope(kind, parsed["subscription_group_id"], parsed["subscription_state"])
        value = value_of(kind, identifiers)
        named = b'"' + kind.encode() + b'":' + value
        return Row(braze_row, named, payload, value, envelope, _LISTS[kind])


class EmailStatusPlanner(IdentifiedPlanner):
    """Plans an email_status sync; a request is about one state."""

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan the state of one address."""
        kind, problem = kind_of(identifiers)
        parsed: Any = None
        if not problem:
            problem = "" if kind == "email" else "identifier_not_supported"
        if not problem:
            parsed, problem = parse(payload)
        if not problem and not _has_texts(parsed, "subscription_state"):
            problem = "payload_incomplete"
        if problem:
            return reject(braze_row, identifiers, payload, problem)
        value = value_of(kind, identifiers)
        envelope = _state_envelope(parsed["subscription_state"])
        return Row(braze_row, b'"email":' + value, payload, value, envelope, b"email")


def _has_texts(parsed: dict[str, Any], *keys: str) -> bool:
    return all(isinstance(parsed.get(key), str) and parsed[key] for key in keys)


# One envelope for each kind, group and state: as many as a workspace has groups, unless a column holds something
# else. One that was forgotten is made anew, and its rows go into a request of their own.
@lru_cache(1_024)
def _group_envelope(kind: str, group_id: str, state: str) -> Envelope:  # noqa: ARG001 (kinds must not be mixed)
    group = orjson.dumps({"subscription_group_id": group_id, "subscription_state": state})
    return Envelope(SUBSCRIPTION, SUBSCRIPTION.path, b'{"subscription_groups":[' + group[:-1] + b",", b"}]}")


@lru_cache(1_024)
def _state_envelope(state: str) -> Envelope:
    return Envelope(EMAIL_STATUS, EMAIL_STATUS.path, b'{"subscription_state":' + orjson.dumps(state) + b",")
