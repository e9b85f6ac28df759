"""What may be sent again of rejected rows, and never an old value over a new one (R11)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from braze_runner.engine.deletions import Deletions
from braze_runner.engine.past import Past
from braze_runner.engine.reader import SyncTable
from braze_runner.plan.remainder import remainder
from braze_runner.project import Sync
from braze_runner.state import OpenReject, State

T = TypeVar("T")

# Rejects that are looked up in the table at once.
PAGE = 500
NEWER = "newer_row"
"""The problem of a reject that a later row replaces, or whose user was deleted since: it is settled unsent."""
# Types of which each row stands for itself: it is sent as it was, whatever came later.
_AS_THEY_WERE = (
    "events",
    "purchases",
    "aliases",
    "alias_updates",
    "identifies",
    "merges",
    "external_id_renames",
    "external_id_removals",
)


class Candidate(NamedTuple):
    """A reject with its row as it may be sent now, or the reason why it must not be."""

    reject: OpenReject
    row: dict[str, Any]
    problem: str = ""


class Candidates:
    """What may be sent again of one sync's rejects, by what its table says."""

    def __init__(self, deletions: Deletions, past: Past, state: State, sync: Sync, table: SyncTable) -> None:
        self._deletions = deletions
        self._past = past
        self._state = state
        self._sync = sync
        self._table = table
        if table.has_bookkeeping:
            self._remedy = "use braze_reemit"
            self._gone = f"its batch was pruned, so nobody knows what came later: {self._remedy}"
        else:
            self._remedy = "add a row with the current value"
            self._gone = f"the table has its row no more, so nobody knows what came later: {self._remedy}"

    def of(self, rejects: Iterable[OpenReject]) -> Iterator[Candidate]:
        """Yield each reject with what is left of it."""
        for page in batched(rejects, PAGE):
            places = [self._past.place(reject) for reject in page]
            void = self._void({row for _, row in places})
            for reject, place, (own, later) in zip(page, places, self._past.of(page), strict=True):
                yield Candidate(reject, {}, NEWER) if place in void else self._judge(reject, own, later)

    def _void(self, keys: set[str]) -> set[tuple[Any, str]]:
        """Return the places of rows that a deletion has made void, and of deletions whose user came back.

        A user who came back has all attributes in the rows since: what they lack, the user has no more.
        """
        deleted = self._deletions.after_rows(self._table, keys)
        if self._sync.type == "attributes":
            return deleted | self._deletions.done_after(self._table, keys, self._state.dropped_deletions)
        if self._sync.type == "deletes":
            return deleted | self._deletions.before_returns(self._table, keys)
        return deleted

    def _judge(
        self, reject: OpenReject, own: dict[str, Any] | None, later: list[dict[str, Any]]
    ) -> Candidate:
        if own is None:
            return Candidate(reject, {}, self._gone)
        if self._sync.type in _AS_THEY_WERE or not later:
            return Candidate(reject, own)
        if self._sync.type != "attributes":
            return Candidate(reject, {}, NEWER)
        try:
            merges = self._sync.merge_objects is True
            left = remainder(own["payload"] or "", [row["payload"] or "" for row in later], merges=merges)
        except ValueError:
            # What is no JSON object was rejected for that, and is again.
            return Candidate(reject, own)
        if left.lost:
            # Sending the rest would settle a row of which something is still missing.
            problem = f"later rows build on {', '.join(left.lost)}: {self._remedy}"
            return Candidate(reject, {}, problem)
        return (
            Candidate(reject, own | {"payload": left.payload})
            if left.payload
            else Candidate(reject, {}, NEWER)
        )


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of so many items."""
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page
