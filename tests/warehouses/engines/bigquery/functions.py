"""BigQuery's JSON and text functions, where the emulator's own give something else.

Checked against ZetaSQL's reference implementation: tests/warehouses/test_bigquery.py.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from duck_types import Type, parse_type

MAX_DEPTH = 500


def float_text(value: float) -> str:
    """CAST(FLOAT64 AS STRING): 15 digits, or 17 where they are needed."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.15g}" if float(f"{value:.15g}") == value else f"{value:.17g}"
    return "0" if text == "-0" else text


def decimal_text(text: str) -> str:
    """CAST(NUMERIC AS STRING) has no zeros at the end of the fraction."""
    if "." not in text:
        return text
    short = text.rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def string_text(text: str | None, duck_type: str) -> str | None:
    """Return CAST(value AS STRING), and FORMAT('%t', value), given DuckDB's text of the value."""
    if text is None:
        return None
    if duck_type in ("DOUBLE", "FLOAT"):
        return float_text(float(text))
    if duck_type.startswith("DECIMAL"):
        return decimal_text(text)
    if duck_type == "JSON":
        return dump(load(text, "round"))
    return text


def numeric_text(value: float | None) -> str | None:
    """Return CAST(FLOAT64 AS NUMERIC): the exact value, rounded to nine decimals."""
    if value is None or not math.isfinite(value):
        return None
    return str(Decimal(value).quantize(Decimal("1e-9"), ROUND_HALF_UP, Context(prec=400)))


def load(text: str, mode: str) -> Any:
    """Return what PARSE_JSON takes: strict JSON, the first of two equal keys, numbers as in BigQuery."""
    if re.search(r"[\ud800-\udfff]", text):
        raise ValueError("invalid UTF-8")
    value = json.loads(
        text,
        parse_int=lambda digits: _number(digits, mode),
        parse_float=lambda digits: _number(digits, mode),
        parse_constant=_refuse,
        object_pairs_hook=lambda pairs: dict(reversed(pairs)),
    )
    if _depth(value) > MAX_DEPTH:
        raise ValueError("JSON is nested too deeply")
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no character
    return value


def _number(digits: str, mode: str) -> int | float:
    if re.fullmatch(r"-?\d+", digits) and -(2**63) <= int(digits) < 2**64:
        return int(digits)
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"number out of range: {digits}")
    if mode != "round" and len(digits.lower().split("e")[0].replace(".", "").strip("-0")) > 17:
        raise ValueError(f"{digits} cannot round-trip through FLOAT64; set wide_number_mode")
    return number


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def dump(value: Any) -> str:
    """Return the text of a JSON value: keys sorted, no white space."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{dump(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return number_text(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def number_text(value: float) -> str:
    """Return the text of a float in a JSON value: with an exponent from 1e15, where Python's begins at 1e16."""
    if 1e15 <= abs(value) < 1e16:
        digits = repr(abs(value)).replace(".", "").rstrip("0")
        return ("-" if value < 0 else "") + digits[0] + ("." + digits[1:] if digits[1:] else "") + "e+15"
    return repr(value)


def parse_json(text: str | None, mode: str) -> str | None:
    """Return PARSE_JSON."""
    return None if text is None else dump(load(text, mode))


def safe_parse_json(text: str | None, mode: str) -> str | None:
    """Return SAFE.PARSE_JSON."""
    try:
        return parse_json(text, mode)
    except (ValueError, RecursionError):
        return None


def to_json_string(text: str | None, duck_type: str) -> str:
    """Return TO_JSON_STRING(value), given DuckDB's JSON of the value."""
    if text is None:
        return "null"
    return "".join(_encoded(_raw(text), parse_type(duck_type), as_text=True))


def to_json(text: str | None, duck_type: str) -> str:
    """Return TO_JSON(value), given DuckDB's JSON of the value."""
    if text is None:
        return "null"
    return dump(load("".join(_encoded(_raw(text), parse_type(duck_type), as_text=False)), "round"))


class _Digits(str):
    """A number as it is written."""

    __slots__ = ()


def _raw(text: str, constant: Callable[[str], Any] = _Digits) -> Any:
    return json.loads(text, parse_int=_Digits, parse_float=_Digits, parse_constant=constant)


def _encoded(value: Any, kind: Type, *, as_text: bool) -> Iterator[str]:
    if value is None:
        yield "null"
    elif kind.name == "JSON":
        yield dump(load(_compact(value), "round"))
    elif kind.name == "LIST":
        yield "[" + ",".join("".join(_encoded(item, kind.items[0], as_text=as_text)) for item in value) + "]"
    elif kind.name == "STRUCT":
        pairs = zip(value.items(), kind.items, strict=True)
        yield (
            "{"
            + ",".join(
                f"{dump(name)}:{''.join(_encoded(item, inner, as_text=as_text))}"
                for (name, item), inner in pairs
            )
            + "}"
        )
    else:
        yield _scalar(value, kind, as_text=as_text)


def _scalar(value: Any, kind: Type, *, as_text: bool) -> str:
    if kind.name in ("DOUBLE", "FLOAT"):
        number = float(value)
        if math.isfinite(number):
            return float_text(number) if as_text else number_text(number + 0.0)  # no sign on 0
        return {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}[float_text(number)]
    if kind.name == "DECIMAL":
        digits = decimal_text(value)
        return f'"{digits}"' if as_text and not _is_short_integer(digits) else digits
    if isinstance(value, _Digits):
        return f'"{value}"' if as_text and not _is_short_integer(value) else value
    if kind.name.startswith("TIMESTAMP"):
        return dump(_iso(value))
    text = dump(value)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") if as_text else text


def _is_short_integer(digits: str) -> bool:
    return "." not in digits and abs(int(digits)) <= 2**53


def _iso(text: str) -> str:
    """Rewrite `2020-01-01 00:00:00.12+00` to `2020-01-01T00:00:00.120Z`."""
    match = re.fullmatch(r"(\S+) ([\d:]+)(?:\.(\d+))?(\+00)?", text)
    if match is None:
        raise ValueError(f"no timestamp: {text}")
    date, time, fraction, zone = match.groups()
    if fraction:
        fraction = fraction.ljust(3 if len(fraction) <= 3 else 6, "0")
    return f"{date}T{time}{'.' + fraction if fraction else ''}{'Z' if zone else ''}"


def strip_nulls(text: str | None, arrays: bool, empty: bool) -> str | None:
    """Return JSON_STRIP_NULLS(value, include_arrays => arrays, remove_empty => empty)."""
    if text is None:
        return None

    def kept(value: Any) -> bool:
        return value is not None and not (empty and value in ({}, []))

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, old in value.items() if kept(item := stripped(old))}
        if isinstance(value, list):
            items = [stripped(item) for item in value]
            return [item for item in items if kept(item)] if arrays else items
        return value

    return dump(stripped(load(text, "round")))


def _compact(value: Any) -> str:
    """Return the JSON of a text as it is written, without white space: what the functions of text give."""
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    return dump(value)


def _at_path(text: str, path: str) -> Any:
    """Return what is at a path, which is a JSON array of keys and positions; None where nothing is."""
    value = _raw(text, _refuse)
    for step in json.loads(path):
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def json_query(text: str | None, path: str, duck_type: str) -> str | None:
    """Return JSON_QUERY: of a text, null for JSON's null and for what is no JSON."""
    try:
        value = None if text is None else _at_path(text, path)
    except ValueError:
        return None
    if value is None:
        return None
    return dump(load(_compact(value), "round")) if duck_type == "JSON" else _compact(value)


def json_query_array(text: str | None, path: str) -> list[str] | None:
    """Return JSON_QUERY_ARRAY of a text."""
    try:
        value = None if text is None else _at_path(text, path)
    except ValueError:
        return None
    return [_compact(item) for item in value] if isinstance(value, list) else None


def json_keys(text: str | None, depth: int) -> list[str] | None:
    """Return JSON_KEYS(value, depth)."""
    if text is None:
        return None

    def keys(value: Any, level: int) -> Iterator[str]:
        for key, item in value.items() if isinstance(value, dict) and level else ():
            name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else dump(key)
            yield name
            yield from (f"{name}.{inner}" for inner in keys(item, level - 1))

    return sorted(set(keys(json.loads(text), depth)))


def format_timestamp(form: str, moment: datetime | None, zone: str) -> str | None:
    """Return FORMAT_TIMESTAMP: %E4Y, %E<digits>S and what strftime knows."""
    if moment is None:
        return None
    local = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
    form = form.replace("%S.%f", "%E6S").replace("%E4Y", f"{local.year:04d}")
    form = re.sub(
        r"%E(\d)S", lambda match: f"{local.second:02d}.{local.microsecond:06d}"[: 3 + int(match[1])], form
    )
    return local.strftime(form)
