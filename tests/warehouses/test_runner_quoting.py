"""A project that sets dbt's own ``quoting:``: the runner names its tables as dbt does, letter by letter."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from warehouse import Warehouse, WarehouseProject

from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, push
from braze_runner.engine.status import read_status
from braze_runner.sandbox import SandboxServer
from braze_runner.warehouse import DbtOptions
from braze_runner.warehouse import Warehouse as Runner
from braze_runner.warehouse import connect as connect_runner

KEY = "key-of-the-tests"
PEOPLE = "select '1' as id, 'Reader' as name"
USERS = """{{ config(alias='Users', meta={'braze': {'sync': 'attributes'}}) }}
{{ dbt_braze.attributes_sync(ref('people'), external_id='id', attributes=[{'name': 'name', 'type': 'string'}]) }}
"""


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A project whose names are quoted where dbt does not quote them on this warehouse, and the other way round."""
    project = warehouse.project("quoting")
    project_file = project.folder / "dbt_project.yml"
    settings = yaml.safe_load(project_file.read_text())
    settings["quoting"] = {"identifier": warehouse.name == "snowflake"}
    project_file.write_text(yaml.safe_dump(settings))
    project.model("people", PEOPLE)
    project.model("users", USERS)
    project.run()
    assert project.dbt_code("parse") == 0
    return project


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the runner sends."""
    sent: list[str] = []

    def connect(*arguments: Any, **options: Any) -> Runner:
        opened = connect_runner(*arguments, **options)
        for name in ("execute", "fetch_all", "stream", "append"):
            monkeypatch.setattr(opened, name, keeping(getattr(opened, name)))
        return opened

    def keeping(method: Any) -> Any:
        def call(sql: str, *rest: Any) -> Any:
            sent.append(sql)
            return method(sql, *rest)

        return call

    monkeypatch.setattr("braze_runner.engine.session.connect", connect)
    return sent


def test_tables_have_the_names_that_dbt_gives_them(
    project: WarehouseProject, statements: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    manifest = json.loads((project.folder / "target" / "manifest.json").read_text())
    users = manifest["nodes"]["model.shop.users"]["relation_name"]
    ledger = manifest["sources"]["source.dbt_braze.braze_state.braze_sync_ledger"]["relation_name"]
    options = DbtOptions(project_dir=project.folder, profiles_dir=project.folder)
    database = tmp_path_factory.mktemp("sandbox") / "profiles.sqlite"
    with SandboxServer(db=database, api_key=KEY) as sandbox:
        config = BrazeConfig(sandbox.url, "127.0.0.1", Secret(KEY))
        summary = push(options, config, PushSettings(workers=1))
    assert (summary.error, summary.counts.rows_sent) == (None, 1)
    [status] = read_status(options, "default", ["users"]).syncs
    assert (status.pending_rows, status.run_status) == (0, "success")
    # The catalogue has a name as a text.
    without_texts = [re.sub("'[^']*'", "", sql) for sql in statements]
    for name, relation in (("users", users), ("braze_sync_ledger", ledger)):
        mentions = [sql for sql in without_texts if name in sql.lower()]
        assert mentions, name
        assert [sql for sql in mentions if relation not in sql] == [], name
