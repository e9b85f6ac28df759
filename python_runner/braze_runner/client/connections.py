"""Kept HTTP connections to one origin, through the environment's proxy and with its certificates."""

import http.client
import ssl
from base64 import b64encode
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
import requests.utils
from urllib3.util import wait_for_read

from braze_runner.errors import ConfigError

# Seconds to connect, and between two bytes of an answer.
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port, as in ``https://rest.iad-01.braze.com``; on loopback no proxy is used."""

    url: str
    is_loopback: bool


class Connections:
    """Hands out open connections, each to one thread at a time; kept ones first."""

    def __init__(self, origin: Origin, read_seconds: float | None = None) -> None:
        self._read_seconds = READ_SECONDS if read_seconds is None else read_seconds
        parts = urlsplit(origin.url)
        self._host, self._port = parts.hostname or "", parts.port
        self._context: ssl.SSLContext | None = None
        self._proxy: _Proxy | None = None
        if parts.scheme == "https":
            self._context = _trusted_context()
            self._proxy = None if origin.is_loopback else _proxy_for(origin.url)
        # Both ends of a deque are safe to use from many threads, without a lock of our own.
        self._idle: deque[http.client.HTTPConnection] = deque()

    def take(self) -> http.client.HTTPConnection:
        """Return an open connection; raises OSError or HTTPException when none can be made."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if _is_quiet(connection):
                return connection
            connection.close()
        return self._open()

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose answer has been read."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> http.client.HTTPConnection:
        connection = self._new()
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        connection.sock.settimeout(self._read_seconds)
        return connection

    def _new(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self._host, self._port)
        connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._context)
        if self._proxy:
            connection.set_tunnel(self._host, self._port or 443, self._proxy.headers)
        return connection


@dataclass(frozen=True)
class _Proxy:
    """An HTTP proxy that is asked for a tunnel, so that it sees the host and nothing else."""

    host: str
    port: int
    headers: dict[str, str]


def _proxy_for(url: str) -> _Proxy | None:
    """Return the proxy that the environment names for a URL, by HTTPS_PROXY, ALL_PROXY and NO_PROXY."""
    named = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if not named:
        return None
    try:
        parts = urlsplit(named if "://" in named else f"http://{named}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme != "http":
        raise ConfigError("HTTPS_PROXY must name an HTTP proxy, such as http://proxy.example:3128.")
    headers = {}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(pair).decode()}"
    return _Proxy(host, port or 80, headers)


def _trusted_context() -> ssl.SSLContext:
    """Trust what ``requests`` would: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, else the bundle that it comes with."""
    with requests.Session() as session:
        verify = session.merge_environment_settings("https://", {}, None, None, None)["verify"]
    path = Path(verify if isinstance(verify, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH)
    try:
        return ssl.create_default_context(
            cafile=None if path.is_dir() else str(path), capath=str(path) if path.is_dir() else None
        )
    except OSError as exc:
        raise ConfigError(f"The certificates at {path} can't be read (REQUESTS_CA_BUNDLE).") from exc


def _is_quiet(connection: http.client.HTTPConnection) -> bool:
    """Say whether a kept connection is still open: between requests nothing is to be read but its end."""
    return not wait_for_read(connection.sock, timeout=0)
