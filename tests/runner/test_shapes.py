"""The runner's table of Cloud Data Ingestion's types, and the data test's, which is written in Jinja."""

from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_runner.checks.shapes import COLUMNS, TYPES, plain_type, shape_problems

MACROS = Path(__file__).parents[2] / "macros"
FILES = ("checks/cdi_shape.sql", "setup/cdi_tables.sql", "sync/identifiers.sql")


class Package:
    """The macros of some files, called as from dbt: ``return`` gives a value, ``adapter`` dispatches."""

    def __init__(self, adapter_type: str) -> None:
        self.adapter_type = adapter_type
        self.returned: list[Any] = []
        environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=True)
        names = {"dbt_braze": self, "adapter": self, "return": self.returned.append}
        self.macros: dict[str, Any] = {}
        for file in FILES:
            module = environment.from_string((MACROS / file).read_text(), names).module
            self.macros |= {name: value for name, value in vars(module).items() if not name.startswith("_")}

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.macros[name](*arguments)
            return self.returned.pop()

        return call

    def dispatch(self, name: str, _package: str) -> Any:
        own = f"{self.adapter_type}__{name}"
        return getattr(self, own if own in self.macros else f"default__{name}")


PACKAGES = {adapter_type: Package(adapter_type) for adapter_type in TYPES}
NAMES = sorted({name for columns in COLUMNS.values() for name in columns})
TYPE_NAMES = sorted({name for kinds in TYPES.values() for names in kinds.values() for name in names})


@pytest.mark.parametrize("adapter_type", TYPES)
def test_the_types_are_those_of_the_data_test(adapter_type: str) -> None:
    theirs = PACKAGES[adapter_type].cdi_types()
    assert {kind: tuple(types) for kind, types in theirs.items()} == TYPES[adapter_type]


def test_the_columns_are_those_of_the_data_test() -> None:
    package = PACKAGES["duckdb"]
    tables = package.cdi_tables_of_syncs()
    theirs = {sync: package.cdi_table_columns()[table] for sync, table in tables.items()}
    as_text = {
        sync: {name: "text" if kind == "key" else kind for name, kind in columns.items()}
        for sync, columns in theirs.items()
    }
    assert as_text == COLUMNS


@given(
    st.sampled_from(sorted(TYPES)),
    st.sampled_from(sorted(COLUMNS)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TYPE_NAMES)),
)
def test_both_find_the_same_problems(adapter_type: str, sync: str, columns: dict[str, str]) -> None:
    theirs = PACKAGES[adapter_type].cdi_shape_problems(columns, sync)
    assert sorted(shape_problems(adapter_type, sync, columns)) == sorted(theirs)


@pytest.mark.parametrize(
    ("sync", "columns", "problems"),
    [
        ("attributes", {"UPDATED_AT": "timestamp", "EMAIL": "varchar", "PAYLOAD": "varchar"}, []),
        ("attributes", {"UPDATED_AT": "date", "EMAIL": "varchar", "PAYLOAD": "json"}, ["UPDATED_AT is date"]),
        ("deletes", {"UPDATED_AT": "timestamp", "BRAZE_ID": "varchar", "PAYLOAD": "json"}, ["PAYLOAD"]),
        ("deletes", {"UPDATED_AT": "timestamp", "EMAIL": "varchar"}, ["no column of an identifier"]),
        ("catalog_items", {"UPDATED_AT": "timestamp", "PAYLOAD": "varchar"}, ["no column ID"]),
        ("events", {"UPDATED_AT": "timestamp", "ALIAS_NAME": "varchar", "PAYLOAD": "json"}, ["ALIAS_LABEL"]),
        # No table of Cloud Data Ingestion: the stamp alone is known.
        ("aliases", {"UPDATED_AT": "timestamp", "ALIAS_NAME": "varchar"}, []),
    ],
)
def test_what_is_wrong_is_named(sync: str, columns: dict[str, str], problems: list[str]) -> None:
    found = shape_problems("duckdb", sync, columns)
    assert len(found) == len(problems)
    assert all(part in problem for part, problem in zip(problems, found, strict=True))


def test_length_and_parts_are_no_part_of_a_type() -> None:
    shown = ["TIMESTAMP_NTZ(9)", "struct<a: int>", "character varying(65535)", "STRING"]
    assert [*map(plain_type, shown)] == ["timestamp_ntz", "struct", "character varying", "string"]
