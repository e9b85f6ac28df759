"""Braze's date and time texts: custom attributes of type time, event and purchase objects."""

import re
from datetime import UTC, datetime

_MILLIS_AFTER_COLON = re.compile(r"(\d\d:\d\d:\d\d):(\d{3})")
_OTHER_FORMS = ("%m/%d/%Y", "%a %b %d %H:%M:%S %z %Y")


def parse(text: object) -> datetime | None:
    """Return the time in UTC of an attribute, or None for what Braze does not read as one; no offset means UTC."""
    return _in_utc(_iso(text) or _other(text)) if isinstance(text, str) else None


def parse_iso(text: object) -> datetime | None:
    """Return the same of an event or a purchase, where Braze reads ISO 8601 alone."""
    return _in_utc(_iso(text)) if isinstance(text, str) else None


def storable(text: object) -> bool:
    """Say whether an attribute can be stored as a time: up to the year 3000 (documented)."""
    parsed = parse(text)
    return parsed is not None and parsed.year <= 3000


def text_of(moment: datetime) -> str:
    """Format a UTC time as Braze's export does: ISO 8601 with milliseconds and Z; such texts sort by time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_MILLIS_AFTER_COLON.sub(r"\1.\2", text, count=1))
    except ValueError:
        return None


def _other(text: str) -> datetime | None:
    for form in _OTHER_FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 (the caller adds UTC where no offset is given)
        except ValueError:
            continue
    return None


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
