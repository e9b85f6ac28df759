"""Reads ahead in a thread of its own, so that waiting for the warehouse holds up nothing else."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# Arrow batches that are read ahead: enough to send on while the warehouse sorts the next range.
_AHEAD = 16
_POLL_SECONDS = 0.2


class _End(Exception):  # noqa: N818 (it is no error, but may carry one as its cause)
    """What stands at the end of the items, with the error that ended them, if there was one."""


class _Reading(Generic[T]):
    """An iterator that runs in a thread, and what it has given and nobody has taken."""

    def __init__(self, items: Callable[[], Iterator[T]]) -> None:
        self._items = items
        self._left = threading.Event()
        self.ready: queue.Queue[T | _End] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """End the thread, with the item that it is at."""
        self._left.set()
        self._thread.join()

    def _read(self) -> None:
        end = _End()
        try:
            for item in self._items():
                self._put(item)
                if self._left.is_set():
                    break
        except BaseException as exc:  # raised again in the thread that takes the items
            end.__cause__ = exc
        self._put(end)

    def _put(self, item: T | _End) -> None:
        while not self._left.is_set():
            try:
                self.ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return


def prefetched(items: Callable[[], Iterator[T]], idle: Callable[[], None]) -> Generator[T]:
    """Yield the items of an iterator that runs in another thread; ``idle`` is called while none is there.

    An error of the iterator is raised here. Leaving early ends the thread with its next item.
    """
    reading = _Reading(items)
    try:
        while True:
            try:
                item = reading.ready.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                idle()
                continue
            if isinstance(item, _End):
                if item.__cause__ is not None:
                    raise item.__cause__
                return
            yield item
    finally:
        reading.leave()
