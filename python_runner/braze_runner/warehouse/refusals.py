"""A driver's error as one sentence without any value of the data."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from braze_runner.errors import BrazeRunnerError, StoppedError

_LONGEST = 300
_QUOTED = re.compile(r"(['\"`])(.*?)(?:\1|$)")
# BigQuery names a value that it can't read without quotes: "Bad int64 value: …".
_NAMED_VALUE = re.compile(r"(?<=value: ).*")
_QUOTES = str.maketrans("", "", "\"'`")


def refusal(warehouse: str, error: BaseException, said: str) -> StoppedError:
    """Return the error to raise for what a driver raised.

    A driver may quote values of the data. What is in quotes stays only if it stands in ``said``, the part of the
    statement that holds names and no payload.
    """
    known = said.lower().translate(_QUOTES)
    text = _NAMED_VALUE.sub("…", _without_values(_first_line(error), known))
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return StoppedError(f"{warehouse} refused a statement: {cut}")


def _without_values(line: str, known: str) -> str:
    """Cut what is in quotes and not known: up to the last quote of its kind, for a value may hold quotes itself."""
    kept, at = "", 0
    while quoted := _QUOTED.search(line, at):
        quote, end = quoted[1], quoted.end()
        kept += line[at : quoted.start()]
        if quoted[2] and quoted[2].lower().translate(_QUOTES) in known:
            kept += quoted[0]
        else:
            end = max(end, line.rfind(quote) + 1)
            kept += f"{quote}…{quote}"
        at = end
    return kept + line[at:]


@contextmanager
def refusals(warehouse: str, said: str) -> Iterator[None]:
    """Turn whatever a driver raises into a StoppedError; a connection that is gone shows as many kinds of errors."""
    try:
        yield
    except BrazeRunnerError:
        raise
    except Exception as exc:
        # Without the cause: its text may be a statement with payloads in it.
        raise refusal(warehouse, exc, said) from None


def _first_line(error: BaseException) -> str:
    """Return the first line that says something; a line that ends with a colon takes the next one with it."""
    lines = [line.strip() for line in _message(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _message(error: BaseException) -> str:
    """Return an error's text without what only repeats it."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict):
        # redshift_connector gives the fields of the server's answer, M is the message.
        return str(fields.get("M", ""))
    # BigQuery's client appends the answer to the message, and keeps apart what it tried again until it gave up.
    text = str(getattr(error, "message", None) or error).split("; reason: ")[0]
    cause = getattr(error, "cause", None)
    return f"{text}: {cause}" if isinstance(cause, Exception) else text
