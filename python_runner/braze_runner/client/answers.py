"""What an answer of Braze means for the rows of a request (Braze: API errors, and each endpoint's page)."""

from dataclasses import dataclass
from typing import Any

import orjson

from braze_runner.client.transport import Answer
from braze_runner.plan.endpoints import Endpoint, ErrorStyle
from braze_runner.plan.rows import Row

TOO_LARGE = 413
RATE_LIMITED = 429
# Braze's own words for "not now", and those of its edge for "nobody could be reached". After any other answer that
# is no decision, such as that of something in between that gave up waiting, the work may be done all the same.
_NOT_RECEIVED = (400, 408, RATE_LIMITED, 500, 503, 521, 523, 525, 526)
_NO_REASON = "Braze gave no reason."


class UnreadableAnswerError(Exception):
    """The answer says nothing certain about the rows."""


@dataclass(frozen=True, slots=True)
class RowErrors:
    """Errors by index of the row, and the message for the request as a whole.

    ``unmapped``: there are errors of which nobody can say which row they are about.
    """

    by_index: dict[int, str]
    message: str = ""
    unmapped: bool = False


def is_success(answer: Answer) -> bool:
    """Say whether Braze queued the request, or a part of it."""
    return 200 <= answer.status < 300


def is_bad_request(answer: Answer) -> bool:
    """Say whether the rows are to blame: the request must not be sent again as it is.

    A 400 that is not Braze's JSON comes from something in front of it and blames nobody.
    """
    return answer.status == TOO_LARGE or (answer.status == 400 and _object(answer) is not None)


def is_transient(answer: Answer) -> bool:
    """Say whether the same request may pass later."""
    return answer.status in (400, 408, RATE_LIMITED) or answer.status >= 500


def is_maybe_received(answer: Answer) -> bool:
    """Say of a transient answer whether the objects may have been taken all the same."""
    return answer.status not in _NOT_RECEIVED


def stop_sentence(answer: Answer, endpoint: Endpoint) -> str:
    """Return why the run can't go on after this answer."""
    if 300 <= answer.status < 400:
        return (
            f"The endpoint redirects ({answer.status}), which is never followed: check BRAZE_REST_ENDPOINT."
        )
    if answer.status == 401:
        return "Braze does not know the API key (401): check BRAZE_API_KEY, and that it belongs to this endpoint."
    if answer.status == 403:
        return f"The API key may not do this (403): it needs the permission {endpoint.permission}."
    if answer.status == 404:
        return f"Braze does not know this address (404): {_what_is_missing(endpoint)}."
    if answer.status == 415:
        return "Braze refused the content type of the request (415)."
    return f"Braze refused the request with status {answer.status}."


def _what_is_missing(endpoint: Endpoint) -> str:
    if endpoint.name.startswith("catalog"):
        return "check that the catalog exists, or declare its fields in the model"
    if endpoint.name == "track_bulk":
        return "/users/track/bulk is a limited beta that the workspace needs"
    return "check BRAZE_REST_ENDPOINT"


def read_row_errors(answer: Answer, endpoint: Endpoint, rows: list[Row]) -> RowErrors:
    """Map the errors of an answer to rows; raises UnreadableAnswerError when it is no JSON object."""
    body = _object(answer)
    if body is None:
        raise UnreadableAnswerError
    listed = _errors(body, endpoint, is_accepted=is_success(answer))
    if not listed:
        return RowErrors({}, _message(body))
    positions = _positions(rows)
    by_index: dict[int, str] = {}
    unmapped = ""
    for error in listed:
        index, text = _read(error, endpoint, positions)
        if index is None:
            unmapped = text or _NO_REASON
        else:
            by_index.setdefault(index, text)
    return RowErrors(by_index, unmapped or _message(body), bool(unmapped))


def read_refusal(answer: Answer, endpoint: Endpoint, rows: list[Row]) -> RowErrors:
    """Map the errors of a 400 or 413 as far as they point at rows; the body may be anything."""
    try:
        return read_row_errors(answer, endpoint, rows)
    except UnreadableAnswerError:
        return RowErrors({})


def _message(body: dict[str, Any]) -> str:
    """Return the message, or the codes of the catalogs' errors, which say more (Braze: Catalogs, errors)."""
    errors = body.get("errors")
    codes = (
        {str(each["id"]) for each in errors if isinstance(each, dict) and "id" in each}
        if isinstance(errors, list)
        else ()
    )
    return ", ".join(sorted(codes)) or str(body.get("message") or "")


def _errors(body: dict[str, Any], endpoint: Endpoint, *, is_accepted: bool) -> list[Any]:
    """Return the errors that name rows.

    Those of rename and remove are documented as arrays that hold the index, under names of their own. Where no list
    is documented, errors beside a success still say that some row was not taken.
    """
    names = _ERROR_LISTS[endpoint.errors] or (("errors",) if is_accepted else ())
    found: Any = next((body[name] for name in names if body.get(name)), [])
    return found if isinstance(found, list) else [found]


_ERROR_LISTS: dict[ErrorStyle, tuple[str, ...]] = {
    "track": ("errors",),
    "users": ("errors",),
    "pairs": ("rename_errors", "removal_errors"),
    "none": (),
}


def _positions(rows: list[Row]) -> dict[str, list[int]]:
    """Return array -> the indexes of its rows, in the order in which they were sent."""
    positions: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        positions.setdefault(row.array.decode(), []).append(index)
    return positions


def _read(error: Any, endpoint: Endpoint, positions: dict[str, list[int]]) -> tuple[int | None, str]:
    """Return (index of the row, text) of one error."""
    if isinstance(error, list):
        index = next((part for part in error if type(part) is int), None)
        text = "; ".join(part for part in error if isinstance(part, str))
    elif isinstance(error, dict):
        index, text = error.get("index"), str(error.get("type") or error.get("message") or "")
    else:
        return None, str(error)
    indexes = _meant(error, endpoint, positions)
    if type(index) is not int or not 0 <= index < len(indexes):
        return None, text or _NO_REASON
    return indexes[index], text or _NO_REASON


def _meant(error: Any, endpoint: Endpoint, positions: dict[str, list[int]]) -> list[int]:
    """Return the rows of the list that an error is about, as far as that is certain."""
    if endpoint.errors == "track":
        array = error.get("input_array") if isinstance(error, dict) else None
        return positions.get(array, []) if isinstance(array, str) else []
    # Elsewhere the list has another name in the answer than in the request, so one list alone is certain.
    is_certain = endpoint.errors != "none" and len(positions) == 1
    return next(iter(positions.values())) if is_certain else []


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
