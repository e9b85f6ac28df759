"""Judge statements, as far as one can without an account: JSON list of statements in, JSON list of refusals out."""

import json
import logging
import re
import sys
from collections.abc import Iterator

import sqlglot
from dialect import FUNCTIONS, REFUSED, REFUSED_WORDS, RESERVED, UNKNOWN_TYPES
from sqlglot import TokenType, exp
from sqlglot.dialects.snowflake import Snowflake

# What sqlglot hands on unparsed although it is right.
UNPARSED = ("begin", "commit", "rollback", "show ", "describe ", "use ", "alter session")


class Judged(Snowflake):
    """Snowflake's dialect, with the names of functions as they were written."""

    ORIGINAL_NAME_META_KEY = "written"


def refusals_of(statement: str) -> Iterator[str]:
    """Find what is wrong in a statement, or in several with semicolons between."""
    try:
        tokens = sqlglot.tokenize(statement, read=Judged)
        parsed = sqlglot.parse(statement, read=Judged)
    except sqlglot.errors.SqlglotError as error:
        yield f"does not parse: {error.errors[0]['description'] if getattr(error, 'errors', None) else error}"
        return
    words = " ".join("''" if token.token_type == TokenType.STRING else token.text for token in tokens)
    for pattern, reason in REFUSED_WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            yield reason
    for tree in parsed:
        for node in tree.walk() if tree else ():
            yield from refusals_of_node(node)


def refusals_of_node(node: exp.Expr) -> Iterator[str]:
    """Find what is wrong in one node of the tree."""
    if isinstance(node, exp.Command) and not node.sql().lower().startswith(UNPARSED):
        yield f"does not parse: {node.sql()[:60]}"
    if isinstance(node, exp.Func) and (name := name_of(node)) and name.lower() not in FUNCTIONS:
        yield f"{name} is not in the list of Snowflake's functions"
    if isinstance(node, exp.Identifier) and not node.quoted and node.name.lower() in RESERVED:
        yield f"{node.name} is a reserved word"
    if isinstance(node, exp.DataType) and node.this in UNKNOWN_TYPES:
        yield UNKNOWN_TYPES[node.this]
    if isinstance(node, exp.Create) and node.args.get("replace") and node.args.get("exists"):
        yield "OR REPLACE and IF NOT EXISTS exclude each other"
    for is_refused, reason in REFUSED:
        if is_refused(node):
            yield reason


def name_of(function: exp.Func) -> str | None:
    """The name that was written; none for what is syntax rather than a call."""
    if isinstance(function, exp.Anonymous):
        return str(function.this)
    name: str | None = function.meta.get("written")
    return name


def main() -> None:
    """Judge what comes on standard input."""
    # sqlglot warns of what it does not parse, which is judged here.
    logging.disable()
    found = [
        f"{refusal}: {' '.join(statement.split())[:200]}"
        for statement in json.load(sys.stdin)
        for refusal in dict.fromkeys(refusals_of(statement))
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
