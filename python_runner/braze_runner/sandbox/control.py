"""Requests to the sandbox itself, under ``/sandbox/``: never limited, faulted or logged. They need the key."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from braze_runner.errors import ConfigError
from braze_runner.sandbox.faults import Fault
from braze_runner.sandbox.handle import Sandbox
from braze_runner.sandbox.http import Answer, parsed

COUNTED = {
    "profiles": "select count(*) from profiles",
    "events": "select count(*) from custom_events",
    "purchases": "select count(*) from purchases",
    "requests": "select count(*) from requests",
    "queued": "select count(*) from queue where failed is null",
    "failed": "select count(*) from queue where failed is not null",
}


async def control(sandbox: Sandbox, request: Request, content: bytes | None, handle: "Control") -> Response:
    """Answer one control request."""
    answer, body = sandbox.refusal_of_key(request), None
    if answer is None and content:
        answer, body = parsed(request, content)
    if answer is None:
        answer = await handle(sandbox, body)
    return Response(orjson.dumps(answer.body), answer.status, media_type="application/json")


async def _flush(sandbox: Sandbox, _body: Any) -> Answer:
    await sandbox.applier.flush()
    return Answer(200, {"message": "success"})


async def _state(sandbox: Sandbox, _body: Any) -> Answer:
    return Answer(200, counts(sandbox))


async def _tell_faults(sandbox: Sandbox, _body: Any) -> Answer:
    return Answer(200, [dataclasses.asdict(rule) for rule in sandbox.faults.rules])


async def _replace_faults(sandbox: Sandbox, body: Any) -> Answer:
    try:
        if not isinstance(body, list):
            raise ConfigError("The body must be a list of faults.")  # noqa: TRY301 (one answer to all of them)
        sandbox.faults.replace([Fault.of(rule) for rule in body])
    except ConfigError as exc:
        return Answer(400, {"message": str(exc)})
    return await _tell_faults(sandbox, None)


def counts(sandbox: Sandbox) -> dict[str, int]:
    """Return how many rows there are of what the sandbox holds."""
    execute = sandbox.store.connection.execute
    return {name: int(execute(sql).fetchone()[0]) for name, sql in COUNTED.items()}


Control = Callable[[Sandbox, Any], Awaitable[Answer]]

CONTROLS: dict[tuple[str, str], Control] = {
    ("POST", "/sandbox/flush"): _flush,
    ("GET", "/sandbox/state"): _state,
    ("GET", "/sandbox/faults"): _tell_faults,
    ("PUT", "/sandbox/faults"): _replace_faults,
}
