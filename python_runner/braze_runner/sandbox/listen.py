"""The uvicorn server around the app; the one module of the sandbox that imports uvicorn."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from braze_runner.errors import ConfigError
from braze_runner.sandbox.app import create_app
from braze_runner.sandbox.broken import TRANSPORT
from braze_runner.sandbox.settings import Settings


class _Protocol(H11Protocol):
    """Gives each request the connection that it came by, as an ASGI extension: some faults break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the app for the requests of this connection."""
        super().connection_made(transport)
        served = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await served(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell."""
        await super().startup(sockets)
        self._tell()


def listen(settings: Settings, started: Callable[[str], None], until_eof: int | None = None) -> None:
    """Serve until SIGINT, SIGTERM or the end of ``until_eof``; ConfigError where the address is taken."""
    with _bound(settings) as bound:
        host, port = bound.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        config = uvicorn.Config(
            create_app(settings),
            http=_Protocol,
            log_level="warning",
            access_log=False,
            proxy_headers=False,  # who asks is the one at the other end, whatever a header says
            ws="none",
            timeout_graceful_shutdown=10,
        )
        server = _Server(config, lambda: started(url))
        if until_eof is not None:
            threading.Thread(target=_stop_at_eof, args=(server, until_eof), daemon=True).start()
        server.run(sockets=[bound])


def _bound(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as exc:
        reason = exc.strerror or exc
        raise ConfigError(f"The sandbox cannot listen on {settings.host}:{settings.port}: {reason}.") from exc
    return bound


def _stop_at_eof(server: uvicorn.Server, descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    server.should_exit = True
