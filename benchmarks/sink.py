"""A server that takes /users/track like Braze after a set latency, within a limit of requests, as fast as it can."""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_OBJECT = b'"external_id"'
_TAKEN = b'{"message":"success","attributes_processed":75}'
_REFUSED = b'{"message":"Rate limit exceeded"}'


class Limit(NamedTuple):
    """So many requests in each window of so many seconds; windows are fixed by the clock."""

    requests: int
    seconds: int


@dataclass
class Tally:
    """What has come in: requests taken and refused, and the objects in those taken."""

    limit: Limit | None
    counts: Counter[str] = field(default_factory=Counter)
    _window: int = 0
    _in_window: int = 0

    def answer(self, request: bytearray) -> bytes:
        """Count a request and return its answer, with the headers of Braze (API rate limits)."""
        if self.limit is None:
            self._take(request)
            return _response(b"201 Created", _TAKEN)
        now, (most, seconds) = time.time(), self.limit
        window = int(now // seconds)
        if window != self._window:
            self._window, self._in_window = window, 0
        ends_at = (window + 1) * seconds
        if self._in_window >= most:
            self.counts["refused"] += 1
            wait = b"x-ratelimit-retry-after: %.3f\r\n" % (ends_at - now)
            return _response(b"429 Too Many Requests", _REFUSED, wait)
        self._in_window += 1
        self._take(request)
        left = (most, most - self._in_window, ends_at)
        names = b"x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"
        return _response(b"201 Created", _TAKEN, names % left)

    def _take(self, request: bytearray) -> None:
        self.counts["requests"] += 1
        self.counts["objects"] += request.count(_OBJECT)


class Sink(asyncio.Protocol):
    """One keep-alive connection; a client sends its next request only after the answer."""

    def __init__(self, latency: float, tally: Tally) -> None:
        self._latency = latency
        self._tally = tally
        self._received = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection to answer on."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there; a GET asks for the counts."""
        self._received += data
        if not self._needed:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end)
            self._needed = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= self._needed:
            self._answer()
            self._received.clear()
            self._needed = 0

    def _answer(self) -> None:
        if self._received.startswith(b"GET"):
            self._transport.write(_response(b"200 OK", json.dumps(self._tally.counts).encode()))
            return
        answer = self._tally.answer(self._received)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _response(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
    return head % (status, headers, len(body), body)


async def serve(latency: float, limit: Limit | None) -> None:
    """Serve on a free loopback port, which is the first line of the output, until killed."""
    tally = Tally(limit)
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(latency, tally), "127.0.0.1", 0, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(latency: float, limit: Limit | None = None) -> Iterator[str]:
    """Run the sink in a process of its own; gives its address."""
    command = [sys.executable, "-m", "benchmarks.sink", str(latency), *map(str, limit or ())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else '')}"
        finally:
            process.terminate()


def counts(address: str) -> Counter[str]:
    """Return the counts of a sink so far: ``requests``, ``refused``, ``objects``."""
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 (loopback)
        return Counter(json.load(answer))


def main() -> None:
    """Serve with the latency in seconds, and the limit if there is one, from the command line."""
    latency, *limit = sys.argv[1:]
    asyncio.run(serve(float(latency), Limit(*map(int, limit)) if limit else None))


if __name__ == "__main__":
    main()
