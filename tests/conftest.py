"""Options of the whole test suite."""

import pytest

WAREHOUSES = ("duckdb", "snowflake", "bigquery", "redshift", "databricks")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--warehouse", action="append", choices=WAREHOUSES, help="only this warehouse; may be repeated"
    )
    parser.addoption(
        "--live", action="store_true", help="real accounts, by the targets of profiles.yml (make live)"
    )
    parser.addoption("--all", action="store_true", help="the long forms of the tests too (make test-all)")


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Tell whether the long forms are asked for."""
    return bool(request.config.getoption("--all"))
