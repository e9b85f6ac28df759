"""Runs ``braze-runner`` and kills it, as ``kill -9`` does, at one moment of its work.

Moments are ``before send``, ``after send``, and before or after each kind of row that is added to the state, such
as ``before intent``; the run dies the so-many-th time that its moment comes.
"""

import os
import signal
import time
from typing import Any

import runner_process

from braze_runner.client.transport import HttpTransport
from braze_runner.engine import pusher
from braze_runner.state import State

# In this order, so that every one is reached: what comes late in a run comes last.
_WHATS = (
    *("bound", "lease", "run", "send", "intent", "ended", "unsent"),
    *("reject", "progress", "done", "released"),
)
MOMENTS = tuple(f"{when} {what}" for what in _WHATS for when in ("before", "after"))


class Killer:
    def __init__(self, moment: str, number: int) -> None:
        self._moment = moment
        self._left = number
        self._events = 0

    def comes(self, moment: str) -> None:
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def sent(self, body: bytes) -> None:
        """Make happen what some moments need: an answer that comes late, and an orderly end in the middle."""
        if self._moment.endswith(("ended", "unsent")) and b'"events":' in body:
            self._events += 1
            if self._events == 1:
                time.sleep(0.5)
            elif self._events == 5 and self._moment.endswith("unsent"):
                os.kill(os.getpid(), signal.SIGTERM)


def watch(killer: Killer) -> None:
    append, send = State.append, HttpTransport.send

    def appending(self: State, table: str, rows: Any) -> None:
        names = {"braze_sync_rejects": "reject", "braze_sync_runs": "run"}
        whats = dict.fromkeys(names.get(table) or row["entry"] for row in rows)
        for what in whats:
            killer.comes(f"before {what}")
        append(self, table, rows)
        for what in whats:
            killer.comes(f"after {what}")

    def sending(self: HttpTransport, *args: Any, **options: Any) -> Any:
        killer.comes("before send")
        answer = send(self, *args, **options)
        killer.comes("after send")
        killer.sent((args[2] if len(args) > 2 else None) or b"")
        return answer

    State.append = appending  # type: ignore[method-assign]
    HttpTransport.send = sending  # type: ignore[method-assign]


def run(moment: str, number: int, arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Run a command in this process, which ends with it or before."""

    def prepare() -> None:
        # Small steps, so that there is much to be killed at and the next run still has something to send.
        pusher._SAVE_SECONDS, pusher._INTENT_REQUESTS = 0.02, 3
        watch(Killer(moment, number))

    runner_process.run(arguments, environment, log, prepare)
