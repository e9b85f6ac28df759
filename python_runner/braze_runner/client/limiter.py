"""Keeps within Braze's allowances: one pace for each, shared by every worker of the process."""

import email.utils
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from braze_runner.client.retry import Stop
from braze_runner.limits import EPOCH_THRESHOLD, Bucket

# Requests that may go out at once after a pause, as a share of the allowance.
_BURST = 0.02
# A reset further away than this is no window that Braze documents.
_LONGEST_WINDOW = 3_600.0


@dataclass(slots=True)
class _Pace:
    """When the next request of an allowance may go out, on the monotonic clock."""

    next_at: float = 0.0
    held_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class RateLimiter:
    """Spreads requests evenly over each allowance, and stops where the headers say that it is used up.

    ``share`` is the part of each allowance that this process may use: others draw on it too, Cloud Data Ingestion
    among them (Braze: API rate limits). ``enforce`` False sends as fast as it goes, until a header says no.
    """

    def __init__(
        self,
        stop: Stop,
        share: float = 1.0,
        *,
        enforce: bool = True,
        now: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._stop = stop
        self._share = share
        self._enforce = enforce
        self._now = now
        self._epoch = epoch
        self._paces: dict[Bucket, _Pace] = {}
        self._lock = threading.Lock()

    def acquire(self, bucket: Bucket) -> None:
        """Wait until a request may go out, or the run is stopped."""
        pace, is_due = self._pace(bucket), False
        while not is_due:
            waited = self._until_sent(pace, bucket) - self._now()
            if waited > 0 and self._stop.wait(waited):
                return
            # A 429 met by another worker meanwhile holds for all, and puts them in a new queue behind it.
            is_due = pace.held_until <= self._now()

    def rate(self, bucket: Bucket) -> float:
        """Return the requests a second that are aimed at."""
        return (bucket.requests * self._share - self._burst(bucket)) / bucket.seconds

    def hold(self, bucket: Bucket, seconds: float) -> None:
        """Let nobody send for so long from now."""
        pace = self._pace(bucket)
        with pace.lock:
            pace.held_until = max(pace.held_until, self._now() + seconds)

    def learn(self, bucket: Bucket, headers: Mapping[str, str]) -> None:
        """Stop until the window resets when no more is left of it than others were promised."""
        limit, remaining = _number(headers, "X-RateLimit-Limit"), _number(headers, "X-RateLimit-Remaining")
        if limit is None or remaining is None or remaining > limit * (1 - self._share):
            return
        seconds = self._seconds_to_reset(headers)
        if seconds is not None:
            self.hold(bucket, seconds)

    def seconds_asked(self, headers: Mapping[str, str]) -> float | None:
        """Return the wait that the headers of a 429 ask for, an hour at most, or None.

        ``X-Ratelimit-Retry-After`` is in seconds (Braze: POST /users/track). ``Retry-After`` is undocumented and
        comes last.
        """
        for seconds in (
            _number(headers, "X-Ratelimit-Retry-After"),
            self._seconds_to_reset(headers),
            _number(headers, "Retry-After"),
        ):
            if seconds is not None:
                return min(max(0.0, seconds), _LONGEST_WINDOW)
        return None

    def _seconds_to_reset(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds until the window resets; None also for more than any window that Braze documents.

        ``X-RateLimit-Reset`` is an epoch or seconds, told apart by size (Braze documents both: API rate limits,
        POST /users/track). An epoch is compared with the answer's own clock where it tells it.
        """
        reset = _number(headers, "X-RateLimit-Reset")
        if reset is not None and reset > EPOCH_THRESHOLD:
            reset = max(0.0, reset - (_sent_at(headers) or self._epoch()))
        return None if reset is None or reset > _LONGEST_WINDOW else reset

    def _until_sent(self, pace: _Pace, bucket: Bucket) -> float:
        """Take the next place in the queue; returns the moment at which it is this request's turn."""
        with pace.lock:
            now = self._now()
            if not self._enforce:
                return max(now, pace.held_until)
            rate = self.rate(bucket)
            earliest = now - self._burst(bucket) / rate
            moment = max(pace.next_at, earliest, pace.held_until)
            pace.next_at = moment + 1 / rate
            return moment

    def _burst(self, bucket: Bucket) -> float:
        """Return the requests that may go out at once; they and a window's pace make up the allowance."""
        allowed = bucket.requests * self._share
        return max(min(1.0, allowed / 2), allowed * _BURST)

    def _pace(self, bucket: Bucket) -> _Pace:
        pace = self._paces.get(bucket)
        if pace is None:
            with self._lock:
                pace = self._paces.setdefault(bucket, _Pace())
        return pace


def _sent_at(headers: Mapping[str, str]) -> float | None:
    """Return the epoch of the header Date, or None."""
    moment = email.utils.parsedate_tz(headers.get("Date", ""))
    try:
        return None if moment is None else float(email.utils.mktime_tz(moment))
    except (ValueError, OverflowError):
        return None


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
