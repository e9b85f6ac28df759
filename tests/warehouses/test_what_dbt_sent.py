"""Every statement that dbt sent in the tests before this one, read by what knows the dialect: the stand-in proves little."""

import pytest
from sqlfluff.core import FluffConfig, Linter
from warehouse import Warehouse


def test_every_statement_is_one_that_the_warehouse_takes(warehouse: Warehouse) -> None:
    if not warehouse.statements:
        pytest.skip("no test before this one has run dbt")
    assert warehouse.engine.judge(warehouse.statements) == []


def test_compiled_models_are_read_by_sqlfluff_too(warehouse: Warehouse) -> None:
    models = sorted(warehouse.folder.glob("syncs/target/compiled/*/models/*.sql"))
    if not models:
        pytest.skip("no test before this one has run dbt")
    settings = {"dialect": warehouse.name, "templater": "raw", "large_file_skip_byte_limit": 0}
    linter = Linter(config=FluffConfig(overrides=settings))
    found = {model.name: linter.parse_string(model.read_text()).violations for model in models}
    assert {name: problems for name, problems in found.items() if problems} == {}
