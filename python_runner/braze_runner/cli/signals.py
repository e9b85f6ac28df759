"""What SIGINT and SIGTERM do to a command: the first asks it to come to its end, the second ends it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from braze_runner.client import Stop


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
