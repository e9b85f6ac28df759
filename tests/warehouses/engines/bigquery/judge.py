"""Says what BigQuery would refuse: a JSON object of `statements` and `tables` (their DDL) in, a JSON array out."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import sqlglot
from sqlglot import exp
from zeta import analyzed

# docs.cloud.google.com/bigquery, Quotas and limits: characters of a query, and of a view's query.
MAX_QUERY, MAX_VIEW = 1024 * 1024, 256 * 1024
# ZetaSQL does not know these tables; they are the adapter's own business.
METADATA = re.compile(r"INFORMATION_SCHEMA|__TABLES__|\bregion-", re.IGNORECASE)
# Statements of scripts, which the analyzer leaves to whoever runs the script.
SCRIPT = re.compile(
    r"\s*(declare|set|begin|commit|rollback|if|loop|end|call|execute|raise|assert)\b", re.IGNORECASE
)
# Functions of ZetaSQL that BigQuery's reference does not list.
FUNCTIONS_NOT_THERE = {
    "array_filter", "array_find", "array_includes", "array_includes_all", "array_includes_any", "array_is_distinct",
    "array_max", "array_min", "array_transform", "iferror", "iserror", "nulliferror", "safe_to_json", "json_subset",
    "json_query_lax", "to_proto", "timestamp_from_unix_seconds", "date_from_unix_date", "split_substr",
}  # fmt: skip


class Judge:
    """Reads statements in the order in which they ran, and learns the tables that they create."""

    def __init__(self, tables: dict[str, str]) -> None:
        """Start with the tables that no statement creates."""
        self.tables: dict[tuple[str, ...], list[tuple[str, Any]]] = {}
        for ddl in tables.values():
            self.learn(analyzed(ddl, {}))

    def problems(self, text: str) -> Iterator[str]:
        """Yield what is wrong with a text of one or more statements."""
        if len(text) > MAX_QUERY:
            yield f"{len(text)} characters are more than a query may have: {text[:200]}"
        for statement in split(text):
            if METADATA.search(statement) or SCRIPT.match(without_comments(statement)):
                continue
            yield from (f"{problem}: {shortened(statement)}" for problem in self.problems_of_one(statement))

    def problems_of_one(self, statement: str) -> Iterator[str]:
        """Yield what is wrong with one statement."""
        try:
            resolved = analyzed(with_parts_quoted(statement), self.tables)
        except Exception as problem:
            yield str(problem)
            return
        for name in sorted(functions_of(resolved) & FUNCTIONS_NOT_THERE):
            yield f"{name}() is not BigQuery's"
        if type(resolved).__name__ == "ResolvedCreateViewStmt" and len(statement) > MAX_VIEW:
            yield f"{len(statement)} characters are more than a view may have"
        yield from joins_without_equality(statement)
        self.learn(resolved)

    def learn(self, resolved: Any) -> None:
        """Keep the columns of a table or view that the statement creates or extends."""
        path = tuple(getattr(resolved, "name_path", None) or ())
        columns = getattr(resolved, "column_definition_list", None) or []
        if path and columns and "Create" in type(resolved).__name__:
            self.tables[path] = [(column.name, column.type) for column in columns]
        for action in getattr(resolved, "alter_action_list", None) or []:
            added = getattr(action, "column_definition", None)
            if added is not None and path in self.tables:
                self.tables[path].append((added.name, added.type))


def split(text: str) -> list[str]:
    """Split at the semicolons between statements."""
    tokens = sqlglot.tokenize(text, read="bigquery")
    ends = [token.start for token in tokens if token.text == ";" and token.token_type.name == "SEMICOLON"]
    pieces = [
        text[start:end]
        for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)
    ]
    return [piece for piece in pieces if without_comments(piece).strip()]


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*(--|#)[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)


def shortened(statement: str) -> str:
    return re.sub(r"\s+", " ", without_comments(statement)).strip()[:300]


def with_parts_quoted(statement: str) -> str:
    """BigQuery reads `project.dataset.table` in one pair of quotes as a path; ZetaSQL as one name."""
    return re.sub(r"`([\w-]+(?:\.[\w-]+)+)`", lambda path: "`" + path[1].replace(".", "`.`") + "`", statement)


def parts(node: Any) -> Iterator[Any]:
    """Yield every node of a resolved statement."""
    if hasattr(node, "__dataclass_fields__"):
        yield node
        for name in node.__dataclass_fields__:
            yield from parts(getattr(node, name)) if not name.startswith("_") else ()
    elif isinstance(node, list | tuple):
        for item in node:
            yield from parts(item)


def functions_of(resolved: Any) -> set[str]:
    """Return the names of the functions that a resolved statement calls."""
    called = (getattr(node, "function", None) for node in parts(resolved))
    return {function.name.split(":")[-1].lower() for function in called if getattr(function, "name", None)}


def joins_without_equality(statement: str) -> Iterator[str]:
    """Yield the outer joins that BigQuery refuses: none of their conditions is an equality of both sides."""
    for tree in sqlglot.parse(statement, read="bigquery"):
        for join in tree.find_all(exp.Join) if tree else ():
            condition = join.args.get("on")
            if (
                join.side
                and condition is not None
                and condition.find(exp.Column)
                and not has_equality(condition)
            ):
                yield "an outer join needs an equality of fields of both sides"
        if (
            isinstance(tree, exp.Merge)
            and tree.args["on"].find(exp.Column)
            and not has_equality(tree.args["on"])
        ):
            yield "a merge needs an equality of fields of both sides"


def has_equality(condition: exp.Expression) -> bool:
    """Tell whether one of the conditions compares columns of two tables."""
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        inner = part.unnest()
        if isinstance(inner, exp.EQ):
            left, right = (
                {column.table for column in side.find_all(exp.Column)} for side in (inner.left, inner.right)
            )
            if left and right and left != right:
                return True
    return False


if __name__ == "__main__":
    given = json.load(sys.stdin)
    judge = Judge(given["tables"])
    json.dump([problem for text in given["statements"] for problem in judge.problems(text)], sys.stdout)
