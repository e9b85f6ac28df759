"""Sends one packed request to its end: accepted, its bad rows rejected, or held back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from braze_runner import limits
from braze_runner.client import answers
from braze_runner.client.retry import Pause, RetryPolicy, Stop
from braze_runner.client.transport import Answer, Transport, TransportError
from braze_runner.errors import StoppedError
from braze_runner.plan import Reject, Request, Row


@dataclass(slots=True)
class Outcome:
    """What became of a request's rows; ``held`` ones stay pending, an ``error`` ends the run."""

    request: Request
    sent: int = 0
    attributes: int = 0
    data_points: int = 0
    rejects: list[Reject] = field(default_factory=list)
    held: int = 0
    requests: int = 0
    retries: int = 0
    error: StoppedError | None = None

    def accept(self, rows: Sequence[Row]) -> None:
        """Count rows that Braze queued."""
        self.sent += len(rows)
        for row in rows:
            self.attributes += row.attributes
            self.data_points += row.data_points

    def reject(self, row: Row, reason: str, message: str, status: int) -> None:
        """Take a row that Braze refused."""
        self.rejects.append(
            Reject(row.braze_row, row.identifier, row.payload, reason, message, status, self.request.number)
        )


class _HeldBackError(Exception):
    """The stop was asked for while the request waited for another try."""


class _TryAgainError(Exception):
    """The same body may pass later."""


class _RateLimitedError(_TryAgainError):
    """Braze asks for a pause, of so many seconds if it says."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(f"status {answers.RATE_LIMITED}")
        self.seconds = seconds


class Sender:
    """Shared by all workers: they meet the same pause after a 429."""

    def __init__(self, transport: Transport, policy: RetryPolicy, stop: Stop, pause: Pause) -> None:
        self._transport = transport
        self._policy = policy
        self._stop = stop
        self._pause = pause

    def send(self, request: Request) -> Outcome:
        """Send a request until each row has an end; never raises for what Braze or the network does."""
        outcome = Outcome(request)
        pending = [request.rows] if request.rows else []
        while pending:
            rows = pending.pop()
            try:
                pending.extend(self._send_rows(rows, outcome))
            except (_HeldBackError, StoppedError) as exc:
                outcome.held = len(rows) + sum(map(len, pending))
                outcome.error = exc if isinstance(exc, StoppedError) else None
                break
        return outcome

    def _send_rows(self, rows: list[Row], outcome: Outcome) -> list[list[Row]]:
        """Send some rows; returns the parts that have to be sent again, each smaller than what came in."""
        answer, errors = self._post(rows, outcome)
        array = outcome.request.array
        if answers.is_success(answer):
            for index, message in errors.by_index.items():
                outcome.reject(rows[index], "braze_rejected", message, answer.status)
            outcome.accept([row for index, row in enumerate(rows) if index not in errors.by_index])
            return []
        refusal = answers.read_refusal(answer, array, len(rows))
        for index, message in refusal.by_index.items():
            outcome.reject(rows[index], "braze_rejected", message, answer.status)
        if refusal.by_index:
            rest = [row for index, row in enumerate(rows) if index not in refusal.by_index]
            return [rest] if rest else []
        if len(rows) == 1:
            reason = "too_large_for_braze" if answer.status == answers.TOO_LARGE else "braze_refused"
            message = refusal.message or f"Braze answered {answer.status} without a message."
            outcome.reject(rows[0], reason, message, answer.status)
            return []
        middle = len(rows) // 2
        return [rows[middle:], rows[:middle]]

    def _post(self, rows: list[Row], outcome: Outcome) -> tuple[Answer, answers.RowErrors]:
        """Post until an answer decides about the rows; raises StoppedError or _HeldBackError without one."""
        body, failures, limited = outcome.request.body(rows), 0, 0
        while True:
            self._pause.pass_through()
            if self._stop.is_set():
                raise _HeldBackError
            outcome.requests += 1
            outcome.retries += bool(failures or limited)
            try:
                return self._post_once(body, outcome.request.array, len(rows))
            except _RateLimitedError as exc:
                limited, problem = limited + 1, str(exc)
                self._pause.extend(self._policy.back_off(limited) if exc.seconds is None else exc.seconds)
            except _TryAgainError as exc:
                failures, problem = failures + 1, str(exc)
            if failures >= self._policy.tries or limited >= self._policy.rate_limited_tries:
                raise StoppedError(f"Braze gave no usable answer in {failures + limited} tries: {problem}.")
            if failures:
                self._stop.wait(self._policy.back_off(failures))

    def _post_once(self, body: bytes, array: str, sent: int) -> tuple[Answer, answers.RowErrors]:
        """Post once; raises _TryAgainError for what may pass later and StoppedError for what can't."""
        try:
            answer = self._transport.post(limits.TRACK_PATH, body)
            if answers.is_success(answer):
                return answer, answers.read_row_errors(answer, array, sent)
        except TransportError as exc:
            raise _TryAgainError(f"no answer ({exc})") from exc
        except answers.UnreadableAnswerError as exc:
            raise _TryAgainError(f"status {answer.status} with a body that can't be read") from exc
        if answers.is_bad_request(answer):
            return answer, answers.RowErrors({})
        if answer.status == answers.RATE_LIMITED:
            raise _RateLimitedError(self._pause.seconds_asked(answer.headers))
        if answers.is_transient(answer):
            raise _TryAgainError(f"status {answer.status}")
        raise StoppedError(answers.stop_sentence(answer))
