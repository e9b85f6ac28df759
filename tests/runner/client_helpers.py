"""A transport that answers as told, and time that passes only by waiting."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from plan_helpers import ENVELOPES
from requests.structures import CaseInsensitiveDict

from braze_runner.client import Answer, Outcome, RateLimiter, RetryPolicy, Sender, Stop, TransportError
from braze_runner.plan import Request, Row
from braze_runner.plan.endpoints import Envelope

EPOCH = 1_800_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
"""The moment EPOCH, as a header."""

Reply = Answer | TransportError


class Clock(Stop):
    """A stop whose waits take no time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        if not self.is_set():
            self.waits.append(seconds)
            self.time += seconds
        return self.is_set()


def limiter(clock: Clock, share: float = 1.0, *, enforce: bool = False, drift: float = 0.0) -> RateLimiter:
    return RateLimiter(
        clock, share, enforce=enforce, now=lambda: clock.time, epoch=lambda: EPOCH + drift + clock.time
    )


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(
        status, CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()}), data
    )


def success(errors: Sequence[Any] = (), status: int = 201) -> Answer:
    return answer(status, {"message": "success"} | ({"errors": list(errors)} if errors else {}))


def error(index: Any, array: Any = "attributes", text: str = "bad") -> dict[str, Any]:
    return {"type": text, "input_array": array, "index": index}


def row_of(
    number: int,
    array: bytes = b"attributes",
    *,
    repeatable: bool = True,
    envelope: Envelope = ENVELOPES["total"],
) -> Row:
    name = b'"external_id":"c%d"' % number
    return Row(f"{number:032x}", name, b"{}", b"{" + name + b"}", envelope, array, 2, 3, repeatable)


def events(count: int) -> list[Row]:
    """Return rows that must not arrive twice."""
    return [row_of(number, b"events", repeatable=False) for number in range(count)]


def request_of(rows: Sequence[Row]) -> Request[Any]:
    return Request(
        7, rows[0].envelope, rows=list(rows), repeatable=all(row.repeatable for row in rows), size=100
    )


class Scripted:
    """A transport that answers from a list, then with success; a callable of the names sent may answer instead."""

    def __init__(self, *replies: Reply, judge: Callable[[list[str]], Reply | None] = lambda _: None) -> None:
        self.replies = list(replies)
        self.judge = judge
        self.sent: list[list[str]] = []
        self.calls: list[tuple[str, str]] = []

    def send(self, method: str, path: str, body: bytes | None = None, query: Any = None) -> Answer:
        assert body is not None
        assert query is None
        self.calls.append((method, path))
        self.sent.append([name_of(each) for objects in json.loads(body).values() for each in objects])
        reply = self.replies.pop(0) if self.replies else self.judge(self.sent[-1]) or success()
        if isinstance(reply, TransportError):
            raise reply
        return reply

    def close(self) -> None:
        """Nothing is open."""


def name_of(each: Any) -> str:
    return str(each["external_id"] if isinstance(each, dict) else each)


def send(
    transport: Scripted, rows: Sequence[Row] | int = 4, clock: Clock | None = None, **policy: Any
) -> Outcome:
    """Send one request to its end; each row has one end and no more."""
    given = [row_of(number) for number in range(rows)] if isinstance(rows, int) else list(rows)
    clock = clock or Clock()
    retry = RetryPolicy(**{"tries": 3, "rate_limited_tries": 3, "random": lambda: 0.0} | policy)
    outcome = Sender(transport, retry, clock, limiter(clock)).send(request_of(given))
    ends = sorted([*outcome.sent, *outcome.rejects, *outcome.unknown, *outcome.held])
    assert ends == list(range(len(given)))
    assert outcome.requests == len(transport.sent)
    return outcome


def refused(outcome: Outcome) -> dict[int, tuple[str, str, int | None]]:
    for index, reject in outcome.rejects.items():
        row = outcome.request.rows[index]
        assert (reject.braze_row, reject.payload) == (row.braze_row, row.payload)
        assert reject.identifier == b"{" + row.identifier + b"}"
        assert reject.request_number == 7
    return {index: (each.reason, each.message, each.http_status) for index, each in outcome.rejects.items()}
