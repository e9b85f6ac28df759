"""A pool that sends nothing: every request is taken as accepted at once."""

from collections import deque
from typing import Any

from braze_runner.client import Outcome
from braze_runner.plan import Request


class Rehearsal:
    """What a dry run has in place of workers."""

    bytes_in_flight = 0
    target = 1
    """Nothing is held and nobody works."""

    def __init__(self) -> None:
        self._outcomes: deque[Outcome] = deque()

    @property
    def in_flight(self) -> int:
        """Return the requests that nobody has taken yet."""
        return len(self._outcomes)

    def submit(self, request: Request[Any]) -> None:
        """Take a request."""
        self._outcomes.append(Outcome(request, sent=range(len(request.rows)), requests=1))

    def take(self, seconds: float) -> Outcome | None:  # noqa: ARG002 (the pool's signature)
        """Return the next outcome, or None."""
        return self._outcomes.popleft() if self._outcomes else None
