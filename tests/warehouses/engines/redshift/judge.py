"""Say what Redshift would refuse in the statements read from standard input: a JSON array in, a JSON array out."""

import json
import logging
import sys

import sqlglot
from refused import refusals, unknown_functions
from sqlglot.errors import SqlglotError


def problems(statement: str) -> list[str]:
    """Return what is wrong with one statement."""
    found = [*refusals(statement), *unknown_functions(statement)]
    try:
        sqlglot.parse(statement, read="redshift")
    except SqlglotError as error:
        found.append(f"no Redshift SQL: {error}")
    return [f"{problem}\n  in: {' '.join(statement.split())[:300]}" for problem in found]


def main() -> None:
    """Judge."""
    logging.disable()
    statements = json.load(sys.stdin)
    json.dump([problem for statement in statements for problem in problems(statement)], sys.stdout)


if __name__ == "__main__":
    main()
