import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.warehouse import DbtOptions, Warehouse, connect, dbt_profile


@pytest.fixture
def warehouse(options: DbtOptions) -> Iterator[Warehouse]:
    opened = connect(options)
    opened.execute(f"create schema {opened.schema}")
    yield opened
    opened.close()


def test_connects_as_the_profile_says(warehouse: Warehouse) -> None:
    assert (warehouse.adapter_type, warehouse.database, warehouse.schema) == ("duckdb", "shop", "braze")
    assert warehouse.fetch_all("select current_database()") == [("shop",)]


def test_target_from_option_and_from_dbt_variable(
    options: DbtOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "elsewhere")
    by_variable = connect(options)
    by_option = connect(DbtOptions(project_dir=options.project_dir, target="dev"))
    assert (by_variable.schema, by_option.schema) == ("elsewhere", "braze")
    by_variable.close()
    by_option.close()


def test_close_gives_the_file_back_to_other_processes(options: DbtOptions, tmp_path: Path) -> None:
    opened = connect(options)
    opened.execute("create table t as select 1 as a")
    rows = cast("Generator[pa.RecordBatch]", opened.stream("select * from range(100000)", 10))
    next(rows)
    rows.close()
    opened.close()
    code = f"import duckdb; print(duckdb.connect({str(tmp_path / 'shop.duckdb')!r}).sql('from t').fetchall())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[(1,)]"


def test_a_relative_path_is_below_the_current_folder_as_in_dbt(
    options: DbtOptions, project_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PATH", "here.duckdb")
    monkeypatch.chdir(tmp_path)
    for project in (project_dir, Path(project_dir.name)):
        connect(DbtOptions(project_dir=project)).close()
        (tmp_path / "here.duckdb").unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        connect(options, must_exist=True)


@pytest.mark.parametrize("path", [":memory:", "md:shop", "ducklake:shop"])
def test_what_is_no_file_is_left_alone(path: str) -> None:
    assert not dbt_profile._is_file(path)


def test_file_in_use_by_another_process(options: DbtOptions, tmp_path: Path) -> None:
    path = str(tmp_path / "shop.duckdb")
    code = f"import duckdb; c = duckdb.connect({path!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoppedError, match="in use by another process"):
            connect(options)
        other.communicate(b"\n")


def test_missing_file_is_not_created(options: DbtOptions, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist: run dbt first"):
        connect(options, must_exist=True)
    assert not (tmp_path / "shop.duckdb").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"target": "nowhere"}, "does not have a target named 'nowhere'"),
        ({"profile": "other"}, "Could not find profile named 'other'"),
        ({"profiles_dir": Path("missing")}, "No profiles.yml in missing"),
        ({"project_dir": Path("missing")}, "No dbt_project.yml in missing"),
    ],
)
def test_wrong_configuration(options: DbtOptions, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(DbtOptions(**{"project_dir": options.project_dir, **change}))  # type: ignore[arg-type]
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_adapter_without_a_reader(options: DbtOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_runner.warehouse.dbt_profile.READERS", {"other": ("", "")})
    with pytest.raises(ConfigError, match=r"adapter duckdb is not supported; supported: other\."):
        connect(options)


def test_missing_variable_of_the_profile(options: DbtOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_PATH")
    with pytest.raises(ConfigError, match="SHOP_PATH"):
        connect(options)


def test_without_dbt_the_extra_is_named(options: DbtOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dbt.config.runtime", None)
    with pytest.raises(ConfigError, match=r"pip install 'dbt-braze\[duckdb\]'"):
        connect(options)


def test_without_the_adapter_the_extra_is_named(
    options: DbtOptions, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An import of what is None here fails as if it was not installed.
    monkeypatch.setitem(sys.modules, "dbt.adapters.redshift", None)
    (project_dir / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: redshift, schema: s}}}\n"
    )
    with pytest.raises(ConfigError, match=r"pip install 'dbt-braze\[redshift\]'"):
        connect(options)


def test_stream_gives_bounded_batches_while_others_write(warehouse: Warehouse) -> None:
    warehouse.execute("create table braze.seen (n bigint)")
    total = 0
    for batch in warehouse.stream("select range as n from range(10000)", 1000):
        assert batch.num_rows <= 1000
        total += batch.num_rows
        warehouse.append("braze.seen", pa.table({"n": batch.column(0)}))
    assert total == 10_000
    assert warehouse.fetch_all("select count(*), sum(n) from braze.seen") == [(10_000, 49_995_000)]


def test_limited_memory_gives_way_to_rows_that_need_more(warehouse: Warehouse) -> None:
    warehouse.limit_memory()
    [(before,)] = warehouse.fetch_all("select current_setting('memory_limit')")
    sql = (
        "select n, payload from (select range as n, repeat(range || ' ', 20000) as payload from range(2000))"
    )
    rows = [n for batch in warehouse.stream(f"{sql} order by payload", 100) for n in batch["n"].to_pylist()]
    assert sorted(rows) == list(range(2000))
    assert warehouse.fetch_all("select current_setting('memory_limit')") != [(before,)]


def test_a_memory_limit_of_the_profile_stays(options: DbtOptions, project_dir: Path) -> None:
    profiles = project_dir / "profiles.yml"
    profiles.write_text(
        profiles.read_text().replace("schema: braze", "schema: braze\n      settings: {memory_limit: 300MiB}")
    )
    opened = connect(options)
    opened.limit_memory()
    assert opened.fetch_all("select current_setting('memory_limit')") == [("300.0 MiB",)]
    opened.close()


def test_append_matches_columns_by_name(warehouse: Warehouse) -> None:
    warehouse.execute('create table braze.t ("EXTERNAL_ID" varchar, n int)')
    warehouse.append("braze.t", pa.table({"n": [1], "external_id": ["customer-000001"]}))
    assert warehouse.fetch_all("select external_id, n from braze.t") == [("customer-000001", 1)]
    assert warehouse.column_types("BRAZE.T") == {"EXTERNAL_ID": "VARCHAR", "n": "INTEGER"}
    assert warehouse.column_types("braze.none") == {}


def test_transaction_is_all_or_nothing(warehouse: Warehouse) -> None:
    warehouse.execute("create table braze.t (n int)")

    def fail() -> None:
        with warehouse.transaction():
            warehouse.execute("insert into braze.t values (1)")
            warehouse.append("braze.t", pa.table({"n": [2]}))
            warehouse.execute("insert into braze.nowhere values (1)")

    with pytest.raises(StoppedError, match="DuckDB refused a statement"):
        fail()
    assert warehouse.fetch_all("select count(*) from braze.t") == [(0,)]
    with warehouse.transaction():
        warehouse.append("braze.t", pa.table({"n": [2]}))
    assert warehouse.fetch_all("select n from braze.t") == [(2,)]


def test_each_thread_has_its_own_transaction(warehouse: Warehouse) -> None:
    warehouse.execute("create table braze.t (n int)")
    with warehouse.transaction():
        warehouse.execute("insert into braze.t values (1)")
        counted: list[tuple[int]] = []
        other = threading.Thread(
            target=lambda: counted.extend(warehouse.fetch_all("select count(*) from braze.t"))
        )
        other.start()
        other.join()
    assert counted == [(0,)]
    assert warehouse.fetch_all("select count(*) from braze.t") == [(1,)]


def test_times_are_utc(warehouse: Warehouse) -> None:
    rows = warehouse.fetch_all("select cast(timestamptz '2026-01-01 12:00:00+02' as timestamp)::varchar")
    assert rows == [("2026-01-01 10:00:00",)]


def test_names_are_quoted(warehouse: Warehouse) -> None:
    assert warehouse.relation("a", 'b"c') == '"a"."b""c"'
    assert warehouse.relation("a", "b", "d") == '"d"."a"."b"'
