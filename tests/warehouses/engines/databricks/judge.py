"""What Databricks would refuse, by Spark's own parser and analyzer.

In:  {"catalogue": {table: [[column, type], …]}, "statements": […]} as JSON.
Out: a JSON list of sentences, one for each statement that would be refused.

Spark alone has no Delta, so nothing is run: tables and views are learned from their definitions. The order of the
statements is not relied on: a table has every column that any definition gives it, nothing is dropped, and a
statement that can't be analyzed yet is tried again when more is known.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from dialect import NAME, Masked
from pyspark.errors import PySparkException
from runs import distinct
from spark import session

# Statements of the adapter that only Databricks has; nothing of ours writes them.
ADAPTERS_OWN = re.compile(
    r"(Get(Tables|Schemas|Catalogs)\(|optimize|use\s+catalog|describe\s+(history|(table\s+)?extended\s.*as\s+json)|show\s+|set\s+|"
    r"alter\s+table\s.*(set\s+tblproperties|cluster\s+by)|comment\s+on|commit$)",
    re.IGNORECASE | re.DOTALL,
)
CREATED = re.compile(
    rf"create\s+(?:or\s+replace\s+)?(?:(?:global\s+)?temporary\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?{NAME}",
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
            self._learn(table, [(name, kind) for name, kind in columns])

    def problems(self, statements: list[str]) -> list[str]:
        """Return what would be refused, once nothing more can be learned."""
        waiting = distinct(statements)
        while True:
            refused = {sql: problem for sql, text in waiting.items() if (problem := self.problem(text))}
            if len(refused) == len(waiting) or not refused:
                return [f"{problem}\n{sql.strip()}" for sql, problem in refused.items()]
            waiting = {sql: waiting[sql] for sql in refused}

    def problem(self, sql: str) -> str | None:
        """Return why the statement would be refused, knowing what is known now."""
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
            self._judge(statement)
        except PySparkException as exc:
            return str(exc).split(";\n")[0].strip().replace("\n", " ")[:600]
        return None

    def _judge(self, statement: Masked) -> None:
        plan = self._parser.parsePlan(statement.unmasked())
        kind = plan.getClass().getSimpleName()
        created = CREATED.match(statement.text)
        if created and kind in ("CreateTable", "ReplaceTable"):
            self._learn(created[1], _fields(plan.tableSchema()))
        elif created:
            query = plan.plan() if kind == "CreateViewCommand" else plan.query()
            self._learn(created[1], _fields(self._analyzed(query).schema()))
        elif kind == "CreateNamespace":
            self._spark.sql(statement.unmasked())
        elif kind == "AddColumns":
            self._add_columns(statement.unmasked())
        elif not kind.startswith("Drop"):
            self._analyzed(plan)

    def _learn(self, table: str, columns: list[tuple[str, str]]) -> None:
        if "." in table:
            self._spark.sql(f"create schema if not exists {table.split('.', maxsplit=1)[0]}")
        listed = ", ".join(f"`{name}` {kind}" for name, kind in columns)
        self._spark.sql(f"create table if not exists {table} ({listed}) using parquet")
        known = {name.lower() for name in self._spark.table(table).columns}
        added = [f"`{name}` {kind}" for name, kind in columns if name.lower() not in known]
        if added:
            self._spark.sql(f"alter table {table} add columns ({', '.join(added)})")

    def _add_columns(self, sql: str) -> None:
        try:
            self._spark.sql(sql)
        except PySparkException as exc:
            if exc.getCondition() not in ("FIELD_ALREADY_EXISTS", "COLUMN_ALREADY_EXISTS"):
                raise

    def _analyzed(self, plan: Any) -> Any:
        analyzed = self._analyzer.execute(plan)
        self._analyzer.checkAnalysis(analyzed)
        return analyzed


def _fields(schema: Any) -> list[tuple[str, str]]:
    """Names and types of a StructType of Java; a column of nulls alone is text."""
    fields = [schema.apply(number) for number in range(schema.length())]
    return [(field.name(), field.dataType().sql().replace("VOID", "STRING")) for field in fields]


def main() -> None:
    """Judge what standard input holds."""
    given = json.load(sys.stdin)
    # A zone that skips hours: a warehouse's session may have any.
    with session("America/New_York") as spark:
        problems = Judge(spark, given["catalogue"]).problems(given["statements"])
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
