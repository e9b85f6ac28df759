"""One request to an endpoint of Braze: key, body, transaction, request log."""

import hmac
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from braze_runner import times
from braze_runner.limits import OTHERS, Bucket
from braze_runner.sandbox.applier import Applier
from braze_runner.sandbox.broken import broken
from braze_runner.sandbox.buckets import RateLimits
from braze_runner.sandbox.endpoints import Endpoint
from braze_runner.sandbox.faults import Faults
from braze_runner.sandbox.http import Answer, Call, is_asked_locally, parsed
from braze_runner.sandbox.profiles import LoggedRequest, ProfileStore
from braze_runner.sandbox.settings import DEFAULT_API_KEY, Settings
from braze_runner.sandbox.work import SLOW_WORK, WORK

_LOGGER = logging.getLogger(__name__)
_NOT_FOUND = Answer(404, {"message": "Not Found"})
_FORBIDDEN = Answer(403, {"message": "The API key lacks the permission for this endpoint"})
_TOO_MANY = Answer(429, {"message": "Too Many Requests"})
_WRONG_KEY = Answer(401, {"message": "Invalid API Key"})


class Sandbox:
    """One running sandbox: its store, its applier, its windows and its faults."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = ProfileStore(settings.db)
        self.applier = Applier(self.store, settings, WORK, SLOW_WORK)
        self.limits = RateLimits(settings)
        self.faults = Faults(settings.faults, settings.seed)

    def respond(self, endpoint: Endpoint | None, request: Request, content: bytes | None) -> Response:
        """Serve one request, or let the fault that it is chosen for happen to it."""
        path = request.scope["path"]
        fault = self.faults.pick(path)
        if fault is None:
            return self._answer(endpoint, request, content)
        if fault.applied:
            return broken(fault, path, self._answer(endpoint, request, content, fault.kind))
        response = broken(fault, path, Response())
        with self.store.transaction():
            self._log(request, Answer(response.status_code, None), fault.kind)
        return response

    def _answer(
        self, endpoint: Endpoint | None, request: Request, content: bytes | None, fault: str | None = None
    ) -> Response:
        """Serve one request with its whole body (None: over the limit), log it, and commit both together."""
        if endpoint is not None and not endpoint.open(self.settings):
            endpoint = None
        refused, body, told = self._admitted(endpoint, request, content)
        try:
            with self.store.transaction():
                answer = refused or self._handled(endpoint, request, body)
                written = orjson.dumps(answer.body)
                self._log(request, answer, fault)
        except Exception:
            _LOGGER.exception("The sandbox failed on %s", request.scope["path"])
            answer = Answer(500, {"message": "Internal Server Error"})
            written = orjson.dumps(answer.body)
            with self.store.transaction():
                self._log(request, answer, fault)
        headers = {**told, **answer.headers}
        return Response(written, answer.status, headers=headers, media_type="application/json")

    def refusal_of_key(self, request: Request) -> Answer | None:
        """Return the answer to a request that does not carry the key."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return None if scheme == "Bearer" and self.is_key(given.encode("latin-1"), request) else _WRONG_KEY

    def is_key(self, given: bytes, request: Request) -> bool:
        """Say whether this is the key; the one that everybody knows counts where a local name is asked for."""
        if self.settings.api_key == DEFAULT_API_KEY and not is_asked_locally(request):
            return False
        return hmac.compare_digest(given, self.settings.api_key.encode())

    def _admitted(
        self, endpoint: Endpoint | None, request: Request, content: bytes | None
    ) -> tuple[Answer | None, Any, Mapping[str, str]]:
        """Return the answer to a request that is refused, the parsed body, and the headers on its allowance.

        What the key may not ask for does not draw on an allowance.
        """
        if endpoint is None:
            return _NOT_FOUND, None, self.limits.told(OTHERS)
        denied = self._denied(endpoint, request)
        if denied:
            return denied, None, self.limits.told(_bucket(endpoint, None))
        refused, body = self._parsed(endpoint, request, content)
        taken = self.limits.take(_bucket(endpoint, body))
        return (refused if taken.allowed else _TOO_MANY), body, taken.headers

    def _denied(self, endpoint: Endpoint, request: Request) -> Answer | None:
        allowed = self.settings.permissions
        forbidden = allowed is not None and endpoint.permission not in allowed
        return self.refusal_of_key(request) or (_FORBIDDEN if forbidden else None)

    def _parsed(
        self, endpoint: Endpoint, request: Request, content: bytes | None
    ) -> tuple[Answer | None, Any]:
        if not content and not endpoint.needs_body:
            return None, None
        if content is not None and len(content) > endpoint.max_bytes:
            content = None
        return parsed(request, content, endpoint.too_large)

    def _handled(self, endpoint: Endpoint | None, request: Request, body: Any) -> Answer:
        if endpoint is None:
            return _NOT_FOUND
        url = str(request.url.replace(query=""))
        call = Call(
            body, self.settings, self.store, self.applier, url, request.path_params, request.query_params
        )
        return endpoint.handle(call)

    def _log(self, request: Request, answer: Answer, fault: str | None = None) -> None:
        now = times.text_of(datetime.now(UTC))
        path, (status, body, objects, errors, _) = request.scope["path"], answer
        self.store.log(
            LoggedRequest(now, request.method, path, status, objects, errors, _detail(status, body), fault)
        )


def _bucket(endpoint: Endpoint, body: Any) -> Bucket:
    return endpoint.bucket(body) if callable(endpoint.bucket) else endpoint.bucket


def _detail(status: int, body: Any) -> str | None:
    """Return the text of the first error in an answer; the texts hold no value of a request."""
    if not isinstance(body, dict):
        return None
    errors = body.get("errors")
    if errors and isinstance(errors[0], dict):
        return str(errors[0].get("type") or errors[0].get("message"))
    return str(body["message"]) if status >= 400 and "message" in body else None
