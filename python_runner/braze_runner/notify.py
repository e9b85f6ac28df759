"""Tells a webhook of the user's that a run went wrong: names, counts and one sentence, never a payload or a key."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

import orjson

from braze_runner.client import HttpTransport, TransportError
from braze_runner.client.connections import Origin
from braze_runner.config import KEY, is_loopback
from braze_runner.errors import ConfigError

# A receiver that is slower than this must not hold the run up.
READ_SECONDS = 10.0
_SECRETS = (KEY, "DBT_CLOUD_API_TOKEN")


@dataclass(frozen=True)
class Notification:
    """What is posted, as a JSON object with these keys; ``counts`` are those of the summary.

    ``destination`` is empty when the configuration is what is wrong.
    """

    run_id: str
    destination: str
    syncs: Sequence[str]
    error: str
    counts: Mapping[str, int]
    exit_code: int


class Notifier:
    """Posts to one URL, which is a secret itself: many webhooks have theirs in the path."""

    def __init__(self, origin: Origin, target: str, secrets: Sequence[str] = ()) -> None:
        self._origin = origin
        self._target = target
        self._secrets = secrets

    @classmethod
    def read(cls, url: str, secrets: Sequence[str] = ()) -> Self:
        """Read a URL: https, on loopback http too; ``secrets`` are cut out of what is sent. Raises ConfigError."""
        parts = _split(url)
        host = parts.hostname or ""
        local = is_loopback(host)
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise ConfigError("--notify must be an https URL.")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(Origin(f"{parts.scheme}://{parts.netloc}", is_loopback=local), target, secrets)

    @classmethod
    def of_option(cls, url: str | None, environment: Mapping[str, str]) -> Self | None:
        """Read the option ``--notify``; what the environment holds of keys is cut out of what is sent."""
        secrets = [text for name in _SECRETS if (text := environment.get(name, "").strip())]
        return cls.read(url, secrets) if url is not None else None

    def send(self, notification: Notification) -> str | None:
        """Post it, once; returns a sentence when it could not be delivered, and never raises for that."""
        error = notification.error
        for secret in self._secrets:
            error = error.replace(secret, "…")
        body = orjson.dumps(asdict(notification) | {"error": error})
        try:
            with closing(HttpTransport(self._origin, None, READ_SECONDS)) as transport:
                status = transport.send("POST", self._target, body).status
        except (TransportError, ConfigError) as exc:
            return f"The notification could not be sent: {exc}."
        if 200 <= status < 300:
            return None
        return f"The notification was refused with status {status}."


def _split(url: str) -> SplitResult:
    """Split a URL without a user or fragment, whose host is one."""
    wrong = ConfigError("--notify must be an https URL, without a user in it.")
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\#<>"'):
        raise wrong
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise wrong from exc
    if not parts.hostname or "@" in parts.netloc or "%" in parts.netloc:
        raise wrong
    return parts
