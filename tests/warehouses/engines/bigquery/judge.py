"""Says what BigQuery would refuse: a JSON object of `statements` and `tables` (their DDL) in, a JSON array out."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from zeta import Resolved, analyzed

# docs.cloud.google.com/bigquery, Quotas and limits: characters of a query, and of a view's query.
MAX_QUERY, MAX_VIEW = 1024 * 1024, 256 * 1024
# ZetaSQL does not know these tables; they are the adapter's own business.
METADATA = re.compile(r"INFORMATION_SCHEMA|__TABLES__|\bregion-", re.IGNORECASE)
# Statements of scripts, which the analyzer leaves to whoever runs the script.
SCRIPT = re.compile(
    r"\s*(declare|set|begin|commit|rollback|if|loop|end|call|execute|raise|assert)\b", re.IGNORECASE
)
# What differs from run to run, and what stands for it: so a statement is judged once.
VARYING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "run"),
    (re.compile(r"(?<=__dbt_tmp)\d+"), ""),
    (re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00'"), "'2026-01-01 00:00:00.000000+00'"),
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
        self.passed: set[str] = set()
        for ddl in tables.values():
            self.learn(analyzed(ddl, {}))

    def problems(self, texts: Sequence[str]) -> list[str]:
        """Return what is wrong with texts of one or more statements each.

        A statement about a table that is not there yet is tried again after all others: several threads of dbt ran them.
        """
        found = [
            f"{len(text)} characters are too many: {shortened(text)}"
            for text in texts
            if len(text) > MAX_QUERY
        ]
        waiting = [
            statement
            for text in texts
            for statement in split(steady(text))
            if not (METADATA.search(statement) or SCRIPT.match(without_comments(statement)))
        ]
        while waiting:
            again = []
            for statement in waiting:
                problems = list(self.problems_of_one(statement))
                if any("Table not found" in problem for problem in problems):
                    again.append((statement, problems))
                else:
                    found += [f"{problem}: {shortened(statement)}" for problem in problems]
            if len(again) == len(waiting):
                return found + [
                    f"{problem}: {shortened(sql)}" for sql, problems in again for problem in problems
                ]
            waiting = [statement for statement, _ in again]
        return found

    def problems_of_one(self, statement: str) -> Iterator[str]:
        """Yield what is wrong with one statement."""
        tables = {path: columns for path, columns in self.tables.items() if path[-1] in statement}
        if f"{statement} {tables}" in self.passed:
            return
        try:
            resolved = analyzed(with_parts_quoted(statement), tables)
        except Exception as problem:
            yield str(problem)
            return
        for name in sorted(resolved.functions & FUNCTIONS_NOT_THERE):
            yield f"{name}() is not BigQuery's"
        if len(statement) > MAX_VIEW and re.match(
            r"\s*create\s+(or\s+replace\s+)?view\b", without_comments(statement), re.IGNORECASE
        ):
            yield f"{len(statement)} characters are more than a view may have"
        yield from joins_without_equality(statement)
        self.learn(resolved)
        self.passed.add(f"{statement} {tables}")

    def learn(self, resolved: Resolved) -> None:
        """Keep the columns of a table or view that the statement creates or extends."""
        if resolved.columns and "create" in resolved.kind:
            self.tables[resolved.path] = resolved.columns
        elif resolved.columns and "alter" in resolved.kind:
            known = self.tables.get(resolved.path, [])
            names = {name.lower() for name, _ in known}
            self.tables[resolved.path] = known + [
                (name, kind) for name, kind in resolved.columns if name.lower() not in names
            ]


def steady(text: str) -> str:
    """Return the text without what differs from run to run."""
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text


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
    json.dump(list(dict.fromkeys(Judge(given["tables"]).problems(given["statements"]))), sys.stdout)
