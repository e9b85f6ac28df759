"""Rate-limit buckets, their windows, and the headers that tell of them (Braze docs, "API rate limits").

Windows are fixed, counted from the clock and not from the first request, as Braze resets them.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from braze_runner.sandbox.settings import Settings


class Bucket(NamedTuple):
    """One allowance: so many requests in so many seconds."""

    name: str
    requests: int
    seconds: int


OTHERS = Bucket("others", 250_000, 3_600)
TRACK = Bucket("users_track", 3_000, 3)
EXPORT = Bucket("users_export_ids", 250, 60)
EXPORT_OF_FIELDS = Bucket("users_export_ids_fields", 40, 1)


def export(body: Any) -> Bucket:
    """Return the allowance of an export: a larger one where the body names the fields it wants."""
    return EXPORT_OF_FIELDS if isinstance(body, dict) and body.get("fields_to_export") else EXPORT


class RateLimits:
    """Counts the requests of each bucket."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._windows: dict[str, tuple[int, int]] = {}

    def headers(self, bucket: Bucket) -> dict[str, str]:
        """Count one request and return the three headers, in lower case as HTTP/2 sends them."""
        now = self._clock()
        window = int(now // bucket.seconds)
        started, used = self._windows.get(bucket.name, (window, 0))
        used = used + 1 if started == window else 1
        self._windows[bucket.name] = (window, used)
        reset = (window + 1) * bucket.seconds
        if self._settings.reset_header == "seconds":
            reset = max(1, round(reset - now))
        return {
            "x-ratelimit-limit": str(bucket.requests),
            "x-ratelimit-remaining": str(max(0, bucket.requests - used)),
            "x-ratelimit-reset": str(reset),
        }
