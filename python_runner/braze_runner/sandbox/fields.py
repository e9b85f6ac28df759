"""Reserved profile fields (Braze docs, "User attributes object"): what is an error, and what is stored.

A name in another case is a custom attribute. ``CHECKS`` holds the rules whose breach rejects the object;
``FIELDS`` what an accepted value becomes, where a value that Braze does not take leaves the current one.
"""

import re
import uuid
import zoneinfo
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from braze_runner import times
from braze_runner.sandbox.countries import CODES, CODES_BY_NAME
from braze_runner.sandbox.identity import BAD_EMAIL, is_email
from braze_runner.sandbox.rules import DEVICE_ID_BYTES, IMAGE_URL_CHARS

# Not attributes: they say which profile, or how to write.
CONTROL = frozenset(
    {
        "external_id", "user_alias", "braze_id", "alias_name", "alias_label",
        "_update_existing_only", "_merge_objects", "push_token_import",
    }
)  # fmt: skip

_GENDERS = ("M", "F", "O", "N", "P")
STATES = ("opted_in", "unsubscribed", "subscribed")
GROUP_STATES = ("subscribed", "unsubscribed")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_RAILS_ZONES = tuple(f"{zone} Time (US & Canada)" for zone in ("Eastern", "Central", "Mountain", "Pacific"))


def _check_email(value: Any) -> str | None:
    return None if value is None or is_email(value) else BAD_EMAIL


def _check_email_subscribe(value: Any) -> str | None:
    return None if value in STATES else "BAD_EMAIL_SUBSCRIPTION_STATE"


def _check_push_subscribe(value: Any) -> str | None:
    return None if value in STATES else "BAD_PUSH_SUBSCRIPTION_STATE"


def _check_location(value: Any) -> str | None:
    if value is None or (isinstance(value, dict) and all(_is_number(value.get(axis)) for axis in _AXES)):
        return None
    return "BAD_LOCATION_UPDATE"


def _check_groups(value: Any) -> str | None:
    if not isinstance(value, list):
        return "BAD_SUBSCRIPTION_GROUP_ARRAY"
    for group in value:
        if not isinstance(group, dict) or not group.keys() >= {"subscription_group_id", "subscription_state"}:
            return "BAD_SUBSCRIPTION_GROUP_HASH"
        if not is_uuid(group["subscription_group_id"]):
            return "BAD_SUBSCRIPTION_GROUP_ID"
        if group["subscription_state"] not in GROUP_STATES:
            return "BAD_SUBSCRIPTION_GROUP_STATE"
    return None


def _check_push_tokens(value: Any) -> str | None:
    if not isinstance(value, list) or not all(_is_object(token) for token in value):
        return "BAD_PUSH_TOKEN_VALUE"
    for token in value:
        if not isinstance(token.get("token"), str):
            return "BAD_PUSH_TOKEN_STRING"
        device = token.get("device_id")
        if device is not None and not _is_device_id(device):
            return "BAD_DEVICE_ID"
    return None


def _check_subscription_info(_value: Any) -> str:
    return "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO"


CHECKS: dict[str, Callable[[Any], str | None]] = {
    "email": _check_email,
    "email_subscribe": _check_email_subscribe,
    "push_subscribe": _check_push_subscribe,
    "current_location": _check_location,
    "subscription_groups": _check_groups,
    "push_tokens": _check_push_tokens,
    "email_subscription_info": _check_subscription_info,
}


def errors_of(item: dict[str, Any]) -> list[str]:
    """Return the texts of the errors among the reserved fields of an attributes object: one a field."""
    errors = [error for name, check in CHECKS.items() if name in item and (error := check(item[name]))]
    if item.get("push_token_import") is True and not item.get("push_tokens"):
        errors.append("BAD_PUSH_TOKEN_IMPORT")
    return errors


def _only(accepts: Callable[[Any], bool]) -> Callable[[Any, Any], Any]:
    """Make a rule that takes null and the values that ``accepts`` holds for."""
    return lambda current, sent: sent if sent is None or accepts(sent) else current


def _country(_current: Any, sent: Any) -> Any:
    """Take a code, or a name on best effort; an unknown country becomes null (documented)."""
    if not isinstance(sent, str):
        return None
    code = sent.strip().upper()
    return code if code in CODES else CODES_BY_NAME.get(sent.strip().casefold())


def _location(_current: Any, sent: Any) -> Any:
    return None if sent is None else {axis: sent[axis] for axis in _AXES}


def _groups(current: Any, sent: Any) -> Any:
    return (current or {}) | {group["subscription_group_id"]: group["subscription_state"] for group in sent}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_image_url(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= IMAGE_URL_CHARS


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_moment(value: Any) -> bool:
    return times.parse(value) is not None


def _is_day(value: Any) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_zone(value: Any) -> bool:
    return isinstance(value, str) and (value in _zones() or value in _RAILS_ZONES)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_uuid(value: Any) -> bool:
    """Say whether a value can be the id of a subscription group: 36 characters, as the dashboard shows it."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_device_id(value: Any) -> bool:
    return isinstance(value, str) and len(value.encode()) in DEVICE_ID_BYTES


_AXES = ("longitude", "latitude")
_TEXT, _FLAG, _MOMENT = _only(_is_text), _only(_is_flag), _only(_is_moment)
_OBJECT = _only(_is_object)
_ANY = _only(lambda _value: True)

FIELDS: dict[str, Callable[[Any, Any], Any]] = {
    "first_name": _TEXT,
    "last_name": _TEXT,
    "home_city": _TEXT,
    "email": _TEXT,
    "phone": _TEXT,
    "dob": _only(_is_day),
    "gender": _only(lambda value: value in _GENDERS),
    "country": _country,
    "language": _TEXT,
    "time_zone": _only(_is_zone),
    "current_location": _location,
    "date_of_first_session": _MOMENT,
    "date_of_last_session": _MOMENT,
    "email_subscribe": _TEXT,
    "push_subscribe": _TEXT,
    "email_open_tracking_disabled": _FLAG,
    "email_click_tracking_disabled": _FLAG,
    "marked_email_as_spam_at": _MOMENT,
    "subscription_groups": _groups,
    "push_tokens": _ANY,
    "facebook": _OBJECT,
    "twitter": _OBJECT,
    "image_url": _only(_is_image_url),
}
