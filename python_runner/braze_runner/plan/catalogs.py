"""Catalog items: written as a whole, or deleted."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
import pyarrow as pa

from braze_runner import limits
from braze_runner.plan.endpoints import CATALOG_DELETE, CATALOG_UPSERT, Endpoint, Envelope
from braze_runner.plan.payloads import members_of, parse
from braze_runner.plan.planner import Planner, bytes_of, texts_of
from braze_runner.plan.rows import REASONS, Reject, Row

# What a column of another type than boolean says of a deleted item; anything else is not deleted.
_DELETED = frozenset({True, "true", "t", "1"})
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.CATALOG_NAME_CHARS}}}")


class CatalogPlanner(Planner):
    """Plans a catalog_items sync."""

    columns: ClassVar[tuple[str, ...]] = ("id", "payload", "deleted")
    required: ClassVar[tuple[str, ...]] = ("id", "payload")

    def __init__(self, catalog: str) -> None:
        def envelope(endpoint: Endpoint) -> Envelope:
            return Envelope(endpoint, endpoint.path.format(quote(catalog, safe="")))

        self._upsert, self._delete = envelope(CATALOG_UPSERT), envelope(CATALOG_DELETE)

    def plan_batch(self, batch: pa.RecordBatch) -> Sequence[Row | Reject]:
        """Plan a batch row by row."""
        rows, ids, payloads = texts_of(batch, "braze_row"), texts_of(batch, "id"), bytes_of(batch, "payload")
        has_deleted = "deleted" in batch.schema.names
        flags = batch.column("deleted").to_pylist() if has_deleted else [None] * batch.num_rows
        return [
            self.plan_row(braze_row, item_id, payload, deleted=_is_deleted(flag))
            for braze_row, item_id, payload, flag in zip(rows, ids, payloads, flags, strict=True)
        ]

    def plan_row(
        self, braze_row: str, item_id: str | None, payload: bytes | None, *, deleted: bool
    ) -> Row | Reject:
        """Plan one item."""
        if not item_id or not _ID.fullmatch(item_id):
            shown = (item_id or "").encode(errors="surrogateescape").decode(errors="backslashreplace")
            problem, named = "bad_item_id", orjson.dumps({"id": shown})
            return Reject(braze_row, named, payload, problem, REASONS[problem])
        member = b'"id":' + orjson.dumps(item_id)
        named = b"{" + member + b"}"
        if deleted:
            return Row(braze_row, member, payload, named, self._delete, b"items")
        parsed, problem = parse(payload)
        if not problem and "id" in parsed:
            problem = "identifier_in_payload"
        if problem or payload is None:
            return Reject(braze_row, named, payload, problem, REASONS[problem])
        body = b"{" + member + b"," + members_of(payload) if parsed else named
        return Row(braze_row, member, payload, body, self._upsert, b"items")


def _is_deleted(flag: Any) -> bool:
    return (flag.strip().lower() if isinstance(flag, str) else flag) in _DELETED
