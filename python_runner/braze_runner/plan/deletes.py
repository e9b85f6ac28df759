"""Deletions of users: one kind of identifier a request."""

from typing import ClassVar

from braze_runner.plan.endpoints import DELETE, Envelope
from braze_runner.plan.planner import IdentifiedPlanner, reject
from braze_runner.plan.rows import Identifiers, Reject, Row, kind_of, value_of

# Kind of identifier -> name of its list (Braze: POST /users/delete). Its page has email and phone too, which the
# tables of Cloud Data Ingestion have not.
_LISTS = {"external_id": b"external_ids", "user_alias": b"user_aliases", "braze_id": b"braze_ids"}


class DeletesPlanner(IdentifiedPlanner):
    """Plans a deletes sync, whose table has no payload."""

    columns: ClassVar[tuple[str, ...]] = Identifiers._fields
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self._envelopes = {kind: Envelope(DELETE, DELETE.path) for kind in _LISTS}

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan one deletion."""
        kind, problem = kind_of(identifiers)
        if not problem and kind not in _LISTS:
            problem = "identifier_not_supported"
        if problem:
            return reject(braze_row, identifiers, payload, problem)
        value = value_of(kind, identifiers)
        named = b'"' + kind.encode() + b'":' + value
        return Row(braze_row, named, None, value, self._envelopes[kind], _LISTS[kind])
