"""The kinds of work that endpoints submit: what applies each, and how it comes back from the queue."""

from collections.abc import Callable
from typing import Any, NamedTuple

from braze_runner.sandbox.apply import apply_writes, write_of
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings


def _as_queued(items: list[Any]) -> list[Any]:
    return items


class Work(NamedTuple):
    """One kind of work, within one transaction of the store."""

    apply: Callable[[ProfileStore, Settings, list[Any]], None]
    decode: Callable[[list[Any]], list[Any]] = _as_queued


WORK: dict[str, Work] = {
    "writes": Work(apply_writes, lambda items: [write_of(item) for item in items]),
}
