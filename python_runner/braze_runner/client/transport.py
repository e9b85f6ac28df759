"""One POST: the only place that knows the key and the HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import requests
from requests.adapters import HTTPAdapter

from braze_runner import __version__
from braze_runner.config import BrazeConfig

# Seconds to connect, and between two bytes of an answer.
_TIMEOUTS = (10.0, 60.0)


class TransportError(Exception):
    """No whole answer came: refused, reset, timed out, cut off. Whether Braze saw the request is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are case-insensitive (Braze sends them in lower case: API overview)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends bodies from many threads at once."""

    def post(self, path: str, body: bytes) -> Answer:
        """Send one body and return whatever answer came; raises TransportError when none did."""

    def close(self) -> None:
        """Close the connections."""


class RequestsTransport:
    """``requests``' own connection pool, used below its session.

    So nothing can add credentials from a netrc file, store a cookie, or follow a redirect with the key, and a
    request costs half the time. Proxies and certificates from the environment count, except on loopback.
    """

    def __init__(self, config: BrazeConfig, connections: int) -> None:
        self._endpoint = config.endpoint
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)
        self._headers = {
            "Authorization": f"Bearer {config.key.reveal()}",
            "Content-Type": "application/json",
            "User-Agent": f"dbt-braze/{__version__}",
        }
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self._proxies: dict[str, str] = {}
        self._verify: bool | str = True
        if not config.is_loopback:
            with requests.Session() as session:
                settings = session.merge_environment_settings(config.endpoint, {}, None, None, None)
            self._proxies, self._verify = dict(settings["proxies"]), settings["verify"] or True

    def post(self, path: str, body: bytes) -> Answer:
        """Send one body; any status is an answer, a redirect too."""
        template = self._prepared.get(path)
        if template is None:
            template = requests.Request("POST", self._endpoint + path, headers=self._headers).prepare()
            self._prepared[path] = template
        request = template.copy()
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        try:
            response = self._adapter.send(
                request, timeout=_TIMEOUTS, verify=self._verify, proxies=self._proxies
            )
            return Answer(response.status_code, response.headers, response.content)
        except (requests.RequestException, OSError) as exc:
            # The class alone: the text of some holds the proxy's address with its password.
            raise TransportError(type(exc).__name__) from exc

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()
