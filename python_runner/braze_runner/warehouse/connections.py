"""The connections of one warehouse: one for each thread, and some that queries borrow while they are read."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# A warehouse ends sessions that nobody uses, each after a time of its own; the shortest are some minutes.
IDLE_SECONDS = 240.0


class Connections:
    """Opens connections when they are needed, and closes them all.

    One that has been idle for ``idle_seconds`` is replaced before it is used; None keeps it for ever.
    """

    def __init__(
        self,
        open_one: Callable[[], Any],
        idle_seconds: float | None = IDLE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_one
        self._idle_seconds = idle_seconds
        self._now = now
        self._lock = threading.Lock()
        self._last_used: dict[int, float] = {}
        self._open_ones: list[Any] = []
        self._idle: list[Any] = []
        self._thread = threading.local()

    def own(self) -> Any:
        """Return the connection of this thread."""
        handle = getattr(self._thread, "handle", None)
        if handle is None or not self._is_fresh(handle):
            self.drop_own()
            handle = self._thread.handle = self._new()
        self._touch(handle)
        return handle

    def drop_own(self) -> None:
        """Close the connection of this thread, so that the next call opens another."""
        handle, self._thread.handle = getattr(self._thread, "handle", None), None
        if handle is not None:
            self._close(handle)

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """Lend a connection that nobody else uses; after an error, or left half read, it is not used again."""
        handle = self._take() or self._new()
        try:
            yield handle
        except BaseException:
            self._close(handle)
            raise
        self._touch(handle)
        with self._lock:
            self._idle.append(handle)

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            handles, self._open_ones, self._idle = self._open_ones, [], []
        for handle in handles:
            with suppress(Exception):
                handle.close()

    def _take(self) -> Any:
        while True:
            with self._lock:
                handle = self._idle.pop() if self._idle else None
            if handle is None or self._is_fresh(handle):
                return handle
            self._close(handle)

    def _new(self) -> Any:
        handle = self._open()
        self._touch(handle)
        with self._lock:
            self._open_ones.append(handle)
        return handle

    def _is_fresh(self, handle: Any) -> bool:
        with self._lock:
            is_open = any(handle is each for each in self._open_ones)
            last_used = self._last_used.get(id(handle), 0.0)
        return is_open and (self._idle_seconds is None or self._now() - last_used < self._idle_seconds)

    def _touch(self, handle: Any) -> None:
        with self._lock:
            self._last_used[id(handle)] = self._now()

    def _close(self, handle: Any) -> None:
        with self._lock:
            known = [each for each in self._open_ones if each is handle]
            self._open_ones = [each for each in self._open_ones if each is not handle]
            self._last_used.pop(id(handle), None)
        # What can't be closed any more is gone, which is all that is wanted.
        for each in known:
            with suppress(Exception):
                each.close()
