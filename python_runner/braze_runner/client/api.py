"""Single calls to a JSON API, each tried until it has an answer: everything but the push of rows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests.utils

from braze_runner.client.limiter import RateLimiter
from braze_runner.client.retry import RetryPolicy, Stop
from braze_runner.client.transport import Answer, Transport, TransportError
from braze_runner.errors import StoppedError

RATE_LIMITED = 429
BAD_REQUEST = 400
_MESSAGE_CHARACTERS = 200


class ApiError(StoppedError):
    """The API refused a call for good, or gave no usable answer; ``status`` is None without an answer."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


@contextmanager
def asking_for(permission: str) -> Iterator[None]:
    """Say which permission of the API key a call needs when Braze refuses it."""
    try:
        yield
    except ApiError as exc:
        if exc.status in (401, 403):
            words = f"Check that BRAZE_API_KEY belongs to this endpoint and has the permission {permission}."
            raise ApiError(f"{exc} {words}", exc.status) from exc
        raise


@dataclass(frozen=True, slots=True)
class Reply:
    """A decoded answer: its JSON object, empty for a body that is none."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        """Return what the API says in words, in short."""
        status = self.body.get("status")
        # Braze has it at the top, dbt Cloud in its status.
        other = status.get("user_message") if isinstance(status, dict) else None
        return " ".join(str(self.body.get("message") or other or "").split())[:_MESSAGE_CHARACTERS]


class Api:
    """Calls to one API, whose name stands in the errors; a ``stop`` cuts every wait short."""

    def __init__(
        self, transport: Transport, stop: Stop, policy: RetryPolicy | None = None, name: str = "Braze"
    ) -> None:
        self._transport = transport
        self._stop = stop
        self._policy = policy or RetryPolicy()
        self._seconds_asked = RateLimiter(stop).seconds_asked
        self._name = name

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Get one JSON object; raises ApiError."""
        return self._checked("GET", path, self._call("GET", path, None, query, _never))

    def post(self, path: str, body: Any = None, is_answer: Callable[[Answer], bool] | None = None) -> Reply:
        """Post JSON or nothing; ``is_answer`` tells a refusal that is to be returned and not tried again."""
        content = None if body is None else orjson.dumps(body)
        is_answer = is_answer or _never
        answer = self._call("POST", path, content, None, is_answer)
        if is_answer(answer):
            return Reply(answer.status, _object(answer) or {}, answer.headers)
        return self._checked("POST", path, answer)

    def download(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Get a file as it is; raises ApiError."""
        answer = self._call("GET", path, None, query, _is_success)
        self._checked("GET", path, answer)
        return answer.body

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects in ``results`` of every page.

        Of the ``Link`` header the cursor alone is used: the address stays ours (Braze: GET /cdi/integrations).
        """
        query: dict[str, str] | None = None
        seen: set[str] = set()
        while True:
            reply = self.get(path, query)
            results = reply.body.get("results")
            if not isinstance(results, list):
                raise ApiError(f"{self._name} answered GET {path} without results.", reply.status)
            yield from (each for each in results if isinstance(each, dict))
            cursor = _next_cursor(reply.headers)
            if cursor is None or cursor in seen:
                return
            seen.add(cursor)
            query = {"cursor": cursor}

    def _checked(self, method: str, path: str, answer: Answer) -> Reply:
        """Return a success as it is; raises ApiError for anything else."""
        reply = Reply(answer.status, _object(answer) or {}, answer.headers)
        if _is_success(answer):
            return reply
        if 300 <= answer.status < 400:
            words = "redirects, which is never followed"
        else:
            words = reply.message.rstrip(".") or "without a message"
        raise ApiError(f"{self._name} answered {method} {path} with {answer.status}: {words}.", answer.status)

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, str] | None,
        is_answer: Callable[[Answer], bool],
    ) -> Answer:
        """Send until an answer decides; raises ApiError after the last try, or at a stop."""
        failures = limited = 0
        while not self._stop.is_set():
            try:
                answer = self._transport.send(method, path, body, query)
            except TransportError as exc:
                failures = failures + 1
                problem = f"no answer ({exc}). Check the address of {self._name}, and the network"
                wait = self._policy.back_off(failures)
            else:
                if is_answer(answer) or not _may_pass_later(answer):
                    return answer
                problem = f"status {answer.status}"
                if answer.status == RATE_LIMITED:
                    limited += 1
                    wait = self._seconds_asked(answer.headers) or self._policy.back_off(limited)
                else:
                    failures += 1
                    wait = self._policy.back_off(failures)
            if failures >= self._policy.tries or limited >= self._policy.rate_limited_tries:
                tries = failures + limited
                raise ApiError(
                    f"{self._name} gave no usable answer to {method} {path} in {tries} tries: {problem}."
                )
            self._stop.wait(wait)
        raise ApiError(f"Stopped before {self._name} answered {method} {path}.")


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _never(_: Answer) -> bool:
    return False


def _may_pass_later(answer: Answer) -> bool:
    """Say whether to try again: also a success or a 400 that is no JSON object, which something in between made."""
    unreadable = (_is_success(answer) or answer.status == BAD_REQUEST) and _object(answer) is None
    return unreadable or answer.status in (408, RATE_LIMITED) or answer.status >= 500


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _next_cursor(headers: Mapping[str, str]) -> str | None:
    for link in requests.utils.parse_header_links(headers.get("Link", "")):
        if link.get("rel") == "next":
            return parse_qs(urlsplit(link.get("url", "")).query).get("cursor", [None])[0]
    return None
