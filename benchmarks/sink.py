"""A server that takes any POST and answers like Braze after a set latency, as fast as it can."""

import asyncio
import re
import sys
from typing import cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BODY = b'{"message":"success","attributes_processed":75}'
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)


class Sink(asyncio.Protocol):
    """One keep-alive connection; a client sends its next request only after the answer."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._received = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection to answer on."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there."""
        self._received += data
        if not self._needed:
            end = self._received.find(b"\r\n\r\n")
            length = _LENGTH.search(self._received, 0, end) if end >= 0 else None
            if length is None:
                return
            self._needed = end + 4 + int(length[1])
        if len(self._received) >= self._needed:
            self._received.clear()
            self._needed = 0
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, _ANSWER)
            else:
                self._transport.write(_ANSWER)


async def serve(latency: float) -> None:
    """Serve on a free loopback port, which is the first line of the output, until killed."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(latency), "127.0.0.1", 0, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
