"""Whether a profile holds what it should: by value, not by how a value is written."""

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from braze_runner import times
from braze_runner.sandbox.rules import STRING_CHARS
from braze_runner.verify.expected import Expected

Verdict = Literal["equal", "different", "not comparable"]

# Profile field -> its name in the export; None: the export does not have it (Braze: POST /users/export/ids).
FIELDS: Final[Mapping[str, str | None]] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "dob": "dob",
    "gender": "gender",
    "country": "country",
    "language": "language",
    "home_city": "home_city",
    "time_zone": "time_zone",
    "email_subscribe": "email_subscribe",
    "push_subscribe": "push_subscribe",
    "current_location": "last_coordinates",
    "date_of_first_session": None,
    "date_of_last_session": None,
    "email_open_tracking_disabled": None,
    "email_click_tracking_disabled": None,
    "marked_email_as_spam_at": None,
    "subscription_groups": None,
    "push_tokens": None,
    "facebook": None,
    "twitter": None,
    "image_url": None,
}
CUSTOM: Final = "custom_attributes"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# An export leaves out what is null or empty.
_NOTHING: tuple[Any, ...] = (None, "", [], {})


class Finding(NamedTuple):
    """What came out for one attribute of one user."""

    name: str
    verdict: Verdict
    expected: Any
    actual: Any


def fields_of(names: Iterable[str]) -> set[str]:
    """Return what ``fields_to_export`` has to hold for these attributes."""
    return {field for name in names if (field := FIELDS.get(name, CUSTOM)) is not None}


def compare(expected: Mapping[str, Expected], profile: Mapping[str, Any]) -> list[Finding]:
    """Compare each attribute with an exported profile, {} for one that is not there."""
    found = []
    for name, each in expected.items():
        field = FIELDS.get(name, CUSTOM)
        if field is None or not each.is_known:
            found.append(Finding(name, "not comparable", each.value, None))
            continue
        actual = (profile.get(CUSTOM) or {}).get(name) if field == CUSTOM else profile.get(field)
        found.append(Finding(name, _verdict(name, each, actual), each.value, actual))
    return found


def _verdict(name: str, expected: Expected, actual: Any) -> Verdict:
    value = expected.value
    if name == "current_location" and isinstance(value, dict):
        value = _Ordered((value.get("longitude"), value.get("latitude")))
        actual = _Ordered(actual) if isinstance(actual, list) else actual
    if (
        (_holds(value, actual) and not _holds_any(actual, expected.lacks))
        if not expected.whole
        else (canonical(value) == canonical(actual))
    ):
        return "equal"
    if isinstance(value, str):
        # What becomes of a longer text is not documented; the name of a country is read on best effort.
        if len(value) > STRING_CHARS or (name == "country" and len(value) != 2):
            return "not comparable"
        if name == "country" and isinstance(actual, str) and value.upper() == actual.upper():
            return "equal"
    return "different"


class _Ordered(tuple[Any, ...]):
    """Numbers whose order counts."""

    __slots__ = ()


def canonical(value: Any) -> Hashable:
    """Return what equal values share: numbers and times by what they mean, arrays without their order."""
    if _is_nothing(value):
        return None
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, str):
        return _moment(value) or value
    if isinstance(value, _Ordered):
        return ("place", tuple(map(canonical, value)))
    if isinstance(value, list):
        counts = Counter(map(canonical, value))
        # Braze keeps each scalar of an array once; objects may repeat.
        repeats = any(isinstance(each, dict | list) for each in value)
        return ("array", frozenset(counts.items() if repeats else counts))
    if isinstance(value, dict):
        if value.keys() == {"$time"}:
            return canonical(value["$time"])
        return ("object", frozenset((key, canonical(part)) for key, part in value.items()))
    return ("number", value)


def _moment(text: str) -> Hashable:
    """Return a time in milliseconds, as exact as an export is; None for a text that is none."""
    if not text[:1].isalnum() or not any(sign.isdigit() for sign in text):
        return None
    moment = times.parse(text)
    return None if moment is None else ("time", (moment - _EPOCH) // dt.timedelta(milliseconds=1))


def _holds(value: Any, actual: Any) -> bool:
    """Say whether a profile's value has all that is known of it, and perhaps more."""
    if isinstance(value, dict) and isinstance(actual, dict) and "$time" not in value:
        return all(key in actual and _holds(part, actual[key]) for key, part in value.items())
    if isinstance(value, list) and (isinstance(actual, list) or not value):
        return {canonical(each) for each in value} <= {canonical(each) for each in actual or ()}
    return canonical(value) == canonical(actual)


def _holds_any(actual: Any, lacks: Iterable[Any]) -> bool:
    """Say whether an array has one of these values, or an object with one of these (key, value) pairs."""
    elements = actual if isinstance(actual, list) else []
    for each in lacks:
        if isinstance(each, tuple):
            key, value = each
            if any(
                isinstance(e, dict) and key in e and canonical(e[key]) == canonical(value) for e in elements
            ):
                return True
        elif canonical(each) in map(canonical, elements):
            return True
    return False


def _is_nothing(value: Any) -> bool:
    return any(value is each or (type(value) is type(each) and value == each) for each in _NOTHING)
