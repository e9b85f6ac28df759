"""Aliases, identifies, merges, renames, removals: a payload is one object of the endpoint's list."""

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from braze_runner.plan.endpoints import (
    ALIAS_NEW,
    ALIAS_UPDATE,
    IDENTIFY,
    MERGE,
    REMOVE,
    RENAME,
    Endpoint,
    Envelope,
)
from braze_runner.plan.payloads import parse
from braze_runner.plan.planner import Planner, bytes_of, texts_of
from braze_runner.plan.rows import REASONS, Reject, Row

# Type of sync -> endpoint, and the keys that an object has to have, with their types.
ACTIONS: dict[str, tuple[Endpoint, dict[str, type]]] = {
    "aliases": (ALIAS_NEW, {"alias_name": str, "alias_label": str}),
    "alias_updates": (ALIAS_UPDATE, {"alias_label": str, "old_alias_name": str, "new_alias_name": str}),
    "identifies": (IDENTIFY, {"external_id": str}),
    "merges": (MERGE, {"identifier_to_merge": dict, "identifier_to_keep": dict}),
    "external_id_renames": (RENAME, {"current_external_id": str, "new_external_id": str}),
    "external_id_removals": (REMOVE, {"external_id": str}),
}
# How a user of an identify is named -> the list that the object goes to, and the type of the name (Braze: POST
# /users/identify).
_IDENTIFIED_BY: dict[str, tuple[bytes, type]] = {
    "user_alias": (b"aliases_to_identify", dict),
    "email": (b"emails_to_identify", str),
    "phone": (b"phone_numbers_to_identify", str),
}


class ActionPlanner(Planner):
    """Plans one of the syncs of ``ACTIONS``."""

    def __init__(self, sync_type: str) -> None:
        endpoint, self._keys = ACTIONS[sync_type]
        self._envelope = Envelope(endpoint, endpoint.path)
        self._type = sync_type

    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan a batch row by row."""
        rows, payloads = texts_of(batch, "braze_row"), bytes_of(batch, "payload")
        return [self.plan_row(braze_row, payload) for braze_row, payload in zip(rows, payloads, strict=True)]

    def plan_row(self, braze_row: str, payload: bytes | None) -> Row | Reject:
        """Plan one action."""
        parsed, problem = parse(payload)
        array = b"" if problem else self._array(parsed)
        if not problem and not (array and self._is_complete(parsed)):
            problem = "payload_incomplete"
        if problem or payload is None:
            return Reject(braze_row, b"{}", payload, problem, REASONS[problem])
        # The list of ids to remove holds the ids alone.
        body = orjson.dumps(parsed["external_id"]) if self._type == "external_id_removals" else payload
        return Row(braze_row, b"", payload, body, self._envelope, array)

    def _array(self, parsed: dict[str, Any]) -> bytes:
        if self._type != "identifies":
            return self._envelope.endpoint.arrays[0]
        named = [key for key in _IDENTIFIED_BY if parsed.get(key)]
        array, kind = _IDENTIFIED_BY[named[0]] if len(named) == 1 else (b"", dict)
        return array if array and isinstance(parsed[named[0]], kind) else b""

    def _is_complete(self, parsed: dict[str, Any]) -> bool:
        return all(isinstance(parsed.get(key), kind) and parsed[key] for key, kind in self._keys.items())
