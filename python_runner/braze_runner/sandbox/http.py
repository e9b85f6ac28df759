"""What an endpoint gets and gives, and how a body is read: the HTTP around it is the app's."""

import dataclasses
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request

from braze_runner.limits import TRACK_BYTES
from braze_runner.sandbox.applier import Applier
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings


@dataclasses.dataclass(slots=True)
class Call:
    """One authorised request with a JSON body; the endpoint runs inside one transaction of the store."""

    body: Any
    settings: Settings
    store: ProfileStore
    applier: Applier


class Answer(NamedTuple):
    """Status and body, and for the request log the objects received and rejected."""

    status: int
    body: Any
    objects: int = 0
    errors: int = 0


async def read_body(request: Request) -> bytes | None:
    """Read a body, keeping nothing of one that is over 4 MB: None."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= TRACK_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if size <= TRACK_BYTES else None


def parsed(request: Request, content: bytes | None) -> tuple[Answer | None, Any]:
    """Return the parsed body, or the answer to one that is no JSON, too large (None) or of another type."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Answer(415, {"message": "The content type must be application/json"}), None
    if content is None:
        return Answer(413, {"message": "Request Entity Too Large"}), None
    try:
        return None, orjson.loads(content)
    except orjson.JSONDecodeError:
        return Answer(400, {"message": "The body is not valid JSON"}), None
