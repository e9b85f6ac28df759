"""Attributes, events and purchases: objects of ``/users/track``."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from braze_runner import limits
from braze_runner.plan.endpoints import Envelope
from braze_runner.plan.payloads import data_points, is_repeatable, members_of, parse
from braze_runner.plan.planner import IdentifiedPlanner, bytes_of, reject, texts_of
from braze_runner.plan.rows import Identifiers, Reject, Row, kind_of, value_of

# An external_id of so many characters has no more bytes than Braze takes.
_SHORT_ID = limits.EXTERNAL_ID_BYTES // 4


class AttributesPlanner(IdentifiedPlanner):
    """Plans an attributes sync; ``settings`` are the model's own, such as ``_update_existing_only``."""

    def __init__(self, envelope: Envelope, settings: dict[str, bool] | None = None) -> None:
        self._envelope = envelope
        self._settings = frozenset(settings or ())
        self._written = _written(settings)

    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan a batch; rows by external_id with a flat payload, which most are, take a shorter way."""
        others = [name for name in Identifiers._fields[1:] if name in batch.schema.names]
        if "external_id" not in batch.schema.names or any(
            batch.column(name).null_count < batch.num_rows for name in others
        ):
            return super().plan_batch(batch)
        columns = (texts_of(batch, "braze_row"), texts_of(batch, "external_id"), bytes_of(batch, "payload"))
        envelope, head = self._envelope, b"," + self._written
        special = limits.IDENTIFIER_KEYS | limits.UNBILLED_KEYS | self._settings
        planned: list[Row | Reject] = []
        add, loads, dumps, new = planned.append, orjson.loads, orjson.dumps, tuple.__new__
        most_keys = limits.PAYLOAD_KEYS
        for braze_row, external_id, payload in zip(*columns, strict=True):
            if (
                external_id
                and payload
                and len(external_id) <= _SHORT_ID
                and payload[:1] == b"{"
                # No braces and brackets inside: neither objects nor operators, each key one data point.
                and payload.find(b"{", 1) < 0
                and payload.find(b"[") < 0
                and len(payload) <= limits.PAYLOAD_BYTES
            ):
                try:
                    parsed = loads(payload)
                    keys = len(parsed)
                    if 0 < keys <= most_keys and special.isdisjoint(parsed):
                        named = b'"external_id":' + dumps(external_id)
                        body = b"{" + named + head + payload[1:]
                        row = (braze_row, named, payload, body, envelope, b"attributes", keys, keys, True)
                        add(new(Row, row))
                        continue
                except (orjson.JSONDecodeError, orjson.JSONEncodeError):
                    pass
            add(self._plan(braze_row, Identifiers(external_id), payload))
        return planned

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan one row of any kind."""
        kind, problem = kind_of(identifiers)
        parsed: Any = None
        if not problem:
            parsed, problem = parse(payload)
        problem = problem or self._problem_with_keys(kind, parsed)
        if problem or payload is None:
            return reject(braze_row, identifiers, payload, problem)
        named = b'"' + kind.encode() + b'":' + value_of(kind, identifiers)
        body = b"{" + named + b"," + self._written + members_of(payload)
        cost, repeatable = data_points(parsed), is_repeatable(parsed)
        return Row(
            braze_row, named, payload, body, self._envelope, b"attributes", len(parsed), cost, repeatable
        )

    def _problem_with_keys(self, kind: str, parsed: dict[str, Any]) -> str:
        if not parsed:
            return "payload_empty"
        if len(parsed) > limits.PAYLOAD_KEYS:
            return "too_many_keys"
        if not limits.IDENTIFIER_KEYS.isdisjoint(parsed):
            return "identifier_in_payload"
        if not self._settings.isdisjoint(parsed):
            return "setting_in_payload"
        # Braze looks a user up by email before phone, so an email in the payload would name another user.
        if (kind in ("email", "phone") and kind in parsed) or (kind == "phone" and "email" in parsed):
            return "identifier_in_payload"
        return ""


class ActivityPlanner(IdentifiedPlanner):
    """Plans an events or a purchases sync: each row is something that happened, and counts every time it arrives.

    In a table without the column ``time_of_row`` a payload has to have a ``time``; else that column, an ISO 8601
    text, stands in for it, as in Cloud Data Ingestion.
    """

    columns: ClassVar[tuple[str, ...]] = (*IdentifiedPlanner.columns, "time_of_row")

    def __init__(self, array: str, envelope: Envelope, settings: dict[str, bool] | None = None) -> None:
        self._array = array.encode()
        self._envelope = envelope
        self._settings = frozenset(settings or ())
        self._written = _written(settings)
        self._is_complete = COMPLETE[array]
        self._time = b""

    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan a batch row by row, each with the time at which it was written, if the table has one."""
        rows = texts_of(batch, "braze_row")
        identifiers = [texts_of(batch, name) for name in Identifiers._fields]
        payloads, times = bytes_of(batch, "payload"), texts_of(batch, "time_of_row")
        planned = []
        for braze_row, payload, time, *values in zip(rows, payloads, times, *identifiers, strict=True):
            self._time = b'"time":' + orjson.dumps(time) + b"," if time else b""
            planned.append(self._plan(braze_row, Identifiers(*values), payload))
        return planned

    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan one event or purchase."""
        kind, problem = kind_of(identifiers)
        parsed: Any = None
        if not problem:
            parsed, problem = parse(payload)
        problem = problem or self._problem(parsed)
        if problem or payload is None:
            return reject(braze_row, identifiers, payload, problem)
        named = b'"' + kind.encode() + b'":' + value_of(kind, identifiers)
        time = b"" if "time" in parsed else self._time
        body = b"{" + named + b"," + self._written + time + members_of(payload)
        quantity = parsed.get("quantity", 1) if self._array == b"purchases" else 1
        return Row(braze_row, named, payload, body, self._envelope, self._array, 0, quantity, False)

    def _problem(self, parsed: dict[str, Any]) -> str:
        if not limits.IDENTIFIER_KEYS.isdisjoint(parsed) or "email" in parsed or "phone" in parsed:
            return "identifier_in_payload"
        if not self._settings.isdisjoint(parsed):
            return "setting_in_payload"
        timed = _is_text(parsed["time"]) if "time" in parsed else bool(self._time)
        return "" if timed and self._is_complete(parsed) else "payload_incomplete"


def _written(settings: dict[str, bool] | None) -> bytes:
    """Return settings as members of a JSON object, each with a comma behind it."""
    return b"".join(
        orjson.dumps(name) + b":" + orjson.dumps(value) + b"," for name, value in (settings or {}).items()
    )


def _is_event(parsed: dict[str, Any]) -> bool:
    """Braze: Event object, required fields."""
    return _is_text(parsed.get("name"))


def _is_purchase(parsed: dict[str, Any]) -> bool:
    """Braze: Purchase object, required fields; a quantity is a whole number from 1 to 100."""
    price, quantity = parsed.get("price"), parsed.get("quantity", 1)
    return (
        _is_text(parsed.get("product_id"))
        and _is_text(parsed.get("currency"))
        and isinstance(price, int | float)
        and not isinstance(price, bool)
        and type(quantity) is int
        and 1 <= quantity <= limits.PURCHASE_QUANTITY
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


COMPLETE: dict[str, Callable[[dict[str, Any]], bool]] = {"events": _is_event, "purchases": _is_purchase}
