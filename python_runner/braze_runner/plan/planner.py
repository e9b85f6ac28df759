"""What every planner does: Arrow columns to rows, one row at a time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
import pyarrow as pa

from braze_runner.plan.rows import REASONS, Identifiers, Reject, Row

_AS_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


class Planner(ABC):
    """Plans the rows of one sync."""

    columns: ClassVar[tuple[str, ...]] = ("payload",)
    """Columns that it reads beside ``braze_row``, in lower case; those that a table lacks count as null."""
    required: ClassVar[tuple[str, ...]] = ("payload",)
    """Those of them that the table has to have."""

    @abstractmethod
    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan an Arrow batch with the column braze_row and any of ``columns``, all text but ``deleted``."""


class IdentifiedPlanner(Planner):
    """Plans rows that say by an identifier column whom they are about."""

    columns: ClassVar[tuple[str, ...]] = (*Identifiers._fields, "payload")

    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan a batch row by row."""
        rows = texts_of(batch, "braze_row")
        identifiers = [texts_of(batch, name) for name in Identifiers._fields]
        payloads = bytes_of(batch, "payload")
        return [
            self._plan(braze_row, Identifiers(*values), payload)
            for braze_row, payload, *values in zip(rows, payloads, *identifiers, strict=True)
        ]

    @abstractmethod
    def plan_row(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        """Plan one row; the payload's own bytes are part of the object, never re-encoded (R10)."""

    def _plan(self, braze_row: str, identifiers: Identifiers, payload: bytes | None) -> Row | Reject:
        try:
            return self.plan_row(braze_row, identifiers, payload)
        except (UnicodeEncodeError, orjson.JSONEncodeError):
            return reject(
                braze_row, Identifiers(*map(_readable, identifiers)), payload, "identifier_not_text"
            )


def texts_of(batch: pa.RecordBatch, name: str) -> list[Any]:
    """Return a text column's values; bytes that are no UTF-8 become lone surrogates, which no JSON can hold."""
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = [value and value.decode(errors="surrogateescape") for value in _as_bytes(column)]
    return values


def bytes_of(batch: pa.RecordBatch, name: str) -> list[Any]:
    """Return a text column's bytes: they go to the wire as they are, and a JSON parser checks their encoding."""
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    return _as_bytes(batch.column(name))


def _as_bytes(column: Any) -> list[Any]:
    values: list[Any] = column.view(_AS_BYTES[column.type]).to_pylist()
    return values


def reject(braze_row: str, identifiers: Identifiers, payload: bytes | None, reason: str) -> Reject:
    """Make a reject of a row as it was read."""
    shown = {name: value for name, value in identifiers._asdict().items() if value}
    return Reject(braze_row, orjson.dumps(shown), payload, reason, REASONS[reason])


def _readable(text: str | None) -> str | None:
    return text and text.encode(errors="surrogateescape").decode(errors="backslashreplace")
