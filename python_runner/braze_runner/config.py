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
        return is_loopback(self.host)


def read_config(environment: Mapping[str, str]) -> BrazeConfig:
    """Read the configuration; raises ConfigError with one sentence on what is missing or wrong."""
    missing = [name for name in (ENDPOINT, KEY) if not environment.get(name, "").strip()]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigError(
            f"{' and '.join(missing)} {verb} not set. To try without Braze: braze-runner sandbox prints both."
        )
    key = read_secret(KEY, environment[KEY])
    destination = read_destination(environment)
    endpoint, host = _check_endpoint(environment[ENDPOINT].strip(), environment.get(ALLOWED_HOST, "").strip())
    return BrazeConfig(endpoint, host, key, destination)


def read_secret(name: str, text: str) -> Secret:
    """Return a key or token that may stand in a header; raises ConfigError, with the variable's name."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"{name} holds characters that no key has.")
    return Secret(text)


def read_origin(name: str, text: str) -> tuple[str, str]:
    """Return (origin, host) of a host or URL that a secret may be sent to: https, on loopback http too.

    Raises ConfigError, with the variable's name, for anything but a scheme, a host and a port.
    """
    parts = _split(name, text)
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(f"{name} must be https.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else ""), host


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_destination(environment: Mapping[str, str]) -> str:
    """Read the name of the destination alone; raises ConfigError for one that can't be."""
    destination = environment.get(DESTINATION, "").strip() or "default"
    if not _DESTINATION.fullmatch(destination):
        raise ConfigError(f"{DESTINATION} may hold letters, digits, '_', '-' and '.', 100 at most.")
    return destination


def _check_endpoint(text: str, allowed_host: str) -> tuple[str, str]:
    """Return (endpoint, host) of a host or URL that the key may be sent to."""
    endpoint, host = read_origin(ENDPOINT, text)
    allowed = is_loopback(host) or (allowed_host and host == allowed_host.lower())
    if not (allowed or _is_braze(host, urlsplit(endpoint).port)):
        raise ConfigError(
            f"{ENDPOINT} is not one of Braze's REST hosts (such as rest.iad-01.braze.com); "
            f"if {host} is right, name it in {ALLOWED_HOST} too."
        )
    return endpoint, host


def _split(name: str, text: str) -> SplitResult:
    """Split a host or URL that is nothing but scheme, host and port."""
    wrong = ConfigError(f"{name} must be a host or an https URL with a host alone: no user, path or query.")
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in " \\@?#%"):
        raise wrong
    try:
        if "://" not in text:
            host = urlsplit(f"//{text}").hostname or ""
            text = f"{'http' if is_loopback(host) else 'https'}://{text}"
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as exc:
        raise wrong from exc
    if not parts.hostname or parts.path not in ("", "/"):
        raise wrong
    return parts


def _is_braze(host: str, port: int | None) -> bool:
    return port in (None, 443) and _REST_HOST.fullmatch(host) is not None
