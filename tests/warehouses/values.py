"""Values that a careless SQL generator breaks, for a source column of every kind, and their JSON."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

STRINGS = [
    "plain",
    "",
    " spaces at both ends ",
    'a "quoted" word',
    "it's",
    "back\\slash \\n \\u0041 \\",
    "tab\tnewline\nreturn\r",
    "\x01\x08\x0b\x0c\x1f\x7f",
    "${x} {{ x }} %s %(x)s :x ? $1",
    "émigré Ünïcödé 日本語",
    "\U0001f469‍\U0001f680 emoji \U0001f600",
    "\u2028\u2029\ufeff",
    "null",
    "true",
    "0123",
    "{}",
    "x" * 5000,
]
INTEGERS = [0, -1, 7, 2**53 + 1, 2**63 - 1, -(2**63) + 1]
DECIMALS = [Decimal(text) for text in ("0", "12.5", "12.50", "-0.01", "1234567890123.45", "100")]
FLOATS = [0.0, 1.5, -0.1, 1e-7, 1e21, 123456789.123456789, 3.0]
DATES = [date(2026, 1, 2), date(1900, 1, 1), date(2999, 12, 31)]
TIMES = [datetime(2026, 1, 2, 3, 4, 5), datetime(1970, 1, 1), datetime(2026, 12, 31, 23, 59, 59, 999999)]  # noqa: DTZ001
ARRAYS = [[], ["a"], ["b", "a", "b"], ['quo"te', "back\\slash", "new\nline", "日本"]]
OBJECTS = [
    {"city": "X", "since": datetime(2026, 1, 2)},  # noqa: DTZ001
    {"city": 'a "b" \\ \n', "since": None},
    {"city": None, "since": None},
]
JSONS = [
    "{}",
    '{"b": 1, "a": [1, {"c": "x"}]}',
    '["a", 1.5, true]',
    '"text"',
    "12",
    '{"key with space": {"a.b": "\\n"}}',
]

KINDS = {
    "id": "string",
    "name": "string",
    "age": "integer",
    "spent": "decimal",
    "score": "float",
    "vip": "boolean",
    "born": "date",
    "seen_at": "timestamp",
    "tags": "array",
    "place": "object",
    "extra": "json",
}
POOL: dict[str, list[Any]] = {
    "name": STRINGS,
    "age": INTEGERS,
    "spent": DECIMALS,
    "score": FLOATS,
    "vip": [True, False],
    "born": DATES,
    "seen_at": TIMES,
    "tags": ARRAYS,
    "place": OBJECTS,
    "extra": JSONS,
}


def customers(*, null_arrays: bool) -> list[dict[str, Any]]:
    """Rows that together hold every value, each column with a null in some row too."""
    count = max(len(values) for values in POOL.values()) + 1
    rows = [
        {"id": f"user-{n:02d}"}
        | {column: None if n == count - 1 else values[n % len(values)] for column, values in POOL.items()}
        for n in range(count)
    ]
    rows[-1]["tags"] = None if null_arrays else []
    return rows


def iso(value: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def as_json(value: Any, kind: str) -> Any:
    """What the payload should hold for a value of a column; None for no value."""
    if value is None:
        return None
    if kind == "decimal":
        return float(value)
    if kind == "date":
        return value.isoformat()
    if kind == "timestamp":
        return iso(value)
    if kind == "object":
        since = {"$time": iso(value["since"])} if value["since"] else None
        return {k: v for k, v in {"city": value["city"], "since": since}.items() if v is not None} or None
    if kind == "json":
        return json.loads(value)
    return value


def profile(row: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a source row."""
    values = {column: as_json(row.get(column), kind) for column, kind in KINDS.items() if column != "id"}
    return {column: value for column, value in values.items() if value is not None}
