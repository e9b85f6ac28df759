"""One request to an endpoint of Braze: key, body, transaction, request log."""

import hmac
import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from braze_runner.sandbox import buckets, times
from braze_runner.sandbox.applier import Applier
from braze_runner.sandbox.buckets import RateLimits
from braze_runner.sandbox.endpoints import Endpoint
from braze_runner.sandbox.http import Answer, Call, parsed
from braze_runner.sandbox.profiles import LoggedRequest, ProfileStore
from braze_runner.sandbox.settings import Settings

_LOGGER = logging.getLogger(__name__)
_NOT_FOUND = Answer(404, {"message": "Not Found"})
_WRONG_KEY = Answer(401, {"message": "Invalid API Key"})


class Sandbox:
    """One running sandbox: its store, its applier and its windows."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = ProfileStore(settings.db)
        self.applier = Applier(self.store, settings)
        self.limits = RateLimits(settings)
        self._authorization = f"Bearer {settings.api_key}".encode()

    def answer(self, endpoint: Endpoint | None, request: Request, content: bytes | None) -> Response:
        """Serve one request with its whole body (None: over the limit), log it, and commit both together."""
        refused, body = self._refusal(endpoint, request, content)
        bucket = endpoint.bucket(body) if endpoint else buckets.OTHERS
        try:
            with self.store.transaction():
                answer = refused or self._handled(endpoint, body)
                written = orjson.dumps(answer.body)
                self._log(request, answer)
        except Exception:
            _LOGGER.exception("The sandbox failed on %s", request.url.path)
            answer = Answer(500, {"message": "Internal Server Error"})
            written = orjson.dumps(answer.body)
            with self.store.transaction():
                self._log(request, answer)
        headers = self.limits.headers(bucket)
        return Response(written, answer.status, headers=headers, media_type="application/json")

    def refusal_of_key(self, request: Request) -> Answer | None:
        """Return the answer to a request that does not carry the key."""
        given = request.headers.get("authorization", "").encode("latin-1")
        return None if hmac.compare_digest(given, self._authorization) else _WRONG_KEY

    def _refusal(
        self, endpoint: Endpoint | None, request: Request, content: bytes | None
    ) -> tuple[Answer | None, Any]:
        """Return the answer that needs no endpoint, if there is one, and the parsed body."""
        if endpoint is None:
            return _NOT_FOUND, None
        wrong_key = self.refusal_of_key(request)
        return (wrong_key, None) if wrong_key else parsed(request, content)

    def _handled(self, endpoint: Endpoint | None, body: Any) -> Answer:
        if endpoint is None:
            return _NOT_FOUND
        return endpoint.handle(Call(body, self.settings, self.store, self.applier))

    def _log(self, request: Request, answer: Answer) -> None:
        now = times.text_of(datetime.now(UTC))
        self.store.log(
            LoggedRequest(now, request.method, request.url.path, answer.status, answer.objects, answer.errors)
        )
