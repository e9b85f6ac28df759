"""What a plain script does: rows to dictionaries, a ``requests`` session, a pool of threads."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from benchmarks.project import chunks

_THREADS = 20
# Braze: POST /users/track.
_OBJECTS = 75


def send(job: dict[str, Any]) -> float:
    """Send from a pool that reads no further than twice its threads."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=_THREADS))
    url = f"{job['address']}/users/track"
    room = threading.Semaphore(2 * _THREADS)

    def post(chunk: list[tuple[str, str]]) -> None:
        try:
            objects = [json.loads(payload) | {"external_id": user} for user, payload in chunk]
            headers = {"Authorization": "Bearer benchmark"}
            while (
                answer := session.post(url, json={"attributes": objects}, headers=headers)
            ).status_code == 429:
                time.sleep(float(answer.headers["x-ratelimit-retry-after"]))
            answer.raise_for_status()
        finally:
            room.release()

    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        futures = []
        for chunk in chunks(Path(job["project"]), job["rows"], _OBJECTS):
            room.acquire()
            futures.append(pool.submit(post, chunk))
        for future in futures:
            future.result()
    return time.perf_counter() - started
