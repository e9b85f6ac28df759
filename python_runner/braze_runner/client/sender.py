"""Sends one packed request to its end: accepted, its bad rows rejected, or held back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from braze_runner.client import answers
from braze_runner.client.limiter import RateLimiter
from braze_runner.client.retry import RetryPolicy, Stop
from braze_runner.client.transport import Answer, Transport, TransportError
from braze_runner.errors import StoppedError
from braze_runner.plan import Reject, Request, Row, rejected


@dataclass(slots=True)
class Outcome:
    """What became of a request's rows, by their index.

    ``held`` rows certainly did nothing yet, or may do it again; ``unknown`` ones may have arrived and count each
    time, as may ``doubtful`` ones so far, and those ``resent`` did so in doubt, once for each time. An ``error``
    ends the run. ``latency`` is that of the last answer, in seconds.
    """

    request: Request[Any]
    sent: Sequence[int] = ()
    rejects: dict[int, Reject] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    doubtful: set[int] = field(default_factory=set)
    resent: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    requests: int = 0
    retries: int = 0
    latency: float = 0.0
    error: StoppedError | None = None


class _HeldBackError(Exception):
    """The stop was asked for while the request waited for another try."""


class _UnknownError(Exception):
    """The doubtful ones of the rows must not be sent again (R3)."""


class _TryAgainError(Exception):
    """The same body may pass later; ``maybe_received`` says whether it may have been taken already."""

    def __init__(self, problem: str, *, maybe_received: bool) -> None:
        super().__init__(problem)
        self.maybe_received = maybe_received


class _RateLimitedError(_TryAgainError):
    """Braze asks for a pause, of so many seconds if it says."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(f"status {answers.RATE_LIMITED}", maybe_received=False)
        self.seconds = seconds


class Sender:
    """Shared by all workers; ``order_gap`` is the seconds between two requests about one user."""

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy,
        stop: Stop,
        limiter: RateLimiter,
        order_gap: float = 0.0,
    ) -> None:
        self._transport = transport
        self._policy = policy
        self._stop = stop
        self._limiter = limiter
        self._order_gap = order_gap

    def send(self, request: Request[Any]) -> Outcome:
        """Send a request until each row has an end; never raises for what Braze or the network does."""
        outcome = Outcome(request)
        pending = [list(range(len(request.rows)))]
        sent: list[int] = []
        while pending:
            indexes = pending.pop()
            if sent and _users(sent, request) & _users(indexes, request):
                self._stop.wait(self._order_gap)
            try:
                done, again = self._send_rows(indexes, outcome)
                sent += done
                pending += again
            except _UnknownError:
                rest = _put_aside(indexes, outcome)
                pending += [rest] if rest else []
            except (_HeldBackError, StoppedError) as exc:
                left = [*indexes, *(index for part in pending for index in part)]
                outcome.held = _put_aside(left, outcome)
                outcome.error = exc if isinstance(exc, StoppedError) else None
                break
        outcome.sent = sent
        return outcome

    def _send_rows(self, indexes: list[int], outcome: Outcome) -> tuple[list[int], list[list[int]]]:
        """Send some rows; returns those accepted, and the parts to send again, each smaller than what came in."""
        request = outcome.request
        rows = [request.rows[index] for index in indexes]
        answer, errors = self._post(indexes, rows, outcome)
        accepted = answers.is_success(answer)
        if not accepted:
            errors = answers.read_refusal(answer, request.envelope.endpoint, rows)
        for position, message in errors.by_index.items():
            outcome.rejects[indexes[position]] = rejected(
                rows[position], "braze_rejected", message, answer.status, request.number
            )
        rest = [index for position, index in enumerate(indexes) if position not in errors.by_index]
        if accepted and not errors.unmapped:
            return rest, []
        if rest and len(indexes) == 1:
            reason = "too_large_for_braze" if answer.status == answers.TOO_LARGE else "braze_refused"
            message = errors.message or f"Braze answered {answer.status} without a message."
            row = request.rows[rest[0]]
            outcome.rejects[rest[0]] = rejected(row, reason, message, answer.status, request.number)
            return [], []
        if accepted:
            outcome.doubtful.update(_once_only(rest, request))
            if not self._policy.resend_unknown:
                rest = _put_aside(rest, outcome)
        if len(rest) < len(indexes):
            return [], [rest] if rest else []
        return [], _halves(rest, request)

    def _post(
        self, indexes: list[int], rows: list[Row], outcome: Outcome
    ) -> tuple[Answer, answers.RowErrors]:
        """Post until an answer decides about the rows; raises StoppedError, _HeldBackError or _UnknownError."""
        request, failures, limited = outcome.request, 0, 0
        bucket, body = request.envelope.endpoint.bucket, request.body(rows)
        while True:
            self._limiter.acquire(bucket)
            if self._stop.is_set():
                raise _HeldBackError
            outcome.requests += 1
            outcome.retries += bool(failures or limited)
            outcome.resent += [index for index in indexes if index in outcome.doubtful]
            try:
                return self._post_once(body, rows, outcome)
            except _RateLimitedError as exc:
                limited, problem = limited + 1, str(exc)
                # A wait of nothing would be met by the next refusal.
                self._limiter.hold(bucket, exc.seconds or self._policy.back_off(limited))
            except _TryAgainError as exc:
                failures, problem = failures + 1, str(exc)
                if exc.maybe_received:
                    outcome.doubtful.update(_once_only(indexes, request))
            is_doubtful = not outcome.doubtful.isdisjoint(indexes)
            if is_doubtful and not self._policy.resend_unknown:
                raise _UnknownError
            if failures >= self._policy.tries or limited >= self._policy.rate_limited_tries:
                if is_doubtful:
                    raise _UnknownError
                raise StoppedError(f"Braze gave no usable answer in {failures + limited} tries: {problem}.")
            if failures:
                self._stop.wait(self._policy.back_off(failures))

    def _post_once(self, body: bytes, rows: list[Row], outcome: Outcome) -> tuple[Answer, answers.RowErrors]:
        """Post once; raises _TryAgainError for what may pass later and StoppedError for what can't."""
        envelope = outcome.request.envelope
        endpoint, started = envelope.endpoint, time.monotonic()
        try:
            answer = self._transport.send(endpoint.method, envelope.path, body)
        except TransportError as exc:
            problem = f"no answer ({exc}). Check BRAZE_REST_ENDPOINT, and the network"
            raise _TryAgainError(problem, maybe_received=exc.maybe_received) from exc
        outcome.latency = time.monotonic() - started
        if answers.is_success(answer):
            self._limiter.learn(endpoint.bucket, answer.headers)
            try:
                return answer, answers.read_row_errors(answer, endpoint, rows)
            except answers.UnreadableAnswerError as exc:
                problem = f"status {answer.status} with a body that can't be read"
                raise _TryAgainError(problem, maybe_received=True) from exc
        if answers.is_bad_request(answer):
            return answer, answers.RowErrors({})
        if answer.status == answers.RATE_LIMITED:
            raise _RateLimitedError(self._limiter.seconds_asked(answer.headers))
        if answers.is_transient(answer):
            raise _TryAgainError(f"status {answer.status}", maybe_received=answers.is_maybe_received(answer))
        raise StoppedError(answers.stop_sentence(answer, endpoint))


def _users(indexes: list[int], request: Request[Any]) -> set[bytes]:
    """Return whom rows are about, as far as their order counts: where that is in the payload, it does not."""
    return {request.rows[index].identifier for index in indexes} - {b""}


def _halves(indexes: list[int], request: Request[Any]) -> list[list[int]]:
    """Return two parts of several rows, the second first; rows of one user stay together while there are others.

    Braze promises no order between requests (POST /users/track), so such rows would have to wait for each other (R2).
    """
    users: dict[bytes | int, list[int]] = {}
    for index in indexes:
        users.setdefault(request.rows[index].identifier or index, []).append(index)
    groups = list(users.values()) if len(users) > 1 else [[index] for index in indexes]
    first = groups.pop(0)
    while len(groups) > 1 and len(first) + len(groups[0]) <= len(indexes) // 2:
        first = first + groups.pop(0)
    return [sorted(index for group in groups for index in group), sorted(first)]


def _once_only(indexes: list[int], request: Request[Any]) -> list[int]:
    """Return the rows that do something else when they arrive twice."""
    return [] if request.repeatable else [index for index in indexes if not request.rows[index].repeatable]


def _put_aside(indexes: list[int], outcome: Outcome) -> list[int]:
    """Make doubtful rows unknown; returns the others."""
    outcome.unknown += [index for index in indexes if index in outcome.doubtful]
    return [index for index in indexes if index not in outcome.doubtful]
