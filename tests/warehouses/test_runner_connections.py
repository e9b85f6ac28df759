"""The runner's connections: one that is lost is an error and not the end, and a stream holds a few rows at a time."""

import gc
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from relay import Relay
from warehouse import Warehouse

from braze_runner.errors import StoppedError
from braze_runner.warehouse import DbtOptions, connect
from braze_runner.warehouse import Warehouse as Runner

HERE = "braze_runner.warehouse"
# A few requests for what would be one, and a short patience with a line that is cut.
SMALL = {
    f"{HERE}.snowflake.PATIENCE_SECONDS": 2,
    f"{HERE}.bigquery.RETRY_SECONDS": 1,
    f"{HERE}.bigquery.PAGE_ROWS": 500,
    f"{HERE}.databricks.ANSWER_ROWS": 500,
}
PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\n"


@pytest.fixture
def relay(warehouse: Warehouse) -> Iterator[Relay]:
    """A line to the warehouse."""
    if not warehouse.engine.port:
        pytest.skip("nothing listens: DuckDB is in this process, and a real account is not cut off")
    line = Relay(warehouse.engine.port)
    yield line
    line.close()
    # redshift_connector leaves the socket of a connection that fails to be closed later.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def runner(
    warehouse: Warehouse, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runner]:
    """What the runner has of the warehouse, behind the line."""
    for name, value in SMALL.items():
        if name.startswith(f"{HERE}.{warehouse.name}."):
            monkeypatch.setattr(name, value)
    output = yaml.safe_dump({"shop": {"target": "dev", "outputs": {"dev": warehouse.engine.output()}}})
    (tmp_path / "profiles.yml").write_text(output.replace(str(warehouse.engine.port), str(relay.port)))
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    with closing(connect(DbtOptions(project_dir=tmp_path, profiles_dir=tmp_path))) as opened:
        yield opened


def test_a_lost_connection_is_an_error_and_the_next_call_has_another(runner: Runner, relay: Relay) -> None:
    sql = "select 1"
    assert runner.fetch_all(sql) == [(1,)]
    relay.cut()
    lost: list[Any] = [lambda: runner.fetch_all(sql), lambda: list(runner.stream(sql, 10))]
    for work in lost:
        with pytest.raises(StoppedError, match=r"refused a statement|can't be reached") as caught:
            work()
        assert "\n" not in str(caught.value)
    relay.mend()
    assert runner.fetch_all(sql) == [(1,)]
    assert [batch.num_rows for batch in runner.stream(sql, 10)] == [1]


def test_the_memory_of_a_stream_does_not_grow_with_its_rows(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    # pytest would keep what the drivers log of every answer.
    caplog.set_level("WARNING", "databricks.sql.unsafe")
    if runner.adapter_type == "snowflake":
        pytest.skip("the stand-in gives a result in one piece, where Snowflake cuts it")
    few, many = peak(runner, 2), peak(runner, 10)
    assert many < 1.5 * few


def peak(runner: Runner, thousands: int) -> int:
    """Return the most bytes that Python holds while so many rows of 2,000 characters are read."""
    digits = " union all ".join(f"select {digit} as n" for digit in range(10))
    thousand = f"(select a.n from ({digits}) a cross join ({digits}) b cross join ({digits}) c)"
    times = " union all ".join(f"select {number} as m" for number in range(thousands))
    sql = f"select d.n, repeat('0123456789', 200) as words from {thousand} d cross join ({times}) e order by d.n"
    tracemalloc.start()
    try:
        rows = sum(batch.num_rows for batch in runner.stream(sql, 200))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 1000 * thousands
    return most
