"""What Snowflake has, and what the stand-in takes although Snowflake does not have it (docs.snowflake.com)."""

from collections.abc import Callable
from pathlib import Path

from sqlglot import exp

# Function reference. Not all of them: a name that is missing there is looked up before it is added.
FUNCTIONS = frozenset((Path(__file__).parent / "functions.txt").read_text().split())

# Reserved & limited keywords: those that no column or table may have for a name without quotes.
RESERVED = frozenset((Path(__file__).parent / "reserved.txt").read_text().split())

TYPES = exp.DataType.Type
# Data types.
UNKNOWN_TYPES = {
    TYPES.JSON: "there is no type JSON; VARIANT holds what PARSE_JSON gives",
    TYPES.JSONB: "there is no type JSONB",
    TYPES.STRUCT: "there is no type STRUCT",
    TYPES.LIST: "there is no type LIST",
    TYPES.UINT: "numbers are signed",
    TYPES.UBIGINT: "numbers are signed",
    TYPES.TIMESTAMP: "what TIMESTAMP means is a setting of the account; name TIMESTAMP_NTZ",
    TYPES.INTERVAL: "an INTERVAL is a constant here, no type of a value",
}


def is_true_of(kind: type[exp.Expr], argument: str) -> Callable[[exp.Expr], bool]:
    """Find nodes of a kind that have an argument."""
    return lambda node: isinstance(node, kind) and bool(node.args.get(argument))


def is_a(*kinds: type[exp.Expr]) -> Callable[[exp.Expr], bool]:
    """Find nodes of a kind."""
    return lambda node: isinstance(node, kinds)


def is_try_cast_of_no_text(node: exp.Expr) -> bool:
    """Find TRY_CAST, unless its argument is text on the face of it."""
    text = (exp.Literal, exp.ToChar)
    if not isinstance(node, exp.TryCast):
        return False
    is_cast_to_text = isinstance(node.this, exp.Cast) and node.this.to.this in exp.DataType.TEXT_TYPES
    return not (is_cast_to_text or isinstance(node.this, text))


def is_regexp_replace_with_flags(node: exp.Expr) -> bool:
    """Find the way that DuckDB and PostgreSQL have to replace all matches."""
    return isinstance(node, exp.RegexpReplace) and any(
        isinstance(node.args.get(name), exp.Literal) and node.args[name].is_string
        for name in ("position", "modifiers")
    )


# What the parser reads as something that Snowflake has: patterns over the words of a statement.
REFUSED_WORDS = (
    (r"\w \[ \]", "an array is ARRAY or ARRAY(type)"),
    (
        r"\b(string_agg|group_concat|json_object|json_arrayagg|json_table|convert) \(",
        "there is no such function",
    ),
    (r"\busing (table)?sample\b", "it is SAMPLE, without USING"),
)
# Syntax, with the reason why Snowflake refuses it.
REFUSED: tuple[tuple[Callable[[exp.Expr], bool], str], ...] = (
    (is_true_of(exp.CTE, "materialized"), "a CTE has no hint MATERIALIZED"),
    (is_a(exp.Filter), "an aggregate has no FILTER (WHERE …)"),
    (is_a(exp.JSONExtractScalar, exp.JSONBExtract), "there is no operator ->>; a path is column:key"),
    (is_true_of(exp.Distinct, "on"), "there is no DISTINCT ON"),
    (is_regexp_replace_with_flags, "the fourth argument of REGEXP_REPLACE is a position"),
    (is_try_cast_of_no_text, "TRY_CAST takes text alone"),
    (is_a(exp.Returning), "nothing is RETURNING"),
    (is_true_of(exp.Insert, "alternative"), "there is no INSERT OR REPLACE"),
    (is_a(exp.Slice), "an array is cut with ARRAY_SLICE"),
    (is_a(exp.SimilarTo), "there is no SIMILAR TO"),
    (is_a(exp.Glob), "there is no GLOB"),
    (is_a(exp.Summarize), "there is no SUMMARIZE"),
)
