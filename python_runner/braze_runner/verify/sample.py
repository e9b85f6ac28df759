"""Draws users from the log of a sync, and says of each what the destination has acknowledged of it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from braze_runner.engine.candidates import batched
from braze_runner.engine.deletions import Deletions
from braze_runner.engine.history import History
from braze_runner.engine.inputs import Input
from braze_runner.engine.session import Place
from braze_runner.errors import ConfigError
from braze_runner.plan.rows import Identifiers, kind_of
from braze_runner.state import Position

_PAGE = 500
_KEY_BITS = 128


@dataclass(frozen=True)
class User:
    """One user of the sample; ``payloads`` are what was sent since the user was last deleted, oldest first.

    ``left_out`` says why the user can't be compared: pending, rejected, maybe_sent, deleted; empty for one that can.
    """

    key: str
    kind: str
    identifiers: Identifiers
    payloads: tuple[dict[str, Any], ...]
    left_out: str = ""

    @property
    def name(self) -> dict[str, str]:
        """Return what identifies the user, by Braze's names."""
        return {name: value for name, value in self.identifiers._asdict().items() if value}


class Sample:
    """Users of one attributes sync."""

    def __init__(self, place: Place, each: Input) -> None:
        self._warehouse, state = place.warehouse, place.state
        self._table = each.table
        self._name = each.sync.name
        self._history = History(place.warehouse, each.table, each.planner)
        self._deletions = Deletions(place.warehouse, place.project.syncs)
        self._rejects = {
            reject.braze_row: "maybe_sent" if reject.status == "unknown" else "rejected"
            for reject in state.open_rejects(each.sync.unique_id)
        }
        self._positions = state.positions(each.sync.unique_id)
        self._pending = each.reader.pending(self._positions)

    def draw(self, size: int, seed: int) -> Iterator[User]:
        """Yield so many users of whom something is acknowledged; raises ConfigError when there is none."""
        keys = self._draw_keys(size, seed)
        if not keys:
            raise ConfigError(f"Nothing of {self._name} is acknowledged yet, so there is nothing to compare.")
        for page in batched(keys, _PAGE):
            history, gone = self._history.of(page), self._deletions.before_deletions(self._table, page)
            for key in page:
                yield self._user(key, history[key], gone)

    def _draw_keys(self, size: int, seed: int) -> list[str]:
        """Return keys from a random place on, and from the beginning once the end is reached.

        Keys are hashes, so neighbours have nothing in common, and finding them needs no sort of the whole log.
        """
        start = self._warehouse.literal(f"{random.Random(seed).getrandbits(_KEY_BITS):032x}")  # noqa: S311
        keys: list[str] = []
        for half in (f"braze_row >= {start}", f"braze_row < {start}"):
            if len(keys) < size:
                rows = self._warehouse.fetch_all(
                    f"select distinct braze_row from {self._table.name} "  # noqa: S608 (quoted)
                    f"where {self._acknowledged()} and {half} order by braze_row limit {size - len(keys)}"
                )
                keys += [row[0] for row in rows]
        return keys

    def _acknowledged(self) -> str:
        """Return the condition on rows that the destination has acknowledged."""
        literal = self._warehouse.literal
        parts = [
            f"(braze_batch = {literal(batch.id)} and braze_row <= {literal(batch.position.mark)})"
            for batch in self._pending
            if batch.position.mark
        ]
        if any(position.done for position in self._positions.values()):
            listed = ", ".join(literal(batch.id) for batch in self._pending)
            parts.append(f"braze_batch not in ({listed})" if listed else "1 = 1")
        return f"({' or '.join(parts) or '1 = 0'})"

    def _user(self, key: str, rows: list[dict[str, Any]], gone: set[tuple[str, str]]) -> User:
        rows.sort(key=lambda row: (row["stamp"], row["braze_batch"]))
        identifiers = Identifiers(*(rows[-1].get(name) for name in Identifiers._fields))
        kind, _ = kind_of(identifiers)
        kept = [row for row in rows if (row["braze_batch"], key) not in gone]
        if not all(_has_ended(self._positions.get(row["braze_batch"]), key) for row in rows):
            left_out = "pending"
        elif key in self._rejects or not kind:
            left_out = self._rejects.get(key, "rejected")
        else:
            left_out = "" if kept else "deleted"
        payloads = () if left_out else tuple(_payloads(kept))
        return User(key, kind, identifiers, payloads, left_out)


def _has_ended(position: Position | None, key: str) -> bool:
    """Say whether a row was accepted, or is in the rejects."""
    if position is None:
        return False
    behind = any(each.after < key <= each.to for each in position.ended)
    return position.done or behind or (position.mark is not None and key <= position.mark)


def _payloads(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what was sent; a payload that is no JSON object never was."""
    for row in rows:
        try:
            payload = orjson.loads(row["payload"] or "")
        except orjson.JSONDecodeError:
            continue
        if isinstance(payload, dict):
            yield payload
