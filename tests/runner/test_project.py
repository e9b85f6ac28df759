import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from braze_runner.errors import ConfigError
from braze_runner.project import Location, Project, Sync, read_project
from braze_runner.warehouse import DbtOptions, connect


def node(name: str, **changes: Any) -> dict[str, Any]:
    config = {"materialized": "incremental", "enabled": True, "meta": {"braze": {"sync": "attributes"}}}
    config |= changes.pop("config", {})
    given = {"unique_id": f"model.shop.{name}", "resource_type": "model", "name": name, "schema": "braze"}
    return given | {"database": "shop", "config": config} | changes


def write(folder: Path, *nodes: dict[str, Any], version: int = 12, **rest: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    schema = f"https://schemas.getdbt.com/dbt/manifest/v{version}.json"
    manifest = {
        "metadata": {"dbt_schema_version": schema},
        "nodes": {each["unique_id"]: each for each in nodes},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | rest))


def names(project: Project) -> list[str]:
    return [sync.name for sync in project.syncs]


def test_a_sync_is_a_model_with_meta(options: DbtOptions, project_dir: Path) -> None:
    meta = {"sync": "catalog_items", "deliver": "cdi", "update_existing_only": False}
    write(
        project_dir / "target",
        node("plain", config={"meta": {}}),
        node("by_config", alias="USERS", config={"meta": {"braze": meta}}),
        node("by_node", config={"meta": {}}, meta={"braze": {"sync": "attributes"}}),
        node("disabled", config={"enabled": False}),
        node("ephemeral", config={"materialized": "ephemeral"}),
        node("seed", resource_type="seed"),
    )
    by_config, by_node = read_project(options).syncs
    location = Location("shop", "braze", "USERS")
    assert by_config == Sync("model.shop.by_config", "by_config", location, "catalog_items", "cdi", False)
    assert (by_node.type, by_node.deliver, by_node.update_existing_only) == ("attributes", "rest", None)


def test_target_folder_is_found_as_in_dbt(
    options: DbtOptions, project_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("target", "configured", "variable", "option"):
        write(project_dir / name, node(name))
    write(tmp_path / "absolute", node("absolute"))
    assert names(read_project(options)) == ["target"]
    with (project_dir / "dbt_project.yml").open("a") as file:
        file.write("target-path: configured\n")
    assert names(read_project(options)) == ["configured"]
    monkeypatch.setenv("DBT_TARGET_PATH", "variable")
    assert names(read_project(options)) == ["variable"]
    for path, expected in ((Path("option"), "option"), (tmp_path / "absolute", "absolute")):
        by_option = DbtOptions(project_dir=project_dir, target_path=path)
        assert names(read_project(by_option)) == [expected]


def test_a_target_folder_that_dbt_computes_has_to_be_named(options: DbtOptions, project_dir: Path) -> None:
    write(project_dir / "built", node("users"))
    with (project_dir / "dbt_project.yml").open("a") as file:
        file.write("target-path: \"{{ env_var('SOMEWHERE') }}\"\n")
    with pytest.raises(ConfigError, match="is computed: name that folder with --target-path"):
        read_project(options)
    assert names(read_project(replace(options, target_path=Path("built")))) == ["users"]


def test_project_folder_from_variable_and_from_below(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project_dir / "target", node("users"))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(project_dir))
    assert names(read_project(DbtOptions())) == ["users"]
    monkeypatch.delenv("DBT_PROJECT_DIR")
    monkeypatch.chdir(project_dir / "target")
    assert names(read_project(DbtOptions())) == ["users"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "run dbt first"),
        ("{", "can't be read"),
        ("[]", "is none of dbt's files"),
        ("{}", "is not a manifest of dbt 1.8 or newer"),
    ],
)
def test_a_manifest_that_is_none(
    options: DbtOptions, project_dir: Path, text: str | None, sentence: str
) -> None:
    (project_dir / "target").mkdir()
    if text is not None:
        (project_dir / "target" / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_project(options)


def test_an_old_manifest(options: DbtOptions, project_dir: Path) -> None:
    write(project_dir / "target", node("users"), version=11)
    with pytest.raises(ConfigError, match="is not a manifest of dbt"):
        read_project(options)


def test_state_tables_come_from_the_package_source(options: DbtOptions, project_dir: Path) -> None:
    source = {"source_name": "braze_state", "name": "braze_sync_runs", "database": "db", "schema": "state"}
    other = {"source_name": "other", "name": "braze_sync_ledger", "schema": "no"}
    write(project_dir / "target", sources={"a": source | {"identifier": "RUNS"}, "b": other})
    state = read_project(options).state
    assert state["braze_sync_runs"] == Location("db", "state", "RUNS")
    assert state["braze_sync_ledger"] == Location(None, None, "braze_sync_ledger")


def test_a_table_has_the_name_that_dbt_has_for_it(options: DbtOptions, project_dir: Path) -> None:
    source = {"source_name": "braze_state", "name": "braze_sync_runs", "database": "db", "schema": "state"}
    nodes = (node("users", alias="Users", relation_name='shop.braze."Users"'), node("older"))
    write(project_dir / "target", *nodes, sources={"a": source | {"relation_name": "db.state.RUNS"}})
    project = read_project(options)
    with closing(connect(options)) as warehouse:
        names = [sync.table.relation_in(warehouse) for sync in project.syncs]
        assert names == ['shop.braze."Users"', '"shop"."braze"."older"']
        assert project.state["braze_sync_runs"].relation_in(warehouse) == "db.state.RUNS"
        assert project.state["braze_sync_ledger"].relation_in(warehouse) == '"braze"."braze_sync_ledger"'
