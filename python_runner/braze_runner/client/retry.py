"""When to try again, and the wish to stop."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


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
    """How often one request is tried, and how long to wait in between, in seconds.

    ``resend_unknown``: an object that counts each time it arrives is sent again when nobody can say whether it
    arrived; else it is put aside (R3).
    """

    tries: int = 8
    rate_limited_tries: int = 100
    first_wait: float = 0.5
    longest_wait: float = 60.0
    resend_unknown: bool = False
    random: Callable[[], float] = field(default=random.random, repr=False)

    def back_off(self, failures: int) -> float:
        """Return the wait after so many failures in a row: exponential, with full jitter."""
        return min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1)) * self.random()
