"""What an answer of ``/users/track`` means for the rows (Braze: POST /users/track, API errors)."""

from dataclasses import dataclass
from typing import Any

import orjson

from braze_runner.client.transport import Answer

STOPPING = {
    401: "Braze does not know the API key (401): check BRAZE_API_KEY, and that it belongs to this endpoint.",
    403: "The API key may not do this (403): it needs the permission users.track.",
    404: "Braze does not know this address (404): check BRAZE_REST_ENDPOINT.",
    415: "Braze refused the content type of the request (415).",
}
TOO_LARGE = 413
RATE_LIMITED = 429


class UnreadableAnswerError(Exception):
    """The answer says nothing certain about the rows."""


@dataclass(frozen=True, slots=True)
class RowErrors:
    """Errors by position in the request's array, and the message for the request as a whole."""

    by_index: dict[int, str]
    message: str = ""


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


def stop_sentence(answer: Answer) -> str:
    """Return why the run can't go on after this answer."""
    if 300 <= answer.status < 400:
        return (
            f"The endpoint redirects ({answer.status}), which is never followed: check BRAZE_REST_ENDPOINT."
        )
    return STOPPING.get(answer.status, f"Braze refused the request with status {answer.status}.")


def read_row_errors(answer: Answer, array: str, sent: int) -> RowErrors:
    """Map ``errors`` of a 2xx to rows; raises UnreadableAnswerError when they point at none that was sent."""
    body = _object(answer)
    if body is None:
        raise UnreadableAnswerError
    by_index: dict[int, str] = {}
    for error in body.get("errors") or ():
        index = _index(error, array, sent)
        if index is None:
            raise UnreadableAnswerError
        by_index.setdefault(index, str(error.get("type") or "Braze gave no reason."))
    return RowErrors(by_index, str(body.get("message") or ""))


def read_refusal(answer: Answer, array: str, sent: int) -> RowErrors:
    """Map the errors of a 400 or 413 as far as they point at rows; the body may be anything."""
    try:
        return read_row_errors(answer, array, sent)
    except UnreadableAnswerError:
        return RowErrors({}, str((_object(answer) or {}).get("message") or ""))


def _index(error: Any, array: str, sent: int) -> int | None:
    if not isinstance(error, dict) or error.get("input_array") != array:
        return None
    index = error.get("index")
    valid = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < sent
    return index if valid else None


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
