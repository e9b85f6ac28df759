"""Which profile an object is about (Braze docs, "User identifier fields" of POST /users/track)."""

import re
from typing import Any, Literal, NamedTuple

from braze_runner.limits import ALIAS_BYTES, EXTERNAL_ID_BYTES

# A push token names no profile that exists already: it is what an anonymous import creates one for.
Kind = Literal["external_id", "user_alias", "braze_id", "email", "phone", "push_token"]

REQUIRED = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
BAD_EMAIL = "The value provided for the 'email' field is not a valid email."
SEVERAL = "Only one of 'external_id', 'braze_id' and 'user_alias' is allowed"
TOO_LARGE = "EXTERNAL_USER_ID_TOO_LARGE"

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?\d{1,15}")
_E164 = re.compile(r"\+[1-9]\d{1,14}")
_PHONE_PUNCTUATION = str.maketrans("", "", " -.()")


class Identifier(NamedTuple):
    """One way to name a profile; ``label`` is set for aliases alone."""

    kind: Kind
    value: str
    label: str = ""


def identify(item: dict[str, Any]) -> Identifier | str:
    """Return the identifier of an object, or the text of the error that rejects it.

    At most one primary identifier; email, then phone, identify only where no primary one is given.
    """
    primary = [kind for kind in ("external_id", "user_alias", "braze_id") if item.get(kind) is not None]
    if len(primary) > 1:
        return SEVERAL
    if not primary:
        return _secondary(item)
    if primary[0] == "external_id":
        return _external_id(item["external_id"])
    if primary[0] == "user_alias":
        return alias(item["user_alias"]) or REQUIRED
    value = item["braze_id"]
    return Identifier("braze_id", value) if isinstance(value, str) and value else REQUIRED


def alias(value: Any) -> Identifier | None:
    """Return the identifier of an alias object, or None if it is incomplete or over 236 bytes."""
    if not isinstance(value, dict):
        return None
    name, label = value.get("alias_name"), value.get("alias_label")
    for part in (name, label):
        if not (isinstance(part, str) and 0 < len(part.encode()) <= ALIAS_BYTES):
            return None
    return Identifier("user_alias", str(name), str(label))


def is_email(value: Any) -> bool:
    """Say whether the value has the form of an email address."""
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def is_phone(value: Any) -> bool:
    """Say whether the value has the form of a phone number, with or without punctuation."""
    return isinstance(value, str) and _PHONE.fullmatch(value.translate(_PHONE_PUNCTUATION)) is not None


def is_e164(value: Any) -> bool:
    """Say whether the value is a phone number in E.164 form."""
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def _external_id(value: Any) -> Identifier | str:
    if not isinstance(value, str) or not value:
        return REQUIRED
    if len(value) * 4 > EXTERNAL_ID_BYTES and len(value.encode()) > EXTERNAL_ID_BYTES:
        return TOO_LARGE
    return Identifier("external_id", value)


def _secondary(item: dict[str, Any]) -> Identifier | str:
    email, phone = item.get("email"), item.get("phone")
    if email is not None:
        return Identifier("email", email) if is_email(email) else BAD_EMAIL
    return Identifier("phone", str(phone)) if is_phone(phone) else REQUIRED
