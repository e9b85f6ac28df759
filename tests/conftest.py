"""Options of the whole test suite, and what its workers share out among themselves."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WAREHOUSES = ("duckdb", "snowflake", "bigquery", "redshift", "databricks")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--warehouse", action="append", choices=WAREHOUSES, help="only this warehouse; may be repeated"
    )
    parser.addoption(
        "--live", action="store_true", help="real accounts, by the targets of profiles.yml (make live)"
    )
    parser.addoption("--all", action="store_true", help="the long forms of the tests too (make test-all)")


class WholeWarehouses(LoadScopeScheduling):
    """Keeps the tests of a warehouse on the one worker where its engine runs, and those of a module on one as well."""

    def _split_scope(self, nodeid: str) -> str:
        return warehouse_of(nodeid) or nodeid.split("::", maxsplit=1)[0]


def warehouse_of(nodeid: str) -> str:
    """Return the warehouse that a test is about, or the empty string."""
    parameters = nodeid.partition("[")[2].rstrip("]").split("-")
    return next((name for name in WAREHOUSES if name in parameters), "")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeWarehouses:
    return WholeWarehouses(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A warehouse takes longest, so the workers begin with them; the order within each stays as it is.
    items.sort(key=lambda item: warehouse_of(item.nodeid) == "")


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Tell whether the long forms are asked for."""
    return bool(request.config.getoption("--all"))
