"""Reads on in a thread while what has been read is worked on."""

import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """Yield what a generator yields, which runs in a thread of its own, up to ``depth`` items ahead.

    An error of the generator is raised behind the items before it. When this generator is left, so is that one: in
    its own thread, which has ended by then.
    """
    ready: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    room = threading.Semaphore(depth)
    is_left = threading.Event()

    def read() -> None:
        end: BaseException | None = None
        try:
            for item in items:
                ready.put((item,))
                room.acquire()
                if is_left.is_set():
                    break
            items.close()
        except BaseException as exc:  # raised again where the items are taken
            end = exc
        ready.put(end)

    thread = threading.Thread(target=read, name="read-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(entry := ready.get(), tuple):
            yield entry[0]
            room.release()
        if entry is not None:
            raise entry
    finally:
        is_left.set()
        room.release()
        thread.join()
