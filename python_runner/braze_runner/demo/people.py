"""The people of the demo: everything about person n follows from n, so that nobody has to be stored."""

import hashlib
import uuid
from dataclasses import dataclass

TIMEZONES = (
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Chicago",
    "Asia/Tokyo",
    "Australia/Sydney",
)
DEVICES = (
    ("ios", "17.5", "iPhone15,2"),
    ("ios", "18.0", "iPhone16,1"),
    ("android", "14", "Pixel 8"),
    ("android", "13", "SM-A536B"),
    ("web", "Windows 11", "Chrome"),
)
APP_IDS = {
    platform: str(uuid.uuid5(uuid.NAMESPACE_URL, f"app/{platform}")) for platform in ("ios", "android", "web")
}
APP_GROUP_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "workspace/demo"))


@dataclass(frozen=True, slots=True)
class Person:
    """A profile in Braze; an anonymous one has no ``external_id``."""

    number: int
    external_id: str | None
    email: str
    user_id: str
    timezone: str
    platform: str
    os_version: str
    device_model: str
    device_id: str
    app_id: str
    hidden_opens: bool
    """Whether the mail program fetches pictures by itself, which shows as machine opens."""


def external_id(number: int) -> str:
    """Return the external_id of customer ``number``, counted from 1."""
    return f"customer-{number:06d}"


def email(number: int) -> str:
    """Return the email address of customer ``number``."""
    return f"{external_id(number)}@example.com"


def person(number: int, customers: int) -> Person:
    """Return person ``number``; those above ``customers`` are anonymous."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=32, person=b"demo").digest()
    platform, os_version, device_model = DEVICES[digest[0] % len(DEVICES)]
    known = number <= customers
    return Person(
        number=number,
        external_id=external_id(number) if known else None,
        email=email(number) if known else f"visitor-{number - customers:06d}@example.com",
        user_id=digest[8:20].hex(),
        timezone=TIMEZONES[digest[1] % len(TIMEZONES)],
        platform=platform,
        os_version=os_version,
        device_model=device_model,
        device_id=str(uuid.UUID(bytes=digest[16:32])),
        app_id=APP_IDS[platform],
        hidden_opens=digest[2] < 90,
    )
