"""The customers of the demo: a table with attributes of every type, and how it changes on day two."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from braze_runner.demo.people import email, external_id

Customer = dict[str, Any]

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("email", pa.string()),
        ("first_name", pa.string()),
        ("last_name", pa.string()),
        ("country", pa.string()),
        ("language", pa.string()),
        ("city", pa.string()),
        ("birthday", pa.date32()),
        ("loyalty_points", pa.int64()),
        ("lifetime_value", pa.decimal128(12, 2)),
        ("engagement_score", pa.float64()),
        ("is_member", pa.bool_()),
        ("member_since", pa.date32()),
        ("last_order_at", pa.timestamp("us")),
        ("favourite_categories", pa.list_(pa.string())),
        ("preferred_store", pa.string()),
        (
            "address",
            pa.struct(
                [("city", pa.string()), ("postcode", pa.string()), ("moved_in_at", pa.timestamp("us"))]
            ),
        ),
    ]
)
COLUMN_TYPES = {
    "customer_id": "varchar",
    "email": "varchar",
    "first_name": "varchar",
    "last_name": "varchar",
    "country": "varchar",
    "language": "varchar",
    "city": "varchar",
    "birthday": "date",
    "loyalty_points": "bigint",
    "lifetime_value": "decimal(12, 2)",
    "engagement_score": "double",
    "is_member": "boolean",
    "member_since": "date",
    "last_order_at": "timestamp",
    "favourite_categories": "varchar[]",
    "preferred_store": "varchar",
    "address": "struct(city varchar, postcode varchar, moved_in_at timestamp)",
}
CATEGORIES = ("books", "garden", "kitchen", "music", "sports", "toys", "travel")
PLACES = (("DE", "de"), ("FR", "fr"), ("GB", "en"), ("JP", "ja"), ("US", "en"))
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
PROFILE_FIELDS = {"email", "first_name", "last_name", "country", "language", "home_city", "dob"}
"""The attributes that Braze keeps as fields of its own, beside the custom attributes."""


def customer(number: int, seed: int) -> Customer:
    """Return customer ``number``, from 1; the same arguments give the same customer."""
    rng = random.Random(seed * 1_000_003 + number)  # noqa: S311 (made-up data)
    country, language = rng.choice(PLACES)
    member = rng.random() < 0.6
    orders = rng.randrange(12)
    return {
        "customer_id": external_id(number),
        "email": email(number),
        "first_name": f"Given {rng.randrange(500)}",
        "last_name": f"Family {rng.randrange(5000)}" if rng.random() < 0.97 else None,
        "country": country,
        "language": language,
        "city": f"City {rng.randrange(300)}",
        "birthday": date(1940, 1, 1) + timedelta(days=rng.randrange(25_000)) if rng.random() < 0.8 else None,
        "loyalty_points": rng.randrange(10_000) if member else None,
        "lifetime_value": Decimal(rng.randrange(1_000_000)) / 100 if orders else Decimal(0),
        "engagement_score": rng.random(),
        "is_member": member,
        "member_since": date(2020, 1, 1) + timedelta(days=rng.randrange(2400)) if member else None,
        "last_order_at": FIRST_DAY + timedelta(seconds=rng.randrange(200_000_000)) if orders else None,
        "favourite_categories": rng.sample(CATEGORIES, rng.randrange(4)),
        "preferred_store": f"store-{rng.randrange(40):02d}" if rng.random() < 0.5 else None,
        "address": _address(rng) if rng.random() < 0.9 else None,
    }


def _address(rng: random.Random) -> dict[str, Any]:
    moved = FIRST_DAY + timedelta(seconds=rng.randrange(100_000_000))
    return {
        "city": f"City {rng.randrange(300)}",
        "postcode": f"{rng.randrange(100_000):05d}",
        "moved_in_at": moved if rng.random() < 0.5 else None,
    }


def as_table(customers: Iterable[Customer]) -> pa.Table:
    """Return the customers as an Arrow table in the columns of the source."""
    return pa.Table.from_pylist(list(customers), schema=SCHEMA)


def as_profile(row: Customer) -> dict[str, Any]:
    """Return what Braze should hold for a row of the customer table, written without the package's SQL."""
    address = {name: value for name, value in (row["address"] or {}).items() if value is not None}
    if "moved_in_at" in address:
        address["moved_in_at"] = {"$time": _time(address["moved_in_at"])}
    profile = {
        name: value
        for name, value in row.items()
        if name not in ("customer_id", "city", "birthday", "address")
    }
    profile |= {"home_city": row["city"], "dob": row["birthday"], "address": address or None}
    return {name: _json(value) for name, value in profile.items() if value is not None}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True)
class DayTwo:
    """What day two does to the customers: rows to replace and to add, and the attributes that differ by user."""

    replaced: list[Customer]
    added: list[Customer]
    differences: dict[str, dict[str, Any]]


def day_two(count: int, seed: int, share: float = 0.01) -> DayTwo:
    """Change ``share`` of ``count`` customers: values changed, nulled and added; a tenth of them are new users."""
    rng = random.Random(seed)  # noqa: S311 (made-up data)
    touched = round(count * share)
    added = [customer(number, seed) for number in range(count + 1, count + touched // 10 + 1)]
    replaced: list[Customer] = []
    differences = {row["customer_id"]: as_profile(row) for row in added}
    for number in rng.sample(range(1, count + 1), touched - len(added)):
        before = customer(number, seed)
        after = _changed(before, rng)
        difference = dict(_difference(as_profile(before), as_profile(after)))
        if difference:
            replaced.append(after)
            differences[after["customer_id"]] = difference
    return DayTwo(replaced, added, differences)


def _changed(before: Customer, rng: random.Random) -> Customer:
    changes: tuple[dict[str, Any], ...] = (
        {"loyalty_points": (before["loyalty_points"] or 0) + 10, "is_member": True},
        {"last_order_at": FIRST_DAY + timedelta(days=2500), "lifetime_value": before["lifetime_value"] + 25},
        {"preferred_store": None if before["preferred_store"] else "store-99"},
        {"favourite_categories": [*before["favourite_categories"], "news"], "last_name": None},
        {"address": None if before["address"] else _address(rng)},
    )
    return before | rng.choice(changes)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in before | after:
        if before.get(name) != after.get(name):
            yield name, after.get(name)
