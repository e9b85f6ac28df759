"""What an endpoint gets and gives, and how a body is read: the HTTP around it is the app's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.requests import Request

from braze_runner.limits import TRACK_BYTES
from braze_runner.sandbox.applier import Applier
from braze_runner.sandbox.json_text import read_json
from braze_runner.sandbox.profiles import ProfileStore
from braze_runner.sandbox.settings import Settings, is_loopback

_NONE: Mapping[str, str] = MappingProxyType({})


class Call(NamedTuple):
    """One authorised request with its parsed body; the endpoint runs inside one transaction of the store.

    ``path`` holds the parts of the path that vary, ``url`` the request's without its query.
    """

    body: Any
    settings: Settings
    store: ProfileStore
    applier: Applier
    url: str = ""
    path: Mapping[str, str] = _NONE
    query: Mapping[str, str] = _NONE


class Answer(NamedTuple):
    """Status and body, and for the request log the objects received and rejected."""

    status: int
    body: Any
    objects: int = 0
    errors: int = 0
    headers: Mapping[str, str] = _NONE


async def read_body(request: Request) -> bytes | None:
    """Read a body, keeping nothing of one that is over 4 MB: None."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= TRACK_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if size <= TRACK_BYTES else None


def parsed(request: Request, content: bytes | None, too_large: int = 413) -> tuple[Answer | None, Any]:
    """Return the parsed body, or the answer to one that is no JSON, too large (None) or of another type."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Answer(415, {"message": "The content type must be application/json"}), None
    if content is None:
        return Answer(too_large, {"message": "Request Entity Too Large"}), None
    try:
        return None, read_json(content)
    except ValueError:
        return Answer(400, {"message": "The body is not valid JSON"}), None


def is_asked_locally(request: Request) -> bool:
    """Say whether the request names this machine; another name that leads here is somebody's DNS rebinding."""
    return is_loopback(request.url.hostname or "")
