"""One running engine per warehouse, shared by all tests of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "dbt")]

from engines import NAMES  # noqa: E402 (found by the path above)
from warehouse import Warehouse  # noqa: E402


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("--warehouse") or NAMES
    left_out = {f"test_{name}" for name in NAMES if name not in chosen}
    if config.getoption("--live"):
        # These are about the stand-ins and their judges.
        left_out |= {"test_judges", "test_golden", *(f"test_{name}" for name in NAMES)}
    items[:] = [item for item in items if item.path.stem not in left_out]
    # The adapters and their drivers warn of each other's versions and of options of their own.
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.filterwarnings("default"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "warehouse" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--warehouse") or NAMES
        metafunc.parametrize("warehouse", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """Start the engine of a warehouse; stop it when its last test is done."""
    live = bool(request.config.getoption("--live"))
    running = Warehouse(request.param, tmp_path_factory.mktemp(request.param), live=live)
    try:
        running.start()
        yield running
    finally:
        running.stop()
