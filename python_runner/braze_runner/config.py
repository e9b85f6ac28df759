"""Where to push and with which key: read from the environment, in this one place."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from braze_runner.errors import ConfigError

ENDPOINT, KEY, DESTINATION = "BRAZE_REST_ENDPOINT", "BRAZE_API_KEY", "BRAZE_DESTINATION"
ALLOWED_HOST = "BRAZE_ALLOWED_HOST"

# rest.iad-01.braze.com, rest.us-10.braze.com, rest.fra-01.braze.eu, … (Braze: API overview, endpoints).
_REST_HOST = re.compile(r"rest\.[a-z]{2,4}-\d{2}\.braze\.(com|eu)")
_DESTINATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Secret:
    """A text that shows only when asked for by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True)
class BrazeConfig:
    """One destination: its name, its REST endpoint without a trailing slash, and its key."""

    endpoint: str
    host: str
    key: Secret
    destination: str = "default"

    @property
    def is_loopback(self) -> bool:
        """Say whether the endpoint is on this machine."""
        return _is_loopback(self.host)


def read_config(environment: Mapping[str, str]) -> BrazeConfig:
    """Read the configuration; raises ConfigError with one sentence on what is missing or wrong."""
    for name in (ENDPOINT, KEY):
        if not environment.get(name, "").strip():
            raise ConfigError(f"{name} is not set.")
    key = environment[KEY].strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{KEY} holds characters that no key has.")
    destination = environment.get(DESTINATION, "").strip() or "default"
    if not _DESTINATION.fullmatch(destination):
        raise ConfigError(f"{DESTINATION} may hold letters, digits, '_', '-' and '.', 100 at most.")
    endpoint, host = _check_endpoint(environment[ENDPOINT].strip(), environment.get(ALLOWED_HOST, "").strip())
    return BrazeConfig(endpoint, host, Secret(key), destination)


def _check_endpoint(text: str, allowed_host: str) -> tuple[str, str]:
    """Return (endpoint, host) of a host or URL that the key may be sent to."""
    parts = _split(text)
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ConfigError(f"{ENDPOINT} must be https.")
    if not (_is_loopback(host) or (allowed_host and host == allowed_host.lower()) or _is_braze(host, port)):
        raise ConfigError(
            f"{ENDPOINT} is not one of Braze's REST hosts (such as rest.iad-01.braze.com); "
            f"if {host} is right, name it in {ALLOWED_HOST} too."
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else ""), host


def _split(text: str) -> SplitResult:
    """Split a host or URL that is nothing but scheme, host and port."""
    wrong = ConfigError(
        f"{ENDPOINT} must be a host or an https URL with a host alone: no user, path or query."
    )
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in " \\@?#%"):
        raise wrong
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname or ""
        text = f"{'http' if _is_loopback(host) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as exc:
        raise wrong from exc
    if not parts.hostname or parts.path not in ("", "/"):
        raise wrong
    return parts


def _is_braze(host: str, port: int | None) -> bool:
    return port in (None, 443) and _REST_HOST.fullmatch(host) is not None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
