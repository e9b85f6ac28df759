"""What Databricks would refuse, by Spark's own parser and analyzer.

In:  {"catalogue": {table: [[column, type], …]}, "statements": […]} as JSON; the statements in their order.
Out: a JSON list of sentences, one for each statement that would be refused.

Spark alone has no Delta, so a statement that writes is analyzed and not run: a table is learned from its definition, or
from the query that fills it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from dialect import NAME, Masked
from pyspark.errors import PySparkException
from spark import session

# Statements of the adapter that only Databricks has; nothing of ours writes them.
ADAPTERS_OWN = re.compile(
    r"(optimize|use\s+catalog|describe\s+(history|(table\s+)?extended\s.*as\s+json)|show\s+|set\s+|"
    r"alter\s+table\s.*(set\s+tblproperties|cluster\s+by)|comment\s+on|commit$)",
    re.IGNORECASE | re.DOTALL,
)
CREATE_TABLE = re.compile(
    rf"create\s+(or\s+replace\s+)?table\s+(?P<unless>if\s+not\s+exists\s+)?{NAME}", re.IGNORECASE
)
DELTAS_OWN = re.compile(
    r"\b(using\s+delta|cluster\s+by\s*\([^()]*\)|tblproperties\s*\([^()]*\))", re.IGNORECASE
)
OBJECTS = re.compile(
    r"(create\s+(or\s+replace\s+)?(temporary\s+)?(view|schema|database)|drop|alter\s+(table|view))\b",
    re.IGNORECASE,
)
DENIED = json.loads((Path(__file__).parent / "denied.json").read_text())


class Judge:
    """A Spark session that learns tables as the statements make them."""

    def __init__(self, spark: Any, catalogue: dict[str, list[list[str]]]) -> None:
        self._spark = spark
        state = spark._jsparkSession.sessionState()
        self._parser, self._analyzer = state.sqlParser(), state.analyzer()
        for table, columns in catalogue.items():
            self._learn(table, ", ".join(f"`{name}` {kind}" for name, kind in columns))

    def problem(self, sql: str) -> str | None:
        """Return why the statement would be refused."""
        statement = Masked(sql)
        for denied in DENIED:
            if re.search(
                denied["pattern"], sql if denied.get("in_literals") else statement.text, re.IGNORECASE
            ):
                return str(denied["reason"])
        statement.text = re.sub(r"`?\bhive_metastore\b`?\s*\.\s*", "", statement.text, flags=re.IGNORECASE)
        statement.text = statement.text.strip().rstrip(";")
        if not statement.text or ADAPTERS_OWN.match(statement.text):
            return None
        try:
            self._run(statement)
        except PySparkException as exc:
            return str(exc).split(";\n")[0].strip().replace("\n", " ")[:600]
        return None

    def _run(self, statement: Masked) -> None:
        create = CREATE_TABLE.match(statement.text)
        if create:
            statement.text = DELTAS_OWN.sub(" ", statement.text)
        plan = self._parsed(statement.unmasked())
        kind = plan.getClass().getSimpleName()
        if kind in ("CreateTableAsSelect", "ReplaceTableAsSelect"):
            self._learn(create[3], self._analyzed(plan.query()).schema().toDDL(), create["unless"])
        elif create:
            if not create["unless"]:
                self._forget(create[3])
            text = re.sub(r"^create\s+or\s+replace\b", "create", statement.text, flags=re.IGNORECASE)
            statement.text = f"{text} using parquet"
            self._spark.sql(statement.unmasked())
        elif OBJECTS.match(statement.text):
            self._define(statement)
        else:
            self._analyzed(plan)

    def _define(self, statement: Masked) -> None:
        """A view takes the place of the table that the catalogue began with."""
        view = re.match(rf"create\s+or\s+replace\s+view\s+{NAME}", statement.text, re.IGNORECASE)
        if view:
            self._analyzed(self._parsed(statement.unmasked()))
            self._forget(view[1])
        self._spark.sql(statement.unmasked())

    def _learn(self, table: str, columns: str, unless: str | None = None) -> None:
        if not unless:
            self._forget(table)
        if "." in table:
            self._spark.sql(f"create schema if not exists {table.split('.', maxsplit=1)[0]}")
        self._spark.sql(f"create table if not exists {table} ({columns}) using parquet")

    def _forget(self, name: str) -> None:
        for kind in ("view", "table"):
            try:
                self._spark.sql(f"drop {kind} if exists {name}")
            except PySparkException:
                continue

    def _parsed(self, sql: str) -> Any:
        return self._parser.parsePlan(sql)

    def _analyzed(self, plan: Any) -> Any:
        analyzed = self._analyzer.execute(plan)
        self._analyzer.checkAnalysis(analyzed)
        return analyzed


def main() -> None:
    """Judge what standard input holds."""
    given = json.load(sys.stdin)
    # A zone that skips hours: a warehouse's session may have any.
    with session("America/New_York") as spark:
        judge = Judge(spark, given["catalogue"])
        judged = [(sql, judge.problem(sql)) for sql in given["statements"]]
    json.dump([f"{problem}\n{sql.strip()}" for sql, problem in judged if problem], sys.stdout)


if __name__ == "__main__":
    main()
