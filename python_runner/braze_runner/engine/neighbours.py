"""Rows of one user, which come one after the other: their keys, and fewer of them where the newest decides."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from braze_runner.engine.reader import ARROW_ROWS
from braze_runner.plan.newest import Fold
from braze_runner.plan.planner import bytes_of

_TEXTS = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


class Neighbours:
    """Batches with the columns user_key and stamp, ordered by both, in which ``braze_row`` takes their place.

    The stamp's text is put in as the time of an event, too. Rows up to ``mark`` are left out; a ``fold`` of None
    keeps all others.
    """

    def __init__(self, identifiers: Sequence[str], fold: Fold | None, mark: str) -> None:
        self._identifiers = identifiers
        self._fold = fold
        self._mark = mark
        self._last = ""
        self._number = 0

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what is left of the batches; only the rows of one user are ever kept waiting."""
        kept: list[pa.RecordBatch] = []
        for batch in batches:
            keyed = self._keyed(batch)
            if self._fold is None:
                yield keyed
                continue
            whole = _joined([*kept, keyed])
            users = whole.column("user_key").to_pylist()
            if not users:
                continue
            start = users.index(users[-1])
            yield self._folded(whole.slice(0, start))
            last = self._folded(whole.slice(start))
            kept = [last] if last.num_rows <= ARROW_ROWS else []
            if not kept:
                yield last
        yield from kept

    def _keyed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        stamps = pc.strftime(batch.column("stamp").cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")
        keys = []
        for user, stamp in zip(batch.column("user_key").to_pylist(), stamps.to_pylist(), strict=True):
            place = f"{user}/{stamp}"
            self._number = self._number + 1 if place == self._last else 1
            self._last = place
            keys.append(f"{place}/{self._number:06}")
        times = pc.binary_join_element_wise(stamps, "Z", "")
        names = [name for name in batch.schema.names if name != "stamp"]
        columns = [pa.array(keys, pa.string()), times, *(batch.column(name) for name in names)]
        keyed = pa.RecordBatch.from_arrays(columns, names=["braze_row", "time_of_row", *names])
        if not self._mark or not keys or keys[0] > self._mark:
            return keyed
        return keyed.filter(pa.array([key > self._mark for key in keys]))

    def _folded(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        users = batch.column("user_key").to_pylist()
        if self._fold is None or len(set(users)) == len(users):
            return batch
        payloads = bytes_of(batch, "payload")
        places: list[int] = []
        texts: list[bytes | None] = []
        for _, group in groupby(range(len(users)), key=users.__getitem__):
            rows = list(group)
            of_user = [payloads[row] for row in rows]
            folded = self._fold(of_user) if self._is_named(batch, rows[0]) else list(enumerate(of_user))
            for place, payload in folded:
                places.append(rows[place])
                texts.append(payload)
        left = batch.take(pa.array(places, pa.int64()))
        if "payload" not in batch.schema.names:
            return left
        index = batch.schema.get_field_index("payload")
        type_ = batch.schema.field(index).type
        column = pa.array(texts, _TEXTS[type_]).view(type_)
        return left.set_column(index, batch.schema.field(index), column)

    def _is_named(self, batch: pa.RecordBatch, row: int) -> bool:
        """Say whether the row says at all whom it is about; rows that don't are rejected one by one."""
        return any(batch.column(name)[row].is_valid for name in self._identifiers)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).combine_chunks()
    return (table.to_batches() or [batches[0].slice(0, 0)])[0]
