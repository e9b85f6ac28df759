"""One HTTP request and its answer: the only place that puts a secret on the wire."""

import http.client
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from requests.structures import CaseInsensitiveDict

from braze_runner import __version__
from braze_runner.client.connections import Connections, Origin
from braze_runner.config import BrazeConfig, Secret


class TransportError(Exception):
    """No whole answer came; the text says why in a few words, with neither an address nor a secret.

    ``maybe_received`` is False only where the request certainly never arrived: nothing of it was sent.
    """

    def __init__(self, reason: str, *, maybe_received: bool = True) -> None:
        super().__init__(reason)
        self.maybe_received = maybe_received


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are case-insensitive (Braze sends them in lower case: API overview)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends requests from many threads at once."""

    def send(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return whatever answer came; raises TransportError when none did."""

    def close(self) -> None:
        """Close the connections."""


class HttpTransport:
    """Requests to one origin with one Authorization header, over connections that are kept.

    The standard library's client: it follows no redirect, keeps no cookie and reads no netrc file, so the secret
    goes nowhere else, and a request costs a fraction of what it costs through ``requests``.
    """

    def __init__(
        self, origin: Origin, authorization: Secret | None, read_seconds: float | None = None
    ) -> None:
        self._connections = Connections(origin, read_seconds)
        headers = {
            "Host": urlsplit(origin.url).netloc,
            **({"Authorization": authorization.reveal()} if authorization else {}),
            "User-Agent": f"dbt-braze/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def send(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; any status is an answer, a redirect too."""
        request = self._request(method, f"{path}?{urlencode(query)}" if query else path, body)
        try:
            connection = self._connections.take()
        except (OSError, http.client.HTTPException) as exc:
            raise TransportError(_reason(exc), maybe_received=False) from exc
        try:
            answer, reusable = _exchange(connection, method, request)
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            raise TransportError(_reason(exc)) from exc
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._connections.give_back(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _request(self, method: str, target: str, body: bytes | None) -> bytes:
        """Return the bytes of a request; raises ValueError for a target that would not stay in its line."""
        if not re.fullmatch(r"/[\x21-\x7e]*", target):
            raise ValueError("a path holds characters that no URL has")
        length = "" if body is None and method == "GET" else f"Content-Length: {len(body or b'')}\r\n"
        return f"{method} {target} HTTP/1.1\r\n{self._headers}{length}\r\n".encode("ascii") + (body or b"")


def braze_transport(config: BrazeConfig) -> HttpTransport:
    """Return the transport to a Braze destination (Braze: API overview, authentication)."""
    origin = Origin(config.endpoint, is_loopback=config.is_loopback)
    return HttpTransport(origin, Secret(f"Bearer {config.key.reveal()}"))


def _exchange(connection: http.client.HTTPConnection, method: str, request: bytes) -> tuple[Answer, bool]:
    """Send a request and read the whole answer; returns it and whether the connection may be used again.

    Head and body go out in one write, past ``HTTPConnection.request``: with many threads each write costs more than
    all the rest.
    """
    whole = False
    # A server may refuse a body before it has read all of it: its answer is there to be read.
    with suppress(BrokenPipeError):
        connection.send(request)
        whole = True
    with closing(http.client.HTTPResponse(connection.sock, method=method)) as response:
        response.begin()
        if response.status < 200:
            # The real answer comes after it, and would be taken for that of the next request.
            raise http.client.HTTPException(f"an interim answer ({response.status})")
        content = response.read()
        names: CaseInsensitiveDict[str] = CaseInsensitiveDict(response.getheaders())
        return Answer(response.status, names, content), whole and not response.will_close


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong; the text of some errors holds an address, or a proxy's password."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    tunnel = re.match(r"Tunnel connection failed: (\d{3})", str(error))
    if tunnel:
        return f"the proxy refused to connect ({tunnel[1]})"
    for kind, words in _REASONS:
        if isinstance(error, kind):
            return words
    return "the connection failed"


# The first that fits, so a class stands before its parents.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "no TLS connection could be made"),
    (socket.gaierror, "the host name is not known"),
    (ConnectionRefusedError, "nobody listens there"),
    (TimeoutError, "it took too long"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (ConnectionError, "the connection was reset"),
    (http.client.IncompleteRead, "the answer was cut off"),
    (http.client.HTTPException, "the answer can't be read"),
)
