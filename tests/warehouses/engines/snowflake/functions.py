"""Functions that fakesnow lacks or gets wrong, as Snowflake's pages have them (docs.snowflake.com, Function reference).

They are taken out of sqlglot's hands while a statement is parsed: each becomes a DuckDB function, or one in Python.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

# Formats of dates and times: docs.snowflake.com, Date & time input and output formats.
TIME_FORMAT = {
    "YYYY": "%Y",
    "MM": "%m",
    "DD": "%d",
    "HH24": "%H",
    "MI": "%M",
    "SS": "%S",
    "FF3": "%g",
    "FF6": "%f",
}
MACROS = """
create or replace macro {catalog}._sf_check_json(x) as case when not json_valid(x) then 'no JSON' end;
create or replace macro {catalog}._sf_signed(x) as cast(cast(x as hugeint) - 9223372036854775808 as bigint);
create or replace macro {catalog}._sf_object_keys(x) as to_json(json_keys(x));
create or replace macro {catalog}._sf_as_object(x) as case when json_type(x) = 'OBJECT' then x end;
create or replace macro {catalog}._sf_as_array(x) as case when json_type(x) = 'ARRAY' then x end;
create or replace macro {catalog}._sf_to_array(x) as
    case when x is not null and json_type(to_json(x)) = 'ARRAY' then to_json(x)
    when json_type(to_json(x)) != 'NULL' then json_array(x) end;
create or replace macro {catalog}._sf_array_compact(x) as
    to_json(list_filter(cast(x as json[]), lambda item: item is not null and json_type(item) != 'NULL'));
create or replace macro {catalog}._sf_elements(x) as cast(x as json[]);
create or replace macro {catalog}._sf_get(x, k) as json_extract(x, '$."' || k || '"');
create or replace macro {catalog}._sf_regexp_instr(x, p) as cast(regexp_matches(x, p) as integer);
create or replace macro {catalog}._sf_typeof(x) as
    case typeof(x) when 'JSON' then 'VARIANT[LOB]' when '"NULL"' then 'NULL' else 'VARCHAR(16777216)[LOB]' end;
create or replace macro {catalog}._sf_timestamp_ntz(x, factor) as
    coalesce(make_timestamp(cast(try_cast(x as hugeint) * factor as bigint)), cast(x as timestamp));
create or replace macro {catalog}._sf_varchar(x) as
    case typeof(x) when 'JSON' then json_extract_string(to_json(x), '$') else cast(x as varchar) end;
create or replace macro {catalog}._sf_to_json(x) as _sf_written(cast(to_json(x) as varchar));
"""


def parsed(text: str, *, strict: bool = True) -> Any:
    """PARSE_JSON takes what JSON does not allow, of which this takes NaN; a key occurs once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("duplicate object attribute")
        return dict(pairs)

    return json.loads(text, parse_float=number, object_pairs_hook=once, strict=strict)


def number(text: str) -> Decimal | float:
    """A fixed-point number is kept as it is, one with an exponent as a double: docs.snowflake.com, PARSE_JSON."""
    return float(text) if "e" in text.lower() else Decimal(text)


def written(value: Any) -> str:
    """TO_JSON writes no white space, keys in order, and sixteen digits of a double."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and value - value == 0:
        return f"{value:.15e}"
    return json.dumps(value, ensure_ascii=False)


def parse_json(text: str) -> str:
    """PARSE_JSON."""
    return written(parsed(text))


def try_parse_json(text: str) -> str | None:
    """TRY_PARSE_JSON."""
    try:
        return parse_json(text)
    except ValueError:
        return None


def written_again(text: str) -> str:
    """TO_JSON, of what DuckDB holds as JSON text."""
    return written(parsed(text, strict=False))


def scientific(value: float) -> str:
    """The format TME: seventeen digits, without the zeros at the end."""
    mantissa, exponent = f"{value:.16E}".split("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{int(exponent)}"


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call that sqlglot hands on as it is."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def to_varchar(arguments: list[exp.Expr]) -> exp.Expr:
    """TO_VARCHAR by its format, a constant."""
    if len(arguments) == 1:
        return exp.Cast(this=arguments[0], to=exp.DataType.build("varchar"))
    if arguments[1].name.upper() == "TME":
        return call("_sf_scientific", exp.Cast(this=arguments[0], to=exp.DataType.build("double")))
    return call("strftime", arguments[0], exp.Literal.string(time_format(arguments[1].name)))


def time_format(snowflake: str) -> str:
    """The format in DuckDB's way; text in double quotes stands for itself."""
    pieces = re.findall(r'"[^"]*"|[A-Za-z]+\d*|[^A-Za-z"]', snowflake)
    return "".join(TIME_FORMAT[piece.upper()] if piece[0].isalpha() else piece.strip('"') for piece in pieces)


def cast_to_varchar(expression: exp.Expr) -> exp.Expr:
    """A cast takes the quotes off the text in a VARIANT."""
    if (
        isinstance(expression, exp.Cast)
        and expression.to.this in exp.DataType.TEXT_TYPES
        and not isinstance(expression.this, exp.Literal | exp.Null)
    ):
        return call("_sf_varchar", expression.this)
    return expression


def quoted_keyword(expression: exp.Expr) -> exp.Expr:
    """A name that is a keyword for DuckDB alone, such as `at`, is quoted for it."""
    if (
        isinstance(expression, exp.Identifier)
        and not expression.quoted
        and expression.name.lower() in KEYWORDS
    ):
        return exp.to_identifier(expression.name.upper(), quoted=True)
    return expression


def to_number(arguments: list[exp.Expr]) -> exp.Expr:
    """TO_NUMBER of text, or of hex digits when the format is of X."""
    if len(arguments) > 1 and arguments[1].is_string and set(arguments[1].name.upper()) == {"X"}:
        hex_digits = exp.DPipe(this=exp.Literal.string("0x"), expression=arguments[0])
        return exp.Cast(this=hex_digits, to=exp.DataType.build("bigint"))
    precision_and_scale = ", ".join(argument.name for argument in arguments[1:]) or "38, 0"
    return exp.Cast(this=arguments[0], to=exp.DataType.build(f"decimal({precision_and_scale})"))


def to_timestamp_ntz(arguments: list[exp.Expr]) -> exp.Expr:
    """TO_TIMESTAMP_NTZ of a text with its format, or of a number, which fakesnow reads in the zone of the session."""
    if len(arguments) > 1 and arguments[1].is_string:
        return call("strptime", arguments[0], exp.Literal.string(time_format(arguments[1].name)))
    scale = int(arguments[1].name) if len(arguments) > 1 else 0
    return call("_sf_timestamp_ntz", arguments[0], exp.Literal.number(10 ** (6 - scale)))


def regexp_replace(arguments: list[exp.Expr]) -> exp.Expr:
    """REGEXP_REPLACE replaces every match. fakesnow would halve the backslashes, which sqlglot has done."""
    replacement = arguments[2] if len(arguments) > 2 else exp.Literal.string("")
    return call("regexp_replace", *arguments[:2], replacement, exp.Literal.string("g"))


def transform(arguments: list[exp.Expr]) -> exp.Expr:
    """TRANSFORM over the elements of an array; gives a list of DuckDB's, which is enough for what is done with it."""
    return call("list_transform", call("_sf_elements", arguments[0]), arguments[1])


def renamed(name: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    """The same arguments under another name."""
    return lambda arguments: call(name, *arguments)


KEYWORDS = {
    keyword
    for (keyword,) in duckdb.execute(
        "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
}
OWN: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    "ARRAY_COMPACT": renamed("_sf_array_compact"),
    "ARRAY_DISTINCT": renamed("list_distinct"),
    "ARRAY_SORT": renamed("list_sort"),
    "ARRAY_TO_STRING": renamed("array_to_string"),
    "AS_ARRAY": renamed("_sf_as_array"),
    "AS_OBJECT": renamed("_sf_as_object"),
    "CHECK_JSON": renamed("_sf_check_json"),
    "GET": renamed("_sf_get"),
    "HASH": lambda arguments: call("_sf_signed", call("hash", *arguments)),
    "OBJECT_KEYS": renamed("_sf_object_keys"),
    "OCTET_LENGTH": renamed("strlen"),
    "PARSE_JSON": renamed("_sf_parse_json"),
    "REGEXP_INSTR": renamed("_sf_regexp_instr"),
    "REGEXP_REPLACE": regexp_replace,
    "RTRIM": renamed("rtrim"),
    "SYSTEM$TYPEOF": renamed("_sf_typeof"),
    "TO_ARRAY": renamed("_sf_to_array"),
    "TO_JSON": renamed("_sf_to_json"),
    "TO_NUMBER": to_number,
    "TO_TIMESTAMP_NTZ": to_timestamp_ntz,
    "TO_VARCHAR": to_varchar,
    "TRANSFORM": transform,
    "TRY_PARSE_JSON": renamed("_sf_try_parse_json"),
}


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Make sqlglot and DuckDB know them."""
    Snowflake.Parser.FUNCTIONS.update(OWN)
    connection.create_function("_sf_parse_json", parse_json, ["VARCHAR"], "JSON")
    connection.create_function(
        "_sf_try_parse_json", try_parse_json, ["VARCHAR"], "JSON", null_handling="default"
    )
    connection.create_function("_sf_written", written_again, ["VARCHAR"], "VARCHAR")
    connection.create_function("_sf_scientific", scientific, ["DOUBLE"], "VARCHAR")
