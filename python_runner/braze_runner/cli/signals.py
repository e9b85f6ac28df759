"""What SIGINT and SIGTERM do to a command: the first asks it to come to its end, the second ends it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from braze_runner.client import Stop
from braze_runner.errors import BrazeRunnerError


class SignalError(BrazeRunnerError):
    """SIGINT or SIGTERM ended a command before it had its answer."""

    def __init__(self, number: int, sentence: str = "") -> None:
        super().__init__(sentence or f"Stopped by {signal.Signals(number).name}.")
        self.exit_code = 128 + number


@contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Finish what is in flight on the first SIGINT or SIGTERM; the second one ends the process as usual."""

    def handle(number: int, _: FrameType | None) -> None:
        stop.signal = number
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
