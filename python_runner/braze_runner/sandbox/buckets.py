"""Rate limits: the windows of each bucket, and what answers tell of them (Braze docs, "API rate limits").

Windows are fixed, counted from the clock and not from the first request, as Braze resets them.
"""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from braze_runner.limits import EXPORT, EXPORT_OF_FIELDS, EXPORT_OF_OLD_ACCOUNT, TRACK, Bucket
from braze_runner.sandbox.settings import Settings

_WIDE_EXPORTS = {"campaigns_received", "canvases_received"}


def export_bucket(body: Any) -> Bucket:
    """Return the allowance of an export: a larger one where the body names fields, but not the widest two."""
    fields = body.get("fields_to_export") if isinstance(body, dict) else None
    if not isinstance(fields, list) or not fields or not _WIDE_EXPORTS.isdisjoint(map(str, fields)):
        return EXPORT
    return EXPORT_OF_FIELDS


class Taken(NamedTuple):
    """Whether a request is within its allowance, and the headers that tell of it."""

    allowed: bool
    headers: dict[str, str]


class RateLimits:
    """Counts the requests of each bucket."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._used: dict[str, tuple[int, int]] = {}

    def take(self, bucket: Bucket) -> Taken:
        """Count a request; one over the allowance is not counted.

        The headers are in lower case as HTTP/2 sends them. ``limits`` "off" counts and never refuses.
        """
        now = self._clock()
        windows = self._windows_of(bucket)
        exhausted = [each for each in windows if self._count(each, now) >= each.requests]
        if exhausted and self._settings.limits != "off":
            return Taken(False, self._refusal(exhausted, now))
        for each in windows:
            self._used[each.name] = (int(now // each.seconds), self._count(each, now) + 1)
        return Taken(True, self._told(windows[0], now))

    def told(self, bucket: Bucket) -> dict[str, str]:
        """Return the headers of a request that is not counted."""
        return self._told(self._windows_of(bucket)[0], self._clock())

    def _windows_of(self, bucket: Bucket) -> tuple[Bucket, ...]:
        """Return the windows that a request has to fit; contracts by monthly users have two for tracking."""
        if bucket in (EXPORT, EXPORT_OF_FIELDS) and self._settings.export_limit == "old":
            return (EXPORT_OF_OLD_ACCOUNT,)
        if bucket != TRACK or self._settings.limits != "mau":
            return (bucket,)
        hourly = Bucket("users_track_hourly", self._settings.mau_hourly, 3_600)
        return (hourly, Bucket("users_track_burst", self._settings.mau_burst, 3))

    def _count(self, bucket: Bucket, now: float) -> int:
        started, used = self._used.get(bucket.name, (-1, 0))
        return used if started == int(now // bucket.seconds) else 0

    def _refusal(self, exhausted: list[Bucket], now: float) -> dict[str, str]:
        if self._settings.refusal_headers == "window":
            return self._told(exhausted[0], now)
        wait = max((now // each.seconds + 1) * each.seconds - now for each in exhausted)
        return {"x-ratelimit-retry-after": str(math.ceil(wait))}

    def _told(self, bucket: Bucket, now: float) -> dict[str, str]:
        reset = int(now // bucket.seconds + 1) * bucket.seconds
        if self._settings.reset_header == "seconds":
            reset = max(1, round(reset - now))
        return {
            "x-ratelimit-limit": str(bucket.requests),
            "x-ratelimit-remaining": str(max(0, bucket.requests - self._count(bucket, now))),
            "x-ratelimit-reset": str(reset),
        }
