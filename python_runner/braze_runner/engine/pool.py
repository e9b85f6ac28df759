"""Worker threads between two queues."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from braze_runner.client import Outcome
from braze_runner.plan import Request


class WorkerPool:
    """Runs ``send`` in a fixed number of threads; the threads end with the context."""

    def __init__(self, send: Callable[[Request], Outcome], workers: int) -> None:
        self._send = send
        self._tasks: SimpleQueue[Request | None] = SimpleQueue()
        self._results: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        self.in_flight = 0
        self.bytes_in_flight = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, request: Request) -> None:
        """Hand out a request."""
        self.in_flight += 1
        self.bytes_in_flight += request.size
        self._tasks.put(request)

    def take(self, seconds: float) -> Outcome | None:
        """Return the next outcome, or None when none comes within so many seconds."""
        try:
            result = self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
        except Empty:
            return None
        self.in_flight -= 1
        if isinstance(result, BaseException):
            raise result
        self.bytes_in_flight -= result.request.size
        return result

    def _work(self) -> None:
        while (request := self._tasks.get()) is not None:
            try:
                self._results.put(self._send(request))
            except BaseException as exc:  # a defect: raised again in the main thread
                self._results.put(exc)
