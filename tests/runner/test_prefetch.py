import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from braze_runner.engine.prefetch import prefetched


def test_items_come_in_order_from_another_thread() -> None:
    threads = set()

    def items() -> Iterator[int]:
        for number in range(50):
            threads.add(threading.get_ident())
            yield number

    assert list(prefetched(items, lambda: None)) == list(range(50))
    assert threading.get_ident() not in threads


def test_idle_is_called_while_nothing_comes() -> None:
    called, go_on = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        go_on.wait()
        yield 1

    def idle() -> None:
        called.set()
        go_on.set()

    assert list(prefetched(items, idle)) == [1]
    assert called.is_set()


def test_an_error_is_raised_where_the_items_are_taken() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("lost")

    taken = prefetched(items, lambda: None)
    assert next(taken) == 1
    with pytest.raises(ValueError, match="lost"):
        next(taken)


def test_leaving_early_ends_the_thread_and_closes_the_iterator() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    with closing(prefetched(items, lambda: None)) as taken:
        next(taken)
    assert closed.wait(10)
    assert threading.active_count() == before
