"""What PostgreSQL accepts and Redshift refuses (docs.aws.amazon.com/redshift, unless another reason is given)."""

import re
from functools import lru_cache

from tokens import Token, bare, meaningful, tokens_of, words

UNSUPPORTED = "unsupported PostgreSQL function"
LEADER_ONLY = "runs on the leader node only, so not over a table"
NARROW_TEXT = "TEXT is VARCHAR(256), and a cast cuts off what is longer (Character types)"
FUNCTIONS = {
    **dict.fromkeys(
        (
            "array_agg", "array_append", "array_length", "array_remove", "array_to_string", "cardinality",
            "clock_timestamp", "concat_ws", "convert_from", "convert_to", "corr", "date_bin", "encode", "every",
            "format", "gen_random_uuid", "generate_series", "generate_subscripts", "isfinite", "json_agg",
            "json_array_elements", "json_build_array", "json_build_object", "json_each", "json_object_agg",
            "json_object_keys", "jsonb_agg", "jsonb_array_elements", "jsonb_build_array", "jsonb_build_object",
            "jsonb_each", "jsonb_object_agg", "jsonb_object_keys", "jsonb_set", "jsonb_strip_nulls",
            "json_strip_nulls", "justify_days", "justify_hours", "make_date", "make_interval", "make_timestamp",
            "make_timestamptz", "overlay", "pg_sleep", "quote_nullable", "regexp_like", "regexp_match",
            "regexp_matches", "regexp_split_to_array", "regexp_split_to_table", "row_to_json", "setseed", "sha256",
            "starts_with", "statement_timestamp", "string_agg", "string_to_array", "to_json", "to_jsonb",
            "transaction_timestamp", "unnest", "width_bucket", "xmlagg",
        ),
        UNSUPPORTED,
    ),
    **dict.fromkeys(("age", "now"), LEADER_ONLY),
}  # fmt: skip
SYNTAX = {
    r"\b(current_timestamp|current_time|localtime|localtimestamp)\b": LEADER_ONLY,
    r"(:: ?|\bas )(jsonb?|uuid|bytea)\b": "no such type (Unsupported PostgreSQL data types)",
    r":: ?text\b": NARROW_TEXT,
    r"\b(varchar|text|int|integer|bigint|numeric|boolean|timestamp)( \( \d+ \))? \[ \]": "no array types",
    r"\barray \[": "no array constructor; array() makes a SUPER",
    r"(->>|->|#>>|#>)": "no operators of JSON",
    r"(!~\*|~\*)": "no operators that ignore case (POSIX operators)",
    r"\bfilter \( where\b": "no FILTER for aggregates",
    r"\bis (not )?distinct from\b": UNSUPPORTED,
    r"\bdistinct on \(": "no DISTINCT ON",
    r"\bas (not )?materialized \(": "no hint for a CTE (WITH clause)",
    r"\blateral\b": "no LATERAL (FROM clause)",
    r"(from|join|,) \( values\b": "no VALUES as a table (FROM clause)",
    r"\bcreate or replace (temp|temporary )?table\b": "no CREATE OR REPLACE TABLE",
    r"\bcreate (unique )?index\b": "no indexes",
    r"\bcreate unlogged\b": "no unlogged tables",
    r"\bon conflict\b": "no ON CONFLICT (INSERT)",
    r"\breturning\b": "no RETURNING (INSERT, UPDATE, DELETE)",
    r"^merge into \S+( \. \S+)* (?!using\b|\.)\w": "no alias for the target (MERGE)",
    r"^merge\b.* using \(": "the source is a table, no subquery (MERGE)",
    r"^with\b.*\bmerge into\b": "no WITH clause (MERGE)",
    r"^merge\b.*\bwhen (not )?matched and\b": "no further conditions (MERGE)",
    r"^merge\b.*\bwhen matched\b.*\bwhen matched\b": "one WHEN MATCHED clause (MERGE)",
    r"^merge\b(?!.*\bwhen matched\b.*\bwhen not matched\b)(?!.*remove duplicates)": "both WHEN clauses are needed (MERGE)",
    r"\balter column \S+ type (?!varchar|character varying|varbyte)": "ALTER COLUMN TYPE is for sizes of text alone",
}
KNOWN_FUNCTIONS = words(
    """
    abs array array_concat array_distinct array_except array_sort avg bool_and bool_or btrim
    can_json_parse ceil ceiling charindex chr coalesce concat convert_timezone cos count current_database
    current_schema current_user date date_cmp date_part date_trunc dateadd datediff decode dense_rank exp
    extract first_value floor fnv_hash get_array_length get_number_attributes getdate greatest initcap
    is_array is_boolean is_object is_scalar is_valid_json is_valid_json_array is_varchar json_array_length
    json_extract_array_element_text json_extract_path_text json_parse json_serialize json_size json_typeof
    lag last_day last_value lead least left len length listagg ln log lower lpad ltrim max md5 median min
    mod months_between nullif nvl nvl2 object object_transform octet_length percentile_cont pg_backend_pid
    pg_get_late_binding_view_cols pg_terminate_backend position power quote_ident quote_literal random
    rank regexp_count regexp_instr regexp_replace regexp_substr repeat replace reverse right round
    row_number rpad rtrim sha1 sha2 sign split_part split_to_array sqrt stddev strpos strtol substring sum
    sysdate to_char to_date to_hex to_number to_timestamp translate trim trunc try_cast upper version
    """
)
# Words that stand before a parenthesis and call nothing.
NO_FUNCTIONS = words(
    """
    all and any as between by case cast char character columns decimal distinct distkey else exists filter
    from group having in insert into interval is join key like limit not null numeric on or order over
    partition primary select set some sortkey then time timestamp union unique using values varbyte
    varchar varying view when where with
    """
)
# Reserved words that are part of no statement of ours, and those that may be.
RESERVED = words(
    """
    aes128 aes256 allowoverwrite az64 binary blanksasnull bytedict bzip2 credentials deflate defrag delta
    delta32k disable emptyasnull enable encrypt encryption freeze globaldict256 globaldict64k gzip
    initially language lun luns lzo lzop mostly16 mostly32 mostly8 offline permissions placing raw
    readratio recover rejectlog resort restore snapshot system tag tdes text255 text32k truncatecolumns
    verbose wallet
    """
)
RESERVED_AS_NAME = RESERVED | words(
    """
    all analyze any array asc backup both check collate column constraint default desc do else encode end
    explicit false for full grant group identity ignore is join leading left like limit minus natural new
    not null nulls off offset oid old on only open or order outer parallel partition percent pivot primary
    qualify references respect right similar some sysdate table then to top trailing true union unique
    unnest unpivot user using when where without
    """
)
# Functions that take fewer or more arguments elsewhere.
ARGUMENTS = {
    "concat": (2, "CONCAT takes two expressions"),
    "substring": (3, "SUBSTRING takes a position and a length, or FROM"),
    "json_parse": (1, "JSON_PARSE takes a text"),
}
CALL = re.compile(r"(?:(?P<before>\S+) )?(?<!\. )\b(?P<name>[a-z_]\w*)(?= \()")
NAMING = ("into", "table", "view", "as", "exists", ".", "join", "with")
PATTERNS = {re.compile(pattern, re.DOTALL): reason for pattern, reason in SYNTAX.items()}


CATALOGUE = re.compile(r"\b(information_schema|pg_|svv_|stv_)")


def calls(text: str) -> set[str]:
    """Return the names of the functions that a bare statement calls."""
    return {match["name"] for match in CALL.finditer(text) if match["before"] not in NAMING}


def reserved_names(sql: str) -> set[str]:
    """Return the reserved words that the statement uses as names."""
    tokens = meaningful(tokens_of(sql))
    names = {token.name for token in tokens if token.kind == "word" and token.name in RESERVED}
    for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], tokens[-1]], strict=False):
        is_cte = token.name == "as" and after.text == "("
        name = before if is_cte else token if before.name == "as" else None
        if name and name.kind == "word" and name.name in RESERVED_AS_NAME:
            names.add(name.name)
    return names


def wrong_arguments(sql: str) -> set[str]:
    """Return what is wrong with the arguments of calls."""
    tokens = meaningful(tokens_of(sql))
    found = set()
    for index, token in enumerate(tokens[:-1]):
        if tokens[index + 1].text != "(" or token.name not in {"cast", *ARGUMENTS}:
            continue
        inner = top_level(tokens, index + 1)
        if token.name == "cast":
            found |= {NARROW_TEXT} if inner[-2:] == ["as", "text"] else set()
            continue
        count, reason = ARGUMENTS[token.name]
        if inner.count(",") + 1 != count and "from" not in inner:
            found.add(reason)
    return found


def top_level(tokens: list[Token], opening: int) -> list[str]:
    """Return the tokens between a parenthesis and its end that are in no other parenthesis."""
    depth, inner = 0, []
    for token in tokens[opening:]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            break
        if depth == 1:
            inner.append(token.name)
    return inner


@lru_cache(maxsize=500)
def refusals(sql: str) -> tuple[str, ...]:
    """Return why Redshift would refuse the statement, as far as is known; the adapter's catalogue queries are right."""
    text = bare(sql)
    if CATALOGUE.search(text):
        return ()
    found = [f"{name}(): {FUNCTIONS[name]}" for name in sorted(calls(text) & FUNCTIONS.keys())]
    found += [f"{name}: a reserved word (Reserved words)" for name in sorted(reserved_names(sql))]
    found += sorted(wrong_arguments(sql))
    for pattern, reason in PATTERNS.items():
        match = pattern.search(text)
        if match:
            found.append(f"{match[0][-60:]}: {reason}")
    return tuple(found)


def unknown_functions(sql: str) -> list[str]:
    """Return the functions that are not among those whose pages were looked up: add a name once it is documented."""
    text = bare(sql)
    if CATALOGUE.search(text):
        return []
    names = sorted(calls(text) - FUNCTIONS.keys() - KNOWN_FUNCTIONS - NO_FUNCTIONS)
    return [f"{name}(): not among the functions known to be Redshift's" for name in names]
