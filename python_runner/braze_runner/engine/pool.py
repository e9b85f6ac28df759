"""Worker threads between two queues; how many are at work follows the latency of the answers."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from braze_runner.client import Outcome
from braze_runner.errors import StoppedError
from braze_runner.plan import Request

# Workers above what rate and latency ask for, for answers that take longer than most.
_SPARE = 1.5
_FEWEST = 4
# How much of the newest latency goes into the average.
_WEIGHT = 0.1


class WorkerPool:
    """Runs ``send`` in up to ``most`` threads; the threads end with the context.

    ``rate`` is the requests a second that the allowance lets through: by Little's law, rate times latency of them
    are under way at once. A failure that may mean overload halves that for a while.
    """

    def __init__(
        self, send: Callable[[Request[Any]], Outcome], most: int, rate: Callable[[Request[Any]], float]
    ) -> None:
        self._send = send
        self._most = most
        self._rate = rate
        self._tasks: SimpleQueue[Request[Any] | None] = SimpleQueue()
        self._results: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._at_work = threading.Condition()
        self._working = 0
        self._latency = 0.0
        self._ceiling = float(most)
        self.target = min(most, _FEWEST)
        self.in_flight = 0
        self.bytes_in_flight = 0

    def __enter__(self) -> Self:
        """Start the first worker; raises StoppedError where the system lets no thread start."""
        self._hire()
        if not self._threads:
            raise StoppedError("The system lets no thread start, so nothing can be sent.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._at_work:
            self.target = self._most
            self._at_work.notify_all()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, request: Request[Any]) -> None:
        """Hand out a request."""
        self.in_flight += 1
        self.bytes_in_flight += request.size
        self._tasks.put(request)
        if len(self._threads) < min(self.target, self.in_flight):
            self._hire()

    def _hire(self) -> None:
        """Start one more worker; where the system has no thread left, those that are there do the work."""
        thread = threading.Thread(target=self._work, daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self._threads.append(thread)

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
        self._adapt(result)
        return result

    def _adapt(self, outcome: Outcome) -> None:
        """Follow the newest answer."""
        if outcome.retries:
            self._ceiling = max(_FEWEST, self.target / 2)
        elif outcome.latency:
            self._ceiling = min(self._most, self._ceiling + 1 / max(1.0, self._ceiling))
            self._latency += (outcome.latency - self._latency) * (_WEIGHT if self._latency else 1.0)
        wanted = self._rate(outcome.request) * self._latency * _SPARE + _FEWEST
        with self._at_work:
            self.target = max(1, min(self._most, int(min(wanted, self._ceiling))))
            self._at_work.notify()

    def _work(self) -> None:
        while (request := self._tasks.get()) is not None:
            with self._at_work:
                while self._working >= self.target:
                    self._at_work.wait()
                self._working += 1
            try:
                self._results.put(self._send(request))
            except BaseException as exc:  # a defect: raised again in the main thread
                self._results.put(exc)
            finally:
                with self._at_work:
                    self._working -= 1
                    self._at_work.notify()
