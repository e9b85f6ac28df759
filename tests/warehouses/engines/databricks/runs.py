"""Statements of many dbt runs, told apart and then each looked at once."""

import hashlib
import re

TEMPORARY = re.compile(r"create\s+or\s+replace\s+temporary\s+view\s+`?(\w+)`?", re.IGNORECASE)
RUN = re.compile(r'"invocation_id": "([0-9a-f-]+)"')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# What differs from run to run and means nothing to an analyzer: identifiers of runs, and moments.
VARYING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", re.IGNORECASE
)


def distinct(statements: list[str]) -> dict[str, str]:
    """Return the statements that differ in more than the run that sent them, each with a text to judge.

    In that text a temporary view has a name of its own for each definition: dbt gives it the name of its model in every
    run, whatever columns it has.
    """
    views: dict[str, dict[str, str]] = {}
    for sql in statements:
        view = TEMPORARY.search(sql)
        if view:
            version = hashlib.md5(_constant(sql).encode(), usedforsecurity=False).hexdigest()[:8]
            views.setdefault(_run(sql), {})[view[1]] = f"{view[1]}_{version}"
    texts: dict[str, tuple[str, str]] = {}
    for sql in statements:
        text = sql
        for name, version in views.get(_run(sql), {}).items():
            text = re.sub(rf"\b{name}\b", version, text)
        texts.setdefault(_constant(text), (sql, text))
    return dict(texts.values())


def _run(sql: str) -> str:
    run = RUN.search(sql)
    return run[1] if run else ""


def _constant(sql: str) -> str:
    return VARYING.sub("", COMMENT.sub("", sql)).strip()
