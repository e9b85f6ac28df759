"""The pace of requests: within each allowance, whatever clocks and headers say."""

import math
import threading
from itertools import pairwise

import pytest
from client_helpers import DATE, EPOCH, Clock, limiter
from hypothesis import example, given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from braze_runner import limits
from braze_runner.client import RateLimiter, Stop
from braze_runner.limits import Bucket

BUCKETS = [each for each in vars(limits).values() if isinstance(each, Bucket)]
HOUR = 3_600.0


def headers(**named: object) -> CaseInsensitiveDict[str]:
    return CaseInsensitiveDict({name.replace("_", "-"): str(value) for name, value in named.items()})


def left(
    remaining: object, reset: object = 2, limit: object = 100, **more: object
) -> CaseInsensitiveDict[str]:
    return headers(X_RateLimit_Limit=limit, X_RateLimit_Remaining=remaining, X_RateLimit_Reset=reset, **more)


def most_in_a_window(times: list[float], seconds: float) -> int:
    """Return the most requests in any window of that length, its end not included."""
    most = start = 0
    for end, time in enumerate(times):
        # Sums of floats are a little off.
        while time - times[start] >= seconds - 1e-6:
            start += 1
        most = max(most, end - start + 1)
    return most


@given(
    st.sampled_from(BUCKETS),
    st.sampled_from([1.0, 0.8, 0.5, 0.1, 0.013]),
    st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0, 1.7]), st.integers(1, 120)), max_size=12),
)
@example(limits.CDI_SYNC, 0.05, [(0.0, 100)])
@example(limits.TRACK, 1.0, [(0.0, 120), (1.0, 120), (1.0, 120)])
def test_never_more_than_the_allowance_in_any_window(
    bucket: Bucket, share: float, bursts: list[tuple[float, int]]
) -> None:
    """Pauses are given in windows, so that every bucket meets all kinds."""
    # A thousandth of the requests in a thousandth of the time is the same pace, and fewer to simulate.
    scale = max(1, bucket.requests // 60)
    bucket = Bucket(bucket.name, bucket.requests // scale, bucket.seconds)
    clock, sent = Clock(), []
    paced = limiter(clock, share, enforce=True)
    for pause, count in bursts:
        clock.time += pause * bucket.seconds
        for _ in range(count):
            paced.acquire(bucket)
            sent.append(clock.time)
    assert most_in_a_window(sent, bucket.seconds) <= max(1, math.ceil(bucket.requests * share))


@pytest.mark.parametrize("bucket", BUCKETS)
def test_nearly_all_of_the_allowance_is_used(bucket: Bucket) -> None:
    clock = Clock()
    paced, count = limiter(clock, enforce=True), min(bucket.requests * 3, 9_000)
    for _ in range(count):
        paced.acquire(bucket)
    assert count / max(clock.time, 1e-9) >= 0.9 * bucket.requests / bucket.seconds
    assert paced.rate(bucket) * bucket.seconds >= 0.9 * bucket.requests


def test_requests_are_spread() -> None:
    """Not a window's worth at once and then a pause: Braze's own windows begin when they like."""
    clock, sent = Clock(), []
    paced = limiter(clock, enforce=True)
    for _ in range(3_000):
        paced.acquire(limits.TRACK)
        sent.append(clock.time)
    assert max(after - before for before, after in pairwise(sent)) < 0.01
    assert most_in_a_window(sent, 0.1) <= 0.1 * 1_000 + 0.02 * 3_000 + 1


def test_buckets_are_apart() -> None:
    clock = Clock()
    paced = limiter(clock, enforce=True)
    paced.hold(limits.TRACK, 60)
    for bucket in BUCKETS:
        if bucket is not limits.TRACK:
            paced.acquire(bucket)
    assert clock.time == 0
    paced.acquire(limits.TRACK)
    assert clock.time == 60


@pytest.mark.parametrize("enforce", [True, False])
def test_a_hold_only_grows_and_ends(enforce: bool) -> None:
    clock = Clock()
    paced = limiter(clock, enforce=enforce)
    paced.hold(limits.TRACK, 9)
    paced.hold(limits.TRACK, 2)
    paced.acquire(limits.TRACK)
    assert clock.time == 9
    paced.acquire(limits.TRACK)
    assert clock.time - 9 <= (0.01 if enforce else 0)


class Together(Stop):
    """Time of several threads, which passes when all of them wait."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.time = 0.0
        self._awake = threads
        self._asleep: list[float] = []
        self._changed = threading.Condition()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            until = self.time + max(seconds, 1e-9)
            self._asleep.append(until)
            self._rest()
            self._changed.wait_for(lambda: self.time >= until)
        return False

    def leave(self) -> None:
        with self._changed:
            self._rest()

    def _rest(self) -> None:
        self._awake -= 1
        if not self._awake and self._asleep:
            self.time = min(self._asleep)
            self._awake = self._asleep.count(self.time)
            self._asleep = [until for until in self._asleep if until > self.time]
            self._changed.notify_all()


@pytest.mark.parametrize("hold_at", [0.5, 3.0, 50.0])
def test_many_workers_and_a_429_in_between(hold_at: float) -> None:
    """Those who wait for their turn when it comes queue anew, or all would go out together at its end."""
    bucket, workers, sent = limits.CATALOGS, 20, []
    clock = Together(workers + 1)
    paced = RateLimiter(clock, now=lambda: clock.time)

    def work() -> None:
        for _ in range(8):
            paced.acquire(bucket)
            sent.append(clock.time)
        clock.leave()

    def refuse() -> None:
        clock.wait(hold_at)
        paced.hold(bucket, 45)
        clock.leave()

    threads = [threading.Thread(target=target) for target in [work] * workers + [refuse]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == workers * 8
    assert not [time for time in sent if hold_at < time < hold_at + 45]
    assert most_in_a_window(sorted(sent), bucket.seconds) <= bucket.requests


def test_a_stop_ends_every_wait() -> None:
    clock = Clock()
    paced = limiter(clock, enforce=True)
    paced.hold(limits.TRACK, HOUR)
    clock.set()
    paced.acquire(limits.TRACK)
    assert clock.time == 0


@pytest.mark.parametrize(
    ("learned", "share", "waits"),
    [
        (left(1), 1.0, 0),
        (left(0), 1.0, 2),
        (left(-3), 1.0, 2),
        (left(0, EPOCH + 2), 1.0, 2),
        (left(0, EPOCH + 2, date=DATE), 1.0, 2),
        (left(0, EPOCH - 2), 1.0, 0),
        (left(0, EPOCH + 7_200), 1.0, 0),
        (left(0, 7_200), 1.0, 0),
        (left(0, "soon"), 1.0, 0),
        (left("none"), 1.0, 0),
        (left("nan"), 1.0, 0),
        (left(0, "inf"), 1.0, 0),
        (headers(X_RateLimit_Remaining=0), 1.0, 0),
        (headers(), 1.0, 0),
        # Others were promised the rest.
        (left(21), 0.8, 0),
        (left(19), 0.8, 2),
        (left(51), 0.5, 0),
        (left(49), 0.5, 2),
    ],
)
def test_what_the_headers_say_of_the_rest(
    learned: CaseInsensitiveDict[str], share: float, waits: float
) -> None:
    clock = Clock()
    paced = limiter(clock, share)
    paced.learn(limits.TRACK, learned)
    paced.acquire(limits.TRACK)
    assert clock.time == waits


@given(
    st.floats(-1e9, 1e9) | st.sampled_from([-24 * HOUR, -HOUR, -60.0, 60.0, HOUR, 24 * HOUR]),
    st.floats(0, 2e9) | st.sampled_from([5.0, float(EPOCH + 5)]),
    st.sampled_from(
        [None, DATE, "x", "Wed, 21 Oct 99999 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 +9999999999999"]
    ),
)
def test_no_clock_and_no_header_holds_longer_than_a_window(
    drift: float, reset: float, date: str | None
) -> None:
    """The machine's clock may be wrong by hours, and what stands in a header may be anything."""
    clock = Clock()
    paced = limiter(clock, drift=drift)
    more = {"date": date} if date else {}
    paced.learn(limits.TRACK, left(0, reset, **more))
    asked = paced.seconds_asked(left(0, reset, **more))
    assert asked is None or 0 <= asked <= HOUR
    paced.acquire(limits.TRACK)
    assert clock.time <= HOUR


@pytest.mark.parametrize("drift", [-24 * HOUR, -HOUR, 0, HOUR, 24 * HOUR])
def test_the_answer_s_own_clock_is_the_one_that_counts(drift: float) -> None:
    paced = limiter(Clock(), drift=drift)
    assert paced.seconds_asked(headers(X_RateLimit_Reset=EPOCH + 30, Date=DATE)) == 30


@pytest.mark.parametrize(
    ("given_", "asked"),
    [
        (headers(X_Ratelimit_Retry_After=7, X_RateLimit_Reset=3, Retry_After=5), 7),
        (headers(X_RateLimit_Reset=3, Retry_After=5), 3),
        (headers(X_RateLimit_Reset=limits.EPOCH_THRESHOLD), None),
        (headers(Retry_After=5), 5),
        (headers(Retry_After=-5), 0),
        (headers(), None),
    ],
)
def test_the_wait_that_a_429_asks_for(given_: CaseInsensitiveDict[str], asked: float | None) -> None:
    assert limiter(Clock()).seconds_asked(given_) == asked
