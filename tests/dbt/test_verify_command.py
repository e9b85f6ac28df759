"""`braze-runner check`, `status` and `verify` around a real dbt run on DuckDB and the local Braze."""

import os
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dbt_project import DbtProject

from braze_runner.cli import group
from braze_runner.sandbox import SandboxServer

KEY = "key-that-nobody-may-see"
USERS = """
{{ dbt_braze.attributes_sync(relation=ref('customers'), external_id='id', attributes=[
    {'name': 'name', 'type': 'string'}, {'name': 'since', 'type': 'timestamp'},
    {'name': 'spent', 'type': 'float'}]) }}
"""
LABELS = """
{{ dbt_braze.audience_sync(relation=ref('members'), external_id='id', label='label', attribute='segments') }}
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "braze.sqlite", api_key=KEY) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DbtProject:
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_PROFILE", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    # The dbt of this environment, whatever else is installed.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    shop = DbtProject(tmp_path / "shop")
    rows = [
        f"select 'c{number}' as id, 'Ann' as name, timestamp '2020-01-02 03:04:05' as since, 1.50 as spent"
        for number in range(20)
    ]
    shop.model("customers", " union all ".join(rows))
    shop.model("members", "select id, 'vip' as label from {{ ref('customers') }}")
    shop.model("users", USERS)
    shop.model("labels", LABELS)
    # The profile's path is relative.
    monkeypatch.chdir(shop.folder)
    return shop


def run(project: DbtProject, sandbox: SandboxServer, command: str, *arguments: str) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": sandbox.url, "BRAZE_API_KEY": KEY}
    words = [command, "--project-dir", str(project.folder), *arguments]
    return CliRunner().invoke(group, words, env=environment, catch_exceptions=False)


def plant(sandbox: SandboxServer, sql: str) -> None:
    with closing(sqlite3.connect(sandbox.settings.db, timeout=30)) as file:
        file.execute(f"update profiles set custom_attributes = {sql}")
        file.commit()


def test_what_differs_is_sent_again(project: DbtProject, sandbox: SandboxServer) -> None:
    project.run("--select", "customers")
    before = run(project, sandbox, "check")
    assert before.exit_code == 2
    assert before.output.count("run dbt first, with this target.") == 2
    project.run()
    after = run(project, sandbox, "check")
    assert after.exit_code == 0, after.output
    assert run(project, sandbox, "status", "--fail-on", "pending").exit_code == 1
    # Labels go to users whom Braze has, so they follow those who make them.
    assert run(project, sandbox, "push").exit_code == 0
    assert run(project, sandbox, "status", "--fail-on", "pending").exit_code == 0
    for sync in ("users", "labels"):
        fine = run(project, sandbox, "verify", "--sync", sync, "--show")
        assert fine.exit_code == 0, fine.output

    plant(sandbox, "json_set(custom_attributes, '$.name', 'Bob') where external_id in ('c1', 'c2')")
    plant(sandbox, "json_remove(custom_attributes, '$.segments') where external_id = 'c3'")
    found = run(project, sandbox, "verify", "--sync", "labels")
    assert found.exit_code == 1
    [printed] = [line for line in found.output.splitlines() if line.startswith("dbt ")]
    said = project.dbt(*shlex.split(printed)[1:])
    assert "the next run of labels sends all attributes of 1 users again" in said
    again = run(project, sandbox, "verify", "--sync", "users", "--reemit")
    assert (again.exit_code, "2 differ" in again.output) == (1, True)
    project.run(braze_max_changed_share=None)
    assert run(project, sandbox, "push").exit_code == 0
    for sync in ("users", "labels"):
        fine = run(project, sandbox, "verify", "--sync", sync)
        assert fine.exit_code == 0, fine.output
    assert project.sql("select count(*) from users") == [(22,)]
