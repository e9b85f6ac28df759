"""A request on its way: waits, doubts, and a stop at each place."""

import json
from typing import Any

import pytest
from client_helpers import (
    DATE,
    EPOCH,
    Clock,
    Scripted,
    answer,
    events,
    limiter,
    request_of,
    row_of,
    send,
    success,
)
from hypothesis import given
from hypothesis import strategies as st

from braze_runner.client import RetryPolicy, Sender, TransportError
from braze_runner.plan import Row
from braze_runner.plan.endpoints import CATALOG_DELETE, Envelope

GATEWAY = answer(502)


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"X-Ratelimit-Retry-After": "7", "X-RateLimit-Reset": "3"}, [7]),
        ({"x-ratelimit-retry-after": "7"}, [7]),
        ({"X-RateLimit-Reset": "3"}, [3]),
        ({"X-RateLimit-Reset": str(EPOCH + 42)}, [42]),
        ({"X-RateLimit-Reset": str(EPOCH + 42), "Date": DATE}, [42]),
        ({"Retry-After": "5"}, [5]),
        ({"X-Ratelimit-Retry-After": "x", "Retry-After": "5"}, [5]),
        ({"X-RateLimit-Reset": "99999", "Retry-After": "5"}, [5]),
        ({"X-Ratelimit-Retry-After": "999999"}, [3_600]),
        # What asks for no wait, or says nothing that can be used, is waited for all the same.
        ({"X-RateLimit-Reset": str(EPOCH - 1)}, [0.5]),
        ({"X-Ratelimit-Retry-After": "0"}, [0.5]),
        ({"X-Ratelimit-Retry-After": "-1"}, [0.5]),
        ({"X-Ratelimit-Retry-After": "inf"}, [0.5]),
        ({"X-Ratelimit-Retry-After": "nan"}, [0.5]),
        ({"X-RateLimit-Reset": str(EPOCH + 86_400)}, [0.5]),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, [0.5]),
        ({}, [0.5]),
    ],
)
@pytest.mark.parametrize("make", [lambda: [row_of(0)], lambda: events(1)])
def test_429_waits_as_the_headers_say(make: Any, headers: dict[str, str], waits: list[float]) -> None:
    clock = Clock()
    outcome = send(Scripted(answer(429, **headers)), make(), clock, random=lambda: 1.0)
    assert clock.waits == waits
    assert (list(outcome.sent), outcome.retries, outcome.resent) == ([0], 1, [])


def test_429_for_ever_holds() -> None:
    outcome = send(Scripted(*[answer(429)] * 3), events(2))
    assert (outcome.held, outcome.requests) == ([0, 1], 3)
    assert "no usable answer in 3 tries: status 429" in str(outcome.error)


def test_429_after_doubt_leaves_the_doubt() -> None:
    outcome = send(
        Scripted(GATEWAY, answer(429), answer(429)), events(2), resend_unknown=True, rate_limited_tries=2
    )
    assert (outcome.unknown, outcome.held) == ([0, 1], [])


def test_back_off_grows_to_its_ceiling() -> None:
    policy = RetryPolicy(first_wait=0.5, longest_wait=60, random=lambda: 1.0)
    assert [policy.back_off(failures) for failures in (1, 2, 3, 9, 100)] == [0.5, 1, 2, 60, 60]
    assert RetryPolicy(random=lambda: 0.5).back_off(2) == 0.5
    clock = Clock()
    send(Scripted(answer(503), answer(503)), clock=clock, random=lambda: 1.0)
    assert clock.waits == [0.5, 1]


@pytest.mark.parametrize("reset", ["7", str(EPOCH + 7)])
@pytest.mark.parametrize(("share", "remaining", "waits"), [(1.0, "1", []), (1.0, "0", [7]), (0.8, "19", [7])])
def test_the_headers_of_a_success_hold_the_next_request(
    reset: str, share: float, remaining: str, waits: list[float]
) -> None:
    """Both meanings of the reset; a share of the window is left to others (API rate limits)."""
    clock = Clock()
    told = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
    transport = Scripted(answer(201, {"message": "success"}, **told))
    sender = Sender(transport, RetryPolicy(), clock, limiter(clock, share))
    sender.send(request_of([row_of(0)]))
    assert clock.waits == []
    sender.send(request_of([row_of(1)]))
    assert clock.waits == waits


def test_method_and_path_are_the_endpoint_s() -> None:
    transport = Scripted()
    send(transport, [row_of(0, b"items", envelope=Envelope(CATALOG_DELETE, "/catalogs/c/items"))])
    assert transport.calls == [("DELETE", "/catalogs/c/items")]


def test_after_a_stop_nothing_is_sent() -> None:
    clock, transport = Clock(), Scripted()
    clock.set()
    outcome = send(transport, events(4), clock)
    assert (outcome.held, outcome.unknown, outcome.error, transport.sent) == ([0, 1, 2, 3], [], None, [])


class Stopping(Scripted):
    """Sets the stop while the request of a number is under way."""

    def __init__(self, clock: Clock, at: int, *replies: Any, judge: Any = lambda _: None) -> None:
        super().__init__(*replies, judge=judge)
        self._clock, self._at = clock, at

    def send(self, *args: Any, **named: Any) -> Any:
        if len(self.sent) + 1 == self._at:
            self._clock.set()
        return super().send(*args, **named)


def test_an_answer_counts_though_the_stop_is_set() -> None:
    clock = Clock()
    assert sorted(send(Stopping(clock, 1), events(2), clock).sent) == [0, 1]


def test_a_stop_between_two_tries() -> None:
    for reply, rows, ends in (
        (GATEWAY, [row_of(0)], ("held", [0])),
        (answer(503), events(1), ("held", [0])),
        (answer(429), events(1), ("held", [0])),
        (GATEWAY, events(1), ("unknown", [0])),
    ):
        clock = Clock()
        outcome = send(Stopping(clock, 1, reply), rows, clock, resend_unknown=True)
        assert (getattr(outcome, ends[0]), outcome.requests) == (ends[1], 1)


def test_a_stop_while_halving_holds_what_is_left() -> None:
    def judge(names: list[str]) -> Any:
        return answer(400, {}) if len(names) > 1 else success()

    clock = Clock()
    outcome = send(Stopping(clock, 3, judge=judge), events(4), clock)
    assert (sorted(outcome.sent), outcome.held) == ([0], [1, 2, 3])


def test_what_ends_the_run_leaves_doubtful_rows_unknown() -> None:
    """After a try that may have arrived, a 401 says nothing about that try."""
    outcome = send(Scripted(GATEWAY, answer(401)), events(2), resend_unknown=True)
    assert (outcome.unknown, outcome.held, outcome.resent) == ([0, 1], [], [0, 1])
    assert "API key" in str(outcome.error)


def test_doubt_stays_with_the_halves() -> None:
    """An answer without a row, then the end: what is left of the halves may have been accepted with the whole."""
    outcome = send(Scripted(success(["no index"]), success(), answer(401)), events(4), resend_unknown=True)
    assert (list(outcome.sent), sorted(outcome.unknown), outcome.held) == ([0, 1], [2, 3], [])
    outcome = send(Scripted(GATEWAY, answer(400, {}), success(), answer(401)), events(4), resend_unknown=True)
    assert (list(outcome.sent), sorted(outcome.unknown), outcome.held) == ([0, 1], [2, 3], [])


def mixed() -> list[Row]:
    return [row_of(n, (b"attributes", b"events")[n % 2], repeatable=n % 2 == 0) for n in range(4)]


def test_attributes_beside_events_are_sent_again_without_them() -> None:
    transport = Scripted(GATEWAY)
    outcome = send(transport, mixed())
    assert (outcome.unknown, sorted(outcome.sent), outcome.resent) == ([1, 3], [0, 2], [])
    assert transport.sent == [["c0", "c2", "c1", "c3"], ["c0", "c2"]]
    outcome = send(Scripted(GATEWAY, answer(401)), mixed())
    assert (outcome.unknown, outcome.held) == ([1, 3], [0, 2])
    outcome = send(Scripted(GATEWAY), mixed(), resend_unknown=True)
    assert (sorted(outcome.sent), outcome.resent) == ([0, 1, 2, 3], [1, 3])


class Refusing(Scripted):
    """Refuses a request with a bad row, without a word on which; keeps what it takes."""

    def __init__(self, clock: Clock, bad: set[int]) -> None:
        super().__init__()
        self.clock, self.bad = clock, bad
        self.taken: list[list[Any]] = []
        self.times: list[float] = []

    def send(self, _method: str, _path: str, body: bytes | None = None, **_: Any) -> Any:
        objects = [each for listed in json.loads(body or b"").values() for each in listed]
        if self.bad & {each["n"] for each in objects}:
            return answer(400, {"message": "Bad Request"})
        self.taken.append(objects)
        self.times.append(self.clock.time)
        return success()


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20),
    st.sets(st.integers(0, 19), max_size=3),
    st.integers(0, 20),
)
def test_halves_keep_the_order_of_each_user(users: list[str], bad: set[int], events: int) -> None:
    """In one request, or the gap apart: Braze promises no order between requests (R2)."""
    rows = []
    for number, user in enumerate(users):
        name = b'"external_id":"%s"' % user.encode()
        array = (b"attributes", b"events")[number >= events]
        row = row_of(number, array)
        rows.append(row._replace(identifier=name, object=b'{%s,"n":%d}' % (name, number)))
    clock = Clock()
    transport = Refusing(clock, bad)
    sender = Sender(transport, RetryPolicy(), clock, limiter(clock), order_gap=5.0)
    outcome = sender.send(request_of(rows))
    assert set(outcome.rejects) == {number for number in bad if number < len(rows)}
    last: dict[str, tuple[int, int]] = {}
    for request, objects in enumerate(transport.taken):
        for each in objects:
            before, place = last.get(each["external_id"], (request, -1))
            assert each["n"] > place
            assert request == before or transport.times[request] >= transport.times[before] + 5
            last[each["external_id"]] = (request, each["n"])
    if len(set(users)) == len(users):
        assert clock.waits == [], "nobody waits for anybody else"


replies = st.sampled_from(
    [
        success(),
        success(["no index"]),
        success([{"type": "x", "input_array": "events", "index": 0}]),
        answer(201, b"x"),
        answer(400, {}),
        answer(400, {"errors": [{"type": "x", "input_array": "attributes", "index": 0}]}),
        answer(400, b"<html>"),
        answer(413),
        answer(429),
        answer(500),
        GATEWAY,
        answer(403),
        TransportError("it took too long"),
        TransportError("nobody listens there", maybe_received=False),
    ]
)


@given(
    st.lists(replies, max_size=12),
    st.lists(st.booleans(), min_size=1, max_size=9),
    st.booleans(),
    st.integers(0, 9),
)
def test_each_row_has_one_end_and_none_is_sent_twice_unasked(
    script: list[Any], kinds: list[bool], resend: bool, stop_at: int
) -> None:
    """Whatever the answers are and whenever the stop comes (``send`` checks the ends)."""
    rows = [
        row_of(n, b"attributes" if again else b"events", repeatable=again) for n, again in enumerate(kinds)
    ]
    clock = Clock()
    transport = Stopping(clock, stop_at, *script)
    outcome = send(transport, rows, clock, resend_unknown=resend)
    maybe, counted = [0] * len(rows), 0
    for number, names in enumerate(transport.sent):
        reply = script[number] if number < len(script) else success()
        for name in names:
            place = int(name[1:])
            if rows[place].repeatable:
                continue
            counted += maybe[place]
            taken = isinstance(reply, TransportError) and reply.maybe_received
            maybe[place] |= taken or getattr(reply, "status", 0) in (201, 502)
    # Sent after it may have been taken: only under the policy, and counted each time.
    assert counted == len(outcome.resent)
    assert resend or counted == 0
    assert not any(maybe[index] for index in outcome.held)
    assert all(not rows[index].repeatable for index in (*outcome.unknown, *outcome.resent))


def test_a_request_for_each_bucket_waits_for_its_own() -> None:
    clock = Clock()
    shared = limiter(clock)
    sender = Sender(Scripted(), RetryPolicy(), clock, shared)
    shared.hold(row_of(0).envelope.endpoint.bucket, 30)
    sender.send(request_of([row_of(0, b"items", envelope=Envelope(CATALOG_DELETE, "/x"))]))
    assert clock.waits == []
    sender.send(request_of([row_of(0)]))
    assert clock.waits == [30]
