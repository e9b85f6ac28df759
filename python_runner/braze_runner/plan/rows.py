"""One row of a sync table: an object to send, or a reject with its reason."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from braze_runner import limits
from braze_runner.plan.datapoints import data_points

# Reason -> the sentence that goes to the rejects table. Codes are stable; neither holds a value of the row.
REASONS = {
    "no_identifier": "The row has no identifier.",
    "several_identifiers": "The row has more than one kind of identifier.",
    "incomplete_alias": "The row has an alias_name without an alias_label, or the other way round.",
    "external_id_too_long": f"external_id is longer than {limits.EXTERNAL_ID_BYTES} bytes.",
    "alias_too_long": f"alias_name or alias_label is longer than {limits.ALIAS_BYTES} bytes.",
    "duplicate_row": "An earlier row of the same batch has the same braze_row.",
    "payload_missing": "PAYLOAD is null.",
    "payload_too_large": f"PAYLOAD is larger than {limits.PAYLOAD_BYTES} bytes.",
    "payload_not_json": "PAYLOAD is not valid JSON.",
    "payload_not_object": "PAYLOAD is not a JSON object.",
    "payload_empty": "PAYLOAD holds no attribute.",
    "too_many_keys": f"PAYLOAD has more than {limits.PAYLOAD_KEYS} keys.",
    "identifier_in_payload": "PAYLOAD repeats an identifier.",
    "setting_in_payload": "PAYLOAD holds _update_existing_only, which the model's meta sets too.",
}

_AS_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


class Row(NamedTuple):
    """A row that can be sent: its place in the batch, its parts, and the object as it goes to Braze."""

    braze_row: str
    identifier: bytes
    payload: bytes
    object: bytes
    attributes: int
    data_points: int


class Reject(NamedTuple):
    """A row that will not be sent, or that Braze refused; ``http_status`` is None in the first case."""

    braze_row: str
    identifier: bytes
    payload: bytes | None
    reason: str
    message: str
    http_status: int | None = None
    request_number: int | None = None


class Identifiers(NamedTuple):
    """The identifier columns of one row; None or empty when the row does not use that kind."""

    external_id: str | None = None
    alias_name: str | None = None
    alias_label: str | None = None
    braze_id: str | None = None
    email: str | None = None
    phone: str | None = None


class RowPlanner:
    """Plans the rows of one attributes sync."""

    def __init__(self, *, update_existing_only: bool | None = None) -> None:
        self._setting = b""
        self._settings: frozenset[str] = frozenset()
        if update_existing_only is not None:
            self._setting = b'"_update_existing_only":' + orjson.dumps(update_existing_only) + b","
            self._settings = frozenset({"_update_existing_only"})

    def plan_batch(self, batch: pa.RecordBatch) -> Iterator[Row | Reject]:
        """Plan an Arrow batch with the columns braze_row, payload and any of the identifiers."""
        nothing = [None] * batch.num_rows
        columns = {
            name.lower(): column for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
        identifiers = [
            columns[name].to_pylist() if name in columns else nothing for name in Identifiers._fields
        ]
        rows = columns["braze_row"].to_pylist()
        # As bytes: they go to the wire as they are, and the JSON parser checks their encoding.
        payloads = columns["payload"].view(_AS_BYTES[columns["payload"].type]).to_pylist()
        plan_row = self.plan_row
        for braze_row, payload, *values in zip(rows, payloads, *identifiers, strict=True):
            yield plan_row(braze_row, Identifiers(*values), payload)

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan one row; the payload's own bytes are part of the object, never re-encoded."""
        kind, problem = _identifier_kind(identifiers)
        parsed: Any = None
        if not problem:
            parsed, problem = _parse(payload)
        if not problem:
            problem = self._check_keys(kind, parsed)
        if problem or payload is None:
            return Reject(braze_row, describe(identifiers), payload, problem, REASONS[problem])
        identifier = _identifier_json(kind, identifiers)
        body = b"{" + identifier + b"," + self._setting + payload[payload.index(b"{") + 1 :]
        return Row(braze_row, b"{" + identifier + b"}", payload, body, len(parsed), data_points(parsed))

    def _check_keys(self, kind: str, parsed: dict[str, Any]) -> str:
        """Return the problem with the payload's keys, or an empty text."""
        if len(parsed) > limits.PAYLOAD_KEYS:
            return "too_many_keys"
        if not limits.IDENTIFIER_KEYS.isdisjoint(parsed):
            return "identifier_in_payload"
        if self._settings and not self._settings.isdisjoint(parsed):
            return "setting_in_payload"
        # Braze looks a user up by email before phone, so an email in the payload would name another user.
        if (kind in ("email", "phone") and kind in parsed) or (kind == "phone" and "email" in parsed):
            return "identifier_in_payload"
        return ""


def describe(identifiers: Identifiers) -> bytes:
    """Return the identifiers that are present as a JSON object."""
    return orjson.dumps({name: value for name, value in identifiers._asdict().items() if value})


def _identifier_kind(identifiers: Identifiers) -> tuple[str, str]:
    """Return (kind, problem); one of the two is empty."""
    external_id, alias_name, alias_label, braze_id, email, phone = identifiers
    if external_id and not (alias_name or alias_label or braze_id or email or phone):
        too_long = len(external_id.encode()) > limits.EXTERNAL_ID_BYTES
        return ("", "external_id_too_long") if too_long else ("external_id", "")
    has_alias = bool(alias_name or alias_label)
    present = {"external_id": external_id, "user_alias": has_alias, "braze_id": braze_id}
    kinds = [kind for kind, value in (present | {"email": email, "phone": phone}).items() if value]
    if len(kinds) != 1:
        return "", "several_identifiers" if kinds else "no_identifier"
    if has_alias and not (alias_name and alias_label):
        return "", "incomplete_alias"
    if (
        has_alias
        and max(len((part or "").encode()) for part in (alias_name, alias_label)) > limits.ALIAS_BYTES
    ):
        return "", "alias_too_long"
    return kinds[0], ""


def _identifier_json(kind: str, identifiers: Identifiers) -> bytes:
    """Return ``"external_id":"…"`` or its like."""
    if kind == "external_id":
        return b'"external_id":' + orjson.dumps(identifiers.external_id)
    if kind == "user_alias":
        alias = {"alias_name": identifiers.alias_name, "alias_label": identifiers.alias_label}
        return b'"user_alias":' + orjson.dumps(alias)
    return b'"' + kind.encode() + b'":' + orjson.dumps(getattr(identifiers, kind))


def _parse(payload: bytes | None) -> tuple[Any, str]:
    """Return (parsed, problem) of a payload."""
    if payload is None:
        return None, "payload_missing"
    if len(payload) > limits.PAYLOAD_BYTES:
        return None, "payload_too_large"
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None, "payload_not_json"
    if type(parsed) is not dict:
        return None, "payload_not_object"
    return parsed, "" if parsed else "payload_empty"
