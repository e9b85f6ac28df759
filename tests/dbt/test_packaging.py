"""The package in the projects of others: installed, parsed alone, and parsed for a warehouse that is not DuckDB."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import dbt_process
import pytest
import yaml
from dbt_project import ROOT

from braze_runner.currents.load import load
from braze_runner.demo.events import write_events
from braze_runner.warehouse import DbtOptions, connect

TARGETS = ["duckdb", "snowflake", "bigquery", "redshift", "databricks"]


def dbt(folder: Path, *arguments: str) -> str:
    """Run dbt with the profile in the folder; it has to succeed."""
    log = folder / "dbt.log"
    code = dbt_process.invoke((*arguments, "--profiles-dir", str(folder)), folder, log)
    assert code == 0, log.read_text()
    return log.read_text()


@pytest.fixture
def package_alone(tmp_path: Path) -> Path:
    """The package's own dbt files, without anything around them."""
    folder = tmp_path / "alone"
    for name in ("models", "macros", "tests/generic"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dbt_project.yml", "packages.yml", "profiles.yml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_the_integration_project_builds_and_builds_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "integration_tests"
    shutil.copytree(
        ROOT / "integration_tests", folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages")
    )
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    monkeypatch.setenv("DBT_BRAZE_DUCKDB_PATH", str(tmp_path / "warehouse.duckdb"))
    write_events(tmp_path / "currents", 200, days=5, target=3_000, end=datetime(2026, 1, 31, tzinfo=UTC))
    warehouse = connect(DbtOptions(project_dir=folder, profiles_dir=folder))
    try:
        loaded = load(warehouse, tmp_path / "currents", "braze_currents")
    finally:
        warehouse.close()
    assert loaded.complete
    dbt(folder, "deps")
    # dbt builds a source's table and unit tests read a model's: both have to be there before the first build.
    dbt(folder, "seed")
    dbt(folder, "run")
    for _ in range(2):
        dbt(folder, "build")
        results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
        assert {result["status"] for result in results} == {"success", "pass"}
        kinds = {result["unique_id"].split(".")[0] for result in results}
        assert kinds == {"model", "seed", "test", "unit_test"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_package_parses_alone_without_a_warning(package_alone: Path, target: str) -> None:
    output = dbt(
        package_alone,
        "--warn-error",
        "parse",
        "--no-partial-parse",
        "--show-all-deprecations",
        "--target",
        target,
    )
    assert "Deprecat" not in output


@pytest.mark.parametrize("target", TARGETS[1:])
def test_the_integration_project_parses_without_a_warning(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "integration_tests"
    shutil.copytree(
        ROOT / "integration_tests", folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages")
    )
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    dbt(folder, "deps")
    output = dbt(
        folder,
        "--warn-error",
        "parse",
        "--no-partial-parse",
        "--show-all-deprecations",
        "--target",
        target,
    )
    assert "Deprecat" not in output


def test_no_test_of_ours_would_run_in_a_users_project() -> None:
    """dbt runs every .sql under the package's tests/, but for the generic ones."""
    found = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("*.sql")}
    assert found == {"generic"}


def test_nothing_is_on_before_a_var_says_so(package_alone: Path) -> None:
    dbt(package_alone, "parse")
    nodes = json.loads((package_alone / "target" / "manifest.json").read_text())["nodes"]
    assert [name for name, node in nodes.items() if node["config"]["enabled"]] == []


def test_no_sql_of_our_own_tests_would_run_in_the_projects_of_others() -> None:
    """dbt takes every .sql below tests for a data test, but for tests/generic, which only defines some."""
    sql = {path.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/**/*.sql")}
    assert sql == {"generic"}


def test_the_defaults_that_macros_use_are_those_of_the_project_file() -> None:
    """A var of dbt_project.yml does not reach a macro in a user's own model, so the macro repeats its default."""
    declared = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    macro = (ROOT / "macros" / "sync" / "configure_sync.sql").read_text()
    pairs = re.findall(r"'(braze_\w+)': (.+),\n", macro.split("setting_defaults() %}")[1])
    assert pairs
    assert {name: yaml.safe_load(value.replace("none", "null")) for name, value in pairs} == {
        name: declared[name] for name, _ in pairs
    }
