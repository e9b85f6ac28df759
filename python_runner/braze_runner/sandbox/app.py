"""The ASGI app: a route for each endpoint of Braze, each control request and the page, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from braze_runner.sandbox.control import CONTROLS, Control, control
from braze_runner.sandbox.endpoints import ENDPOINTS, Endpoint
from braze_runner.sandbox.handle import Sandbox
from braze_runner.sandbox.http import read_body
from braze_runner.sandbox.page import page
from braze_runner.sandbox.settings import Settings

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

Served = Callable[[Request, bytes | None], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """Open the store and return the app that serves it; shutting the app down closes the store."""
    sandbox = Sandbox(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        applying = asyncio.create_task(sandbox.applier.run())
        try:
            yield
        finally:
            applying.cancel()
            with suppress(asyncio.CancelledError):
                await applying
            sandbox.store.close()

    return Starlette(
        routes=[
            *(_route(key, _of_braze(sandbox, endpoint)) for key, endpoint in ENDPOINTS.items()),
            *(_route(key, _of_sandbox(sandbox, handle)) for key, handle in CONTROLS.items()),
            Route("/", _page(sandbox), methods=["GET"]),
            Route("/{path:path}", _with_body(_of_braze(sandbox, None)), methods=_METHODS),
        ],
        lifespan=lifespan,
    )


def _page(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return page(sandbox, request)

    return answer


def _route(key: tuple[str, str], served: Served) -> Route:
    method, path = key
    return Route(path, _with_body(served), methods=[method])


def _of_braze(sandbox: Sandbox, endpoint: Endpoint | None) -> Served:
    async def answer(request: Request, content: bytes | None) -> Response:
        return sandbox.respond(endpoint, request, content)

    return answer


def _of_sandbox(sandbox: Sandbox, handle: Control) -> Served:
    async def answer(request: Request, content: bytes | None) -> Response:
        return await control(sandbox, request, content, handle)

    return answer


def _with_body(served: Served) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            content = await read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        return await served(request, content)

    return answer
