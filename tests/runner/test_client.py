import json

import pytest
from push_helpers import Answer, error, success

from braze_runner.client import Answer as HttpAnswer
from braze_runner.client import (
    Outcome,
    Pause,
    RetryPolicy,
    Sender,
    Stop,
    TransportError,
)
from braze_runner.plan import Request, Row


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


class Scripted:
    """A transport that answers from a list, then with success."""

    def __init__(self, *answers: Answer | TransportError) -> None:
        self.answers = list(answers)
        self.sent: list[list[str]] = []

    def send(self, method: str, path: str, body: bytes, query: None = None) -> HttpAnswer:
        assert (method, query) == ("POST", None)
        return self.post(path, body)

    def post(self, path: str, body: bytes) -> HttpAnswer:
        assert path == "/users/track"
        names = [each["external_id"] for each in json.loads(body)["attributes"]]
        self.sent.append(names)
        answer = self.answers.pop(0) if self.answers else success(len(names))
        if isinstance(answer, TransportError):
            raise answer
        return HttpAnswer(*answer)

    def close(self) -> None:
        """Nothing is open."""


def request(count: int = 4) -> Request:
    rows = [
        Row(f"{n:032x}", b'{"external_id":"c%d"}' % n, b"{}", b'{"external_id":"c%d"}' % n, 2, 3)
        for n in range(count)
    ]
    return Request(7, "attributes", rows)


def send(transport: Scripted, count: int = 4, clock: Clock | None = None, **policy: float) -> Outcome:
    clock = clock or Clock()
    pause = Pause(clock.wait, now=lambda: clock.now, epoch=lambda: 1_800_000_000 + clock.now)
    retry = RetryPolicy(**{"tries": 3, "rate_limited_tries": 3, "first_wait": 0.0} | policy)  # type: ignore[arg-type]
    outcome = Sender(transport, retry, Stop(), pause).send(request(count))
    assert outcome.sent + len(outcome.rejects) + outcome.held == count
    return outcome


def refused(outcome: Outcome) -> list[tuple[str, str, str, int | None]]:
    return [
        (json.loads(each.identifier)["external_id"], each.reason, each.message, each.http_status)
        for each in outcome.rejects
    ]


def test_all_accepted() -> None:
    outcome = send(Scripted())
    assert (outcome.sent, outcome.attributes, outcome.data_points, outcome.requests) == (4, 8, 12, 1)


def test_partial_errors_belong_to_their_rows() -> None:
    errors = [error(1, "bad email"), error(3, "blocked"), error(3, "again")]
    outcome = send(Scripted(success(2, errors)))
    assert refused(outcome) == [
        ("c1", "braze_rejected", "bad email", 201),
        ("c3", "braze_rejected", "blocked", 201),
    ]
    assert (outcome.sent, outcome.attributes) == (2, 4)
    assert {each.request_number for each in outcome.rejects} == {7}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"[]",
        json.dumps({"errors": [error(4)]}).encode(),
        json.dumps({"errors": [error(-1)]}).encode(),
        json.dumps({"errors": [error(None)]}).encode(),
        json.dumps({"errors": [error(True)]}).encode(),
        json.dumps({"errors": [error(0, array="events")]}).encode(),
        json.dumps({"errors": ["text"]}).encode(),
    ],
)
def test_success_that_can_t_be_read_is_sent_again(body: bytes) -> None:
    transport = Scripted((201, {}, body))
    outcome = send(transport)
    assert (outcome.sent, outcome.requests, outcome.retries) == (4, 2, 1)
    outcome = send(Scripted(*[(201, {}, body)] * 3))
    assert (outcome.sent, outcome.held) == (0, 4)
    assert "a body that can't be read" in str(outcome.error)


def test_400_that_names_the_rows() -> None:
    message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
    body = json.dumps({"message": message, "errors": [error(n, "bad") for n in range(4)]}).encode()
    outcome = send(Scripted((400, {}, body)))
    assert [name for name, *_ in refused(outcome)] == ["c0", "c1", "c2", "c3"]
    assert outcome.requests == 1


def test_400_that_names_some_rows_sends_the_others_again() -> None:
    transport = Scripted((400, {}, json.dumps({"message": "x", "errors": [error(2, "bad")]}).encode()))
    outcome = send(transport)
    assert refused(outcome) == [("c2", "braze_rejected", "bad", 400)]
    assert transport.sent[1:] == [["c0", "c1", "c3"]]


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (400, b'{"message":"bad JSON"}', "braze_refused", "bad JSON"),
        (400, b"{}", "braze_refused", "Braze answered 400 without a message."),
        (413, b"<html>", "too_large_for_braze", "Braze answered 413 without a message."),
        (413, b'{"message":"too big"}', "too_large_for_braze", "too big"),
    ],
)
@pytest.mark.parametrize("poison", [0, 37, 74])
def test_a_poison_row_is_found_by_halving(
    poison: int, status: int, body: bytes, reason: str, message: str
) -> None:
    class Poisoned(Scripted):
        def post(self, path: str, data: bytes) -> HttpAnswer:
            answer = super().post(path, data)
            return HttpAnswer(status, {}, body) if f"c{poison}" in self.sent[-1] else answer

    transport = Poisoned()
    outcome = send(transport, 75)
    assert refused(outcome) == [(f"c{poison}", reason, message, status)]
    assert outcome.sent == 74
    assert len(transport.sent) <= 15


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "does not know the API key"),
        (403, "permission users.track"),
        (404, "does not know this address"),
        (415, "content type"),
        (302, "redirects"),
        (418, "status 418"),
    ],
)
def test_answers_that_stop_the_run(status: int, sentence: str) -> None:
    outcome = send(Scripted((status, {}, b"")))
    assert (outcome.held, outcome.requests) == (4, 1)
    assert sentence in str(outcome.error)


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"X-Ratelimit-Retry-After": "7", "X-RateLimit-Reset": "3"}, [7]),
        ({"X-RateLimit-Reset": "3"}, [3]),
        ({"X-RateLimit-Reset": "1800000042"}, [42]),
        ({"X-RateLimit-Reset": "1700000000"}, []),
        ({"Retry-After": "5"}, [5]),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, []),
        ({}, []),
    ],
)
def test_rate_limit_waits_as_the_headers_say(headers: dict[str, str], waits: list[float]) -> None:
    clock = Clock()
    outcome = send(Scripted((429, headers, b"")), clock=clock)
    assert clock.waits == waits
    assert (outcome.sent, outcome.retries) == (4, 1)


def test_rate_limit_met_by_one_holds_all() -> None:
    clock = Clock()
    pause = Pause(clock.wait, now=lambda: clock.now)
    pause.extend(9)
    pause.extend(2)
    pause.pass_through()
    pause.pass_through()
    assert clock.waits == [9]


@pytest.mark.parametrize(
    "trouble",
    [
        TransportError("ReadTimeout"),
        (500, {}, b""),
        (503, {}, b"<html>"),
        (400, {}, b"<html>"),
        (408, {}, b""),
    ],
)
def test_transient_trouble_is_tried_again_but_not_for_ever(trouble: Answer | TransportError) -> None:
    assert send(Scripted(trouble, trouble)).retries == 2
    outcome = send(Scripted(*[trouble] * 3))
    assert (outcome.held, outcome.requests) == (4, 3)
    assert "no usable answer in 3 tries" in str(outcome.error)
    assert send(Scripted(*[(429, {}, b"")] * 3)).held == 4


def test_back_off_grows_to_its_ceiling() -> None:
    policy = RetryPolicy(first_wait=0.5, longest_wait=60, random=lambda: 1.0)
    assert [policy.back_off(failures) for failures in (1, 2, 3, 9)] == [0.5, 1, 2, 60]
    assert RetryPolicy(random=lambda: 0.5).back_off(2) == 0.5


def test_after_a_stop_nothing_is_sent() -> None:
    stop, transport = Stop(), Scripted()
    stop.set()
    outcome = Sender(transport, RetryPolicy(), stop, Pause(stop.wait)).send(request())
    assert (outcome.held, outcome.error, transport.sent) == (4, None, [])
