"""Every endpoint of Braze that the sandbox answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from braze_runner.limits import TRACK_PATH
from braze_runner.sandbox import buckets
from braze_runner.sandbox.buckets import Bucket
from braze_runner.sandbox.endpoints.export import export_ids
from braze_runner.sandbox.endpoints.track import track
from braze_runner.sandbox.http import Answer, Call


class Endpoint(NamedTuple):
    """What serves one path, and which allowance a request to it draws on."""

    handle: Callable[[Call], Answer]
    bucket: Callable[[Any], Bucket]


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", TRACK_PATH): Endpoint(track, lambda _body: buckets.TRACK),
    ("POST", "/users/export/ids"): Endpoint(export_ids, buckets.export),
}
