"""What becomes of one row of a sync table: an object to send, or a reject with its reason."""

from typing import NamedTuple

import orjson

from braze_runner import limits
from braze_runner.plan.endpoints import Envelope

# Reason -> the sentence that goes to the rejects table. Codes are stable; neither holds a value of the row.
REASONS = {
    "no_identifier": "The row has no identifier.",
    "several_identifiers": "The row has more than one kind of identifier.",
    "incomplete_alias": "The row has an alias_name without an alias_label, or the other way round.",
    "identifier_not_text": "An identifier is not valid UTF-8.",
    "identifier_not_supported": "This endpoint does not take this kind of identifier.",
    "external_id_too_long": f"external_id is longer than {limits.EXTERNAL_ID_BYTES} bytes.",
    "alias_too_long": f"alias_name or alias_label is longer than {limits.ALIAS_BYTES} bytes.",
    "duplicate_row": "An earlier row of the same batch has the same braze_row.",
    "payload_missing": "PAYLOAD is null.",
    "payload_too_large": f"PAYLOAD is larger than {limits.PAYLOAD_BYTES} bytes.",
    "payload_not_json": "PAYLOAD is not valid JSON.",
    "payload_not_object": "PAYLOAD is not a JSON object.",
    "payload_empty": "PAYLOAD holds no attribute.",
    "payload_incomplete": "PAYLOAD lacks a key that this kind of sync needs, or has another type there.",
    "too_many_keys": f"PAYLOAD has more than {limits.PAYLOAD_KEYS} keys.",
    "identifier_in_payload": "PAYLOAD repeats an identifier.",
    "setting_in_payload": "PAYLOAD holds a setting that the model's meta sets too.",
    "bad_item_id": f"ID is not 1 to {limits.CATALOG_NAME_CHARS} letters, digits, hyphens and underscores.",
    "user_returned": "The user has a later row, so the deletion was dropped.",
    "maybe_sent": "No answer of Braze is on record, so the object may have arrived or not.",
    "newer_row": "A later row replaces this one.",
}


class Row(NamedTuple):
    """A row that can be sent: its place in the batch, its parts, and the object as it goes to Braze.

    ``identifier`` holds the members of a JSON object, without its braces. A row that is not ``repeatable`` does
    something else when it arrives twice: an event, a purchase, an operator (R3).
    """

    braze_row: str
    identifier: bytes
    payload: bytes | None
    object: bytes
    envelope: Envelope
    array: bytes
    attributes: int = 0
    data_points: int = 0
    repeatable: bool = True


class Reject(NamedTuple):
    """A row that will not be sent, or that Braze refused; ``http_status`` is None in the first case.

    ``identifier`` is a JSON object.
    """

    braze_row: str
    identifier: bytes
    payload: bytes | None
    reason: str
    message: str
    http_status: int | None = None
    request_number: int | None = None


def rejected(
    row: Row, reason: str, message: str = "", status: int | None = None, number: int | None = None
) -> Reject:
    """Make a reject of a row that could have been sent."""
    return Reject(
        row.braze_row,
        b"{" + row.identifier + b"}",
        row.payload,
        reason,
        message or REASONS[reason],
        status,
        number,
    )


class Identifiers(NamedTuple):
    """The identifier columns of one row; None or empty when the row does not use that kind."""

    external_id: str | None = None
    alias_name: str | None = None
    alias_label: str | None = None
    braze_id: str | None = None
    email: str | None = None
    phone: str | None = None


def kind_of(identifiers: Identifiers) -> tuple[str, str]:
    """Return (kind, problem) of what identifies the row; one of the two is empty."""
    external_id, alias_name, alias_label, braze_id, email, phone = identifiers
    if external_id and not (alias_name or alias_label or braze_id or email or phone):
        too_long = len(external_id.encode()) > limits.EXTERNAL_ID_BYTES
        return ("", "external_id_too_long") if too_long else ("external_id", "")
    has_alias = bool(alias_name or alias_label)
    present = {"external_id": external_id, "user_alias": has_alias, "braze_id": braze_id}
    kinds = [kind for kind, value in (present | {"email": email, "phone": phone}).items() if value]
    if len(kinds) != 1:
        return "", "several_identifiers" if kinds else "no_identifier"
    if has_alias:
        parts = [part or "" for part in (alias_name, alias_label)]
        if not all(parts):
            return "", "incomplete_alias"
        if max(len(part.encode()) for part in parts) > limits.ALIAS_BYTES:
            return "", "alias_too_long"
    return kinds[0], ""


def value_of(kind: str, identifiers: Identifiers) -> bytes:
    """Return the identifier's value as JSON."""
    if kind == "user_alias":
        return orjson.dumps({"alias_name": identifiers.alias_name, "alias_label": identifiers.alias_label})
    return orjson.dumps(getattr(identifiers, kind))
