"""The log for collectors: one JSON object a line on the error stream, in place of bars and lines."""

import datetime as dt
import json
import os
import sys

LOG_FORMAT = "BRAZE_LOG_FORMAT"
"""Environment variable; ``json`` asks for it."""


def is_wanted() -> bool:
    """Say whether the environment asks for it."""
    return os.environ.get(LOG_FORMAT, "").strip().lower() == "json"


def write(event: str, **fields: object) -> None:
    """Write one line."""
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(json.dumps({"time": moment, "event": event, **fields}) + "\n")
    sys.stderr.flush()
