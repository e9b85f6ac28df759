"""Workers: each request comes back once, as many at work as it takes, and none is left behind."""

import threading
from typing import Any

import pytest
from client_helpers import request_of, row_of

from braze_runner.client import Outcome
from braze_runner.engine.pool import WorkerPool
from braze_runner.errors import StoppedError
from braze_runner.plan import Request

PATIENT = 30.0


def requests(count: int) -> list[Request[Any]]:
    return [request_of([row_of(number)]) for number in range(count)]


def answered(request: Request[Any], latency: float = 0.1, retries: int = 0) -> Outcome:
    return Outcome(request, sent=[0], requests=1, latency=latency, retries=retries)


def test_each_request_comes_back_once() -> None:
    given = requests(200)
    with WorkerPool(answered, 8, lambda _: 1_000.0) as pool:
        for request in given:
            pool.submit(request)
        assert (pool.in_flight, pool.bytes_in_flight) == (200, 200 * 100)
        outcomes = [pool.take(PATIENT) for _ in given]
        assert (pool.in_flight, pool.bytes_in_flight, pool.take(0)) == (0, 0, None)
    assert {id(outcome.request) for outcome in outcomes if outcome} == {id(request) for request in given}


def test_a_defect_is_raised_where_the_answers_are_taken() -> None:
    def fail(_: Request[Any]) -> Outcome:
        raise ZeroDivisionError

    with WorkerPool(fail, 2, lambda _: 1.0) as pool:
        pool.submit(requests(1)[0])
        with pytest.raises(ZeroDivisionError):
            pool.take(PATIENT)
        assert pool.in_flight == 0


def test_as_many_threads_as_the_system_lets_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is at its limit of processes: fewer do the work, and without any nobody waits for it."""
    start, left = threading.Thread.start, [2]

    def limited(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with WorkerPool(answered, 8, lambda _: 1_000.0) as pool:
        for request in requests(20):
            pool.submit(request)
        assert all(pool.take(PATIENT) for _ in range(20))
        assert (pool.in_flight, left[0] < 0) == (0, True)
    with (
        pytest.raises(StoppedError, match="no thread start"),
        WorkerPool(answered, 8, lambda _: 1_000.0),
    ):
        pass


def test_workers_end_with_the_context_also_after_an_error() -> None:
    before = threading.active_count()
    started, release = threading.Semaphore(0), threading.Event()

    def wait(request: Request[Any]) -> Outcome:
        started.release()
        release.wait(PATIENT)
        return answered(request)

    def run() -> None:
        with WorkerPool(wait, 4, lambda _: 1_000.0) as pool:
            for request in requests(12):
                pool.submit(request)
            started.acquire()
            release.set()
            raise KeyError

    with pytest.raises(KeyError):
        run()
    assert threading.active_count() == before


class Counting:
    """Counts how many are at work at once."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def send(self, request: Request[Any]) -> Outcome:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        with self._lock:
            self._now -= 1
        return answered(request, latency=0.1)


@pytest.mark.parametrize(
    ("most", "rate", "expected"), [(3, 1_000.0, 3), (100, 1.0, 4), (100, 100.0, 19), (1, 1_000.0, 1)]
)
def test_as_many_as_rate_and_latency_ask_for(most: int, rate: float, expected: int) -> None:
    """Little's law: rate times latency are under way at once, and some more for slow answers."""
    counting = Counting()
    with WorkerPool(counting.send, most, lambda _: rate) as pool:
        for request in requests(300):
            pool.submit(request)
            pool.take(0)
        while pool.in_flight:
            pool.take(PATIENT)
        assert pool.target == expected
    assert counting.most <= max(expected, min(most, 4))


def test_trouble_halves_the_workers_and_they_come_back() -> None:
    with WorkerPool(answered, 64, lambda _: 10_000.0) as pool:

        def settle(**outcome: Any) -> None:
            pool.submit(request_of([row_of(0)]))
            assert pool.take(PATIENT)
            pool._adapt(answered(requests(1)[0], **outcome))

        for _ in range(50):
            settle()
        assert pool.target == 64
        settle(retries=1)
        halved = pool.target
        assert 30 <= halved <= 34
        for _ in range(10):
            settle(retries=1)
        assert pool.target == 4
        for _ in range(3_000):
            settle()
        assert pool.target == 64
