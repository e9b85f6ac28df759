"""When to try again, and the pauses that all workers share."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from braze_runner.limits import EPOCH_THRESHOLD


class Stop:
    """Set once, by a signal or by an error that ends the run; every wait ends with it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.signal: int | None = None

    def set(self) -> None:
        """Ask everything to come to its end."""
        self._event.set()

    def is_set(self) -> bool:
        """Say whether the run is coming to its end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond the stop; returns whether it is set."""
        return self._event.wait(seconds)


@dataclass(frozen=True)
class RetryPolicy:
    """How often one request is tried, and how long to wait in between, in seconds."""

    tries: int = 8
    rate_limited_tries: int = 100
    first_wait: float = 0.5
    longest_wait: float = 60.0
    random: Callable[[], float] = field(default=random.random, repr=False)

    def back_off(self, failures: int) -> float:
        """Return the wait after so many failures in a row: exponential, with full jitter."""
        return min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1)) * self.random()


class Pause:
    """The moment before which nobody sends: a rate limit met by one worker holds for all."""

    def __init__(
        self,
        wait: Callable[[float], bool],
        now: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._wait = wait
        self._now = now
        self._epoch = epoch
        self._until = 0.0
        self._lock = threading.Lock()

    def extend(self, seconds: float) -> None:
        """Hold everybody for at least so long from now."""
        with self._lock:
            self._until = max(self._until, self._now() + seconds)

    def pass_through(self) -> None:
        """Wait until the pause is over, or the wait is cut short by a stop."""
        while (remaining := self._until - self._now()) > 0:
            if self._wait(remaining):
                return

    def seconds_asked(self, headers: Mapping[str, str]) -> float | None:
        """Return the wait that the headers of a 429 ask for, or None.

        ``X-Ratelimit-Retry-After`` is in seconds; ``X-RateLimit-Reset`` is an epoch or seconds, told apart by
        size (Braze: API limits, POST /users/track). ``Retry-After`` is undocumented and comes last.
        """
        for name in ("X-Ratelimit-Retry-After", "X-RateLimit-Reset", "Retry-After"):
            try:
                value = float(headers.get(name, ""))
            except ValueError:
                continue
            return max(0.0, value - self._epoch() if value > EPOCH_THRESHOLD else value)
        return None
