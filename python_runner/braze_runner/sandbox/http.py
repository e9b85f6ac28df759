"""What an endpoint gets and gives: the HTTP around it is the app's."""

import dataclasses
from typing import Any, NamedTuple

from braze_runner.sandbox.apply import Applier
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
    body: dict[str, Any]
    objects: int = 0
    errors: int = 0
