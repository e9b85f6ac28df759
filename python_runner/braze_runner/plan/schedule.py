"""In which order pending batches go to Braze, so that each user's changes keep theirs (R2)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

from braze_runner.plan.endpoints import ORDER

# Types that are packed into the same requests: within one, Braze applies attributes, then events, then purchases.
TRACKED = ("attributes", "events", "purchases")
# Types about items of catalogs; every other type is about users.
_ITEMS = ("catalog_items",)


class Pending(Protocol):
    """A batch of a sync that the destination has not acknowledged."""

    @property
    def batch(self) -> str:
        """Id of the dbt run that wrote it, or of the table where no dbt run is known."""

    @property
    def type(self) -> str:
        """Type of the sync."""

    @property
    def written_at(self) -> dt.datetime:
        """First stamp of the batch, UTC."""

    @property
    def updates_only(self) -> bool:
        """Whether Braze drops its objects for users whom it does not have."""


P = TypeVar("P", bound=Pending)


@dataclass(slots=True)
class Step(Generic[P]):
    """Batches that may go out together; the step before in the same lane has to be accepted and applied.

    With ``joins_next`` a request that is not full yet is kept for the next step, whose objects Braze applies
    after those that are in it.
    """

    lane: str
    batches: list[P] = field(default_factory=list)
    joins_next: bool = False


def steps_of(pending: Iterable[P]) -> list[Step[P]]:
    """Order pending batches: dbt runs by their first stamp, and in each the types by ``ORDER``.

    Attributes that never create a user wait for those that do: Braze drops them without a word, and promises no
    order of objects of one array (POST /users/track).
    """
    runs: dict[str, list[P]] = {}
    for each in pending:
        runs.setdefault(each.batch, []).append(each)
    steps: list[Step[P]] = []
    for _, batches in sorted(runs.items(), key=lambda run: (min(each.written_at for each in run[1]), run[0])):
        steps += _steps_of_run(batches)
    return steps


def _steps_of_run(batches: Sequence[P]) -> list[Step[P]]:
    steps = []
    for sync_type in ORDER:
        lane = "items" if sync_type in _ITEMS else "users"
        parts: tuple[list[P], list[P]] = [], []
        for each in batches:
            if each.type == sync_type:
                parts[sync_type == "attributes" and each.updates_only].append(each)
        steps += [Step(lane, part) for part in parts if part]
    for step, following in pairwise(steps):
        types = [step.batches[0].type, following.batches[0].type]
        step.joins_next = types[0] != types[1] and all(type_ in TRACKED for type_ in types)
    return steps
