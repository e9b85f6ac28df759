"""Answers that go wrong on the way: what a client gets for each kind of fault."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

import orjson
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from braze_runner.sandbox.faults import Fault

TRANSPORT: Final = "braze_runner.transport"
"""The ASGI extension under which a request finds the connection that it came by."""

_PAGE = "<html><head><title>{0} error</title></head><body><h1>{0} error</h1></body></html>\n"
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Reset(Response):
    """No answer: the connection is reset. The request log has status 0."""

    def __init__(self) -> None:
        super().__init__(status_code=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI)
        """Reset the connection and wait until it is gone, so the server has nothing left to answer."""
        transport = scope["extensions"][TRANSPORT]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        transport.abort()
        await _gone(receive)


class Truncated(Response):
    """Half of a body, then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers of the whole body and half of it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["extensions"][TRANSPORT].close()
        await _gone(receive)


class Slow(Response):
    """An answer that comes late, unless the client has gone by then."""

    def __init__(self, answered: Response, seconds: float) -> None:
        super().__init__(status_code=answered.status_code)
        self._answered = answered
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer."""
        try:
            await asyncio.wait_for(_gone(receive), self._seconds)
        except TimeoutError:
            await self._answered(scope, receive, send)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def broken(fault: Fault, path: str, answered: Response) -> Response:
    """Return what the client gets in place of an answer."""
    return _BROKEN[fault.kind](fault, path, answered)


def _rate_limited(fault: Fault, _path: str, _answered: Response) -> Response:
    headers = {"x-ratelimit-retry-after": str(round(fault.seconds))}
    return Response(
        orjson.dumps({"message": "Too Many Requests"}), 429, headers, media_type="application/json"
    )


def _server_error(fault: Fault, _path: str, _answered: Response) -> Response:
    body = orjson.dumps({"message": "Internal Server Error"})
    return Response(body, fault.status, media_type="application/json")


def _html(fault: Fault, _path: str, _answered: Response) -> Response:
    return Response(_PAGE.format(fault.status), fault.status, media_type="text/html")


def _redirect(fault: Fault, path: str, _answered: Response) -> Response:
    return RedirectResponse(fault.location + path, 302)


def _reset(_fault: Fault, _path: str, _answered: Response) -> Response:
    return Reset()


def _slow(fault: Fault, _path: str, answered: Response) -> Response:
    return Slow(answered, fault.seconds)


def _truncated(_fault: Fault, _path: str, answered: Response) -> Response:
    return Truncated(answered.body, answered.status_code, media_type="application/json")


def _empty(_fault: Fault, _path: str, answered: Response) -> Response:
    return Response(b"", answered.status_code, media_type="application/json")


_BROKEN: dict[str, Callable[[Fault, str, Response], Response]] = {
    "rate_limited": _rate_limited,
    "server_error": _server_error,
    "html": _html,
    "redirect": _redirect,
    "reset_before": _reset,
    "reset_after": _reset,
    "slow": _slow,
    "truncated": _truncated,
    "empty": _empty,
}
