"""The one way to a profile: endpoints submit, and what is submitted is applied now or, with a lag, later."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.queue import Queue, Queued
from braze_runner.sandbox.settings import Settings

_LOGGER = logging.getLogger(__name__)


def _as_queued(items: list[Any]) -> list[Any]:
    return items


class Work(NamedTuple):
    """One kind of work: what applies its items in one transaction, and how they come back from the queue."""

    apply: Callable[[ProfileStore, Settings, list[Any]], None]
    decode: Callable[[list[Any]], list[Any]] = _as_queued


SlowWork = Callable[[ProfileStore, Settings, list[Any]], Awaitable[None]]
"""Work that makes its own transactions, with room for requests between them."""


class Applier:
    """Applies the work of requests: each after a delay of its own, so requests overtake each other.

    Inside one request the order is kept. Without a lag nothing is queued.
    """

    def __init__(
        self,
        store: ProfileStore,
        settings: Settings,
        kinds: Mapping[str, Work],
        slow: Mapping[str, SlowWork],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._slow = slow
        self._settings = settings
        self._queue = Queue(store)
        self._random = random.Random(settings.seed)  # noqa: S311 (no secret)
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()

    def submit(self, kind: str, items: list[Any]) -> None:
        """Take over the accepted items of one request; the caller holds the store's transaction."""
        if not self._settings.lag:
            self._kinds[kind].apply(self._store, self._settings, items)
            return
        self._queue.put(time.time() + self._random.uniform(0, self._settings.lag), kind, items)
        self._woken.set()

    def later(self, kind: str, items: list[Any], seconds: float) -> None:
        """Take over work that begins so many seconds later, with or without a lag."""
        self._queue.put(time.time() + seconds, kind, items)
        self._woken.set()

    async def flush(self) -> None:
        """Apply everything queued in order of due time, whatever that time is."""
        while (queued := self._queue.first()) is not None:
            await self._apply(queued)
            await asyncio.sleep(0)

    async def run(self) -> None:
        """Apply what falls due, until cancelled; also what an earlier sandbox left in the file."""
        while True:
            self._woken.clear()
            due = self._queue.first_due()
            wait = None if due is None else due - time.time()
            if wait is not None and wait <= 0:
                queued = self._queue.first()
                if queued is not None:
                    await self._apply(queued)
                await asyncio.sleep(0)
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), wait)
            except TimeoutError:
                continue

    async def _apply(self, queued: Queued) -> None:
        """Apply one request's work, unless it was applied while this waited for its turn."""
        async with self._turn:
            if not self._queue.holds(queued):
                return
            try:
                if queued.kind in self._slow:
                    await self._slow[queued.kind](self._store, self._settings, queued.items)
                with self._store.transaction():
                    if queued.kind in self._kinds:
                        work = self._kinds[queued.kind]
                        work.apply(self._store, self._settings, work.decode(queued.items))
                    self._queue.remove(queued)
            except Exception as exc:
                _LOGGER.exception("The sandbox failed on queued work of kind %s", queued.kind)
                with self._store.transaction():
                    self._queue.keep_failed(queued, type(exc).__name__)
