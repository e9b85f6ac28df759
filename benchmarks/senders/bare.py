"""A sender that does nothing but send: what the runner is measured against."""

import queue
import threading
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.project import chunks
from braze_runner import limits
from braze_runner.client import HttpTransport, RateLimiter, Stop
from braze_runner.client.connections import Origin
from braze_runner.config import Secret
from braze_runner.engine import PushSettings

# Different bodies, sent in turn.
_BODIES = 1_000


def send(job: dict[str, Any]) -> float:
    """Send bodies that are there already, from threads that do nothing else, at the runner's own pace."""
    size, whole = limits.TRACK_OBJECTS, job["rows"] // limits.TRACK_OBJECTS
    read = chunks(Path(job["project"]), min(job["rows"], _BODIES * size), size)
    first = [chunk for chunk in read if len(chunk) == size]
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in islice(cycle([_body(chunk) for chunk in first]), whole):
        waiting.put(body)
    if rest := job["rows"] % size:
        waiting.put(_body(first[0][:rest]))
    limiter = RateLimiter(Stop(), enforce=job["limit"] is not None)
    transport = HttpTransport(Origin(job["address"], is_loopback=True), Secret("Bearer benchmark"))

    def work() -> None:
        while True:
            try:
                body = waiting.get_nowait()
            except queue.Empty:
                return
            limiter.acquire(limits.TRACK)
            while (answer := transport.send("POST", limits.TRACK_PATH, body)).status == 429:
                limiter.hold(limits.TRACK, limiter.seconds_asked(answer.headers) or 0.1)
                limiter.acquire(limits.TRACK)
            if answer.status != 201:
                raise RuntimeError(f"status {answer.status}")

    # As many as the runner has at most; without latency more than a few only take turns.
    threads = [threading.Thread(target=work) for _ in range(PushSettings.workers if job["latency"] else 4)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _body(chunk: list[tuple[str, str]]) -> bytes:
    objects = [f'{{"external_id":"{user}",{payload[1:]}' for user, payload in chunk]
    return f'{{"attributes":[{",".join(objects)}]}}'.encode()
