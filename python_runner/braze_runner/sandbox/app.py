"""The ASGI app: one table of endpoints; around each: key, body, transaction, request log."""

import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from braze_runner.limits import TRACK_BYTES, TRACK_PATH
from braze_runner.sandbox import buckets, times
from braze_runner.sandbox.apply import Applier
from braze_runner.sandbox.buckets import Bucket, RateLimits
from braze_runner.sandbox.export import export_ids
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import LoggedRequest, ProfileStore
from braze_runner.sandbox.settings import Settings
from braze_runner.sandbox.track import track

_LOGGER = logging.getLogger(__name__)
_NOT_FOUND = Answer(404, {"message": "Not Found"})


class Endpoint(NamedTuple):
    """What serves one path, and which allowance a request to it draws on."""

    handle: Callable[[Call], Answer]
    bucket: Callable[[Any], Bucket]


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", TRACK_PATH): Endpoint(track, lambda _body: buckets.TRACK),
    ("POST", "/users/export/ids"): Endpoint(export_ids, buckets.export),
}


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

    def _refusal(
        self, endpoint: Endpoint | None, request: Request, content: bytes | None
    ) -> tuple[Answer | None, Any]:
        """Return the answer that needs no endpoint, if there is one, and the parsed body."""
        if endpoint is None:
            return _NOT_FOUND, None
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._authorization):
            return Answer(401, {"message": "Invalid API Key"}), None
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return Answer(415, {"message": "The content type must be application/json"}), None
        if content is None:
            return Answer(413, {"message": "Request Entity Too Large"}), None
        try:
            return None, orjson.loads(content)
        except orjson.JSONDecodeError:
            return Answer(400, {"message": "The body is not valid JSON"}), None

    def _handled(self, endpoint: Endpoint | None, body: Any) -> Answer:
        if endpoint is None:
            return _NOT_FOUND
        return endpoint.handle(Call(body, self.settings, self.store, self.applier))

    def _log(self, request: Request, answer: Answer) -> None:
        now = times.text_of(datetime.now(UTC))
        self.store.log(
            LoggedRequest(now, request.method, request.url.path, answer.status, answer.objects, answer.errors)
        )


async def read_body(request: Request) -> bytes | None:
    """Read a body, keeping nothing of one that is over 4 MB: None."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= TRACK_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if size <= TRACK_BYTES else None


def create_app(settings: Settings) -> Starlette:
    """Open the store and return the app that serves it; shutting the app down closes the store."""
    sandbox = Sandbox(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            sandbox.store.close()

    def serve(endpoint: Endpoint | None) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                content = await read_body(request)
            except ClientDisconnect:
                return Response(status_code=400)
            return sandbox.answer(endpoint, request, content)

        return answer

    return Starlette(
        routes=[
            Route(path, serve(endpoint), methods=[method]) for (method, path), endpoint in ENDPOINTS.items()
        ]
        + [Route("/{path:path}", serve(None), methods=_METHODS)],
        lifespan=lifespan,
    )


_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
