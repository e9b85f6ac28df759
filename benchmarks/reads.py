"""What one run has to read on BigQuery and Snowflake, from the plans of its statements and the sizes of the tables.

The statements of a real run on a small twin are planned, one by one, on a copy of the twin as it was before: each scan
in a plan names its table and columns. Sizes are those of the twin, times how much larger the full size is.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

CAPTION = """\
GB: the logical size of each column that a statement reads, in all rows that it reads, over all statements of the run.
Text has 2 bytes and its own in UTF-8, decimals 16, booleans 1, others 8 (cloud.google.com, BigQuery data types, Data
type sizes). MERGE, UPDATE and DELETE read every column of their table besides (BigQuery pricing, DML statements; on
Snowflake, rows whose key is a hash are in all partitions, which are written anew). Read in part are the log, which is
partitioned by UPDATED_AT: 8 days of one run a day with 1 % changed; and the source, if it is partitioned by
updated_at: 2 days. Snowflake reads the same columns, compressed, of micro-partitions that hold 50 to 500 MB of
uncompressed data (docs.snowflake.com, Micro-partitions)."""
LOG_SHARE, SOURCE_SHARE = 0.08, 0.02
_SIZES = {
    "BOOLEAN": "1",
    "VARCHAR": "2 + strlen({0})",
    "VARCHAR[]": "2 * len({0}) + strlen(array_to_string({0}, ''))",
}
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE")
_TARGET = re.compile(r"^(?:update|delete from|merge into)\s+(\S+)", re.MULTILINE)


class Read(NamedTuple):
    """A table that one statement reads: bytes of the columns it needs, and of all, in the rows that it needs."""

    table: str
    column_bytes: float
    whole_bytes: float


def statements_of(log: Path) -> list[str]:
    """Return the SQL that a run of dbt sent, from its JSON log, in order."""
    events = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [event["data"]["sql"] for event in events if event["info"]["name"] == "SQLQuery"]


def reads_of(database: Path, statements: list[str]) -> list[Read]:
    """Plan and execute the statements on a database and return every read of a table."""
    reads: list[Read] = []
    with duckdb.connect(str(database)) as connection:
        # A condition that holds for every row of the twin would be left out.
        connection.execute("set disabled_optimizers = 'statistics_propagation'")
        for text in statements:
            for statement in duckdb.extract_statements(text):
                kind = statement.type.name
                if kind in _PLANNED:
                    plan = connection.execute(f"explain (format json) {statement.query}").fetchall()[-1][1]
                    for table, columns, condition in _scans(json.loads(plan)[0], ""):
                        reads.append(_read(connection, table, columns, condition))
                    if target := _TARGET.search(statement.query):
                        reads.append(_read(connection, target[1], None, ""))
                if kind != "TRANSACTION":
                    connection.execute(statement.query)
    return reads


def _scans(node: dict[str, Any], condition: str) -> Iterator[tuple[str, set[str], str]]:
    """Yield (table, columns, condition) of each scan in a plan; the condition may stand just above it."""
    details, name = node.get("extra_info", {}), node["name"].strip()
    if name == "SEQ_SCAN" and "Table" in details:
        condition += f" {details.get('Filters', '')}"
        columns = details.get("Projections", [])
        yield details["Table"], {columns} if isinstance(columns, str) else set(columns), condition
    above = str(details.get("Expression", "")) if name == "FILTER" else ""
    for child in node.get("children", []):
        yield from _scans(child, above)


def _read(
    connection: duckdb.DuckDBPyConnection, table: str, columns: set[str] | None, condition: str
) -> Read:
    """Measure one read; ``columns`` is None for all of them."""
    types = {name.lower(): kind for name, kind, *_ in connection.execute(f"describe {table}").fetchall()}
    needed = set(types) if columns is None else {name.lower() for name in columns} | _words(condition)
    sizes = {
        name: _SIZES.get(kind, "16" if kind.startswith("DECIMAL") else "8").format(name)
        for name, kind in types.items()
    }
    sums = ", ".join(f"coalesce(sum({size}), 0)" for size in sizes.values())
    row = connection.execute(f"select {sums} from {table}").fetchone() or ()
    by_column = dict(zip(types, map(float, row), strict=True))
    name = re.sub(r"__dbt_tmp\d*", " (new rows)", table.replace('"', "").split(".")[-1])
    # Since 1970 is everything.
    is_partial = "updated_at" in _words(condition) and ">" in condition and "'1970-01-01" not in condition
    share = (SOURCE_SHARE if name == "customers" else LOG_SHARE) if is_partial else 1.0
    read = sum(size for column, size in by_column.items() if column in needed)
    return Read(name, share * read, share * sum(by_column.values()))


def _words(condition: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Za-z_]\w*", condition)}


def lines(what: str, reads: list[Read], scale: float) -> list[dict[str, Any]]:
    """Return the lines of the table for one run: one for each table that it reads, and their sum."""
    by_table: dict[str, list[Read]] = defaultdict(list)
    for read in reads:
        by_table[read.table].append(read)
    return [_line(what, table, group, scale) for table, group in sorted(by_table.items())] + [
        _line(what, "all", reads, scale)
    ]


def _line(what: str, table: str, reads: list[Read], scale: float) -> dict[str, Any]:
    partitions = [
        sum(max(1, math.ceil(read.whole_bytes * scale / size)) for read in reads) for size in (500e6, 50e6)
    ]
    return {
        "benchmark": "bytes that a run reads",
        "caption": CAPTION,
        "run": what,
        "table": table,
        "reads": len(reads),
        "GB": f"{sum(read.column_bytes for read in reads) * scale / 1e9:.2f}",
        "micro-partitions": " to ".join(f"{number:,}" for number in partitions),
    }
