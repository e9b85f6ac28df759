"""`braze-runner run` with the real dbt on DuckDB, and a push to a local server of what succeeded."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from dbt_project import DbtProject
from push_helpers import KEY, FakeBraze
from raw_server import answer, keeping, serving

from braze_runner.cli import group
from braze_runner.dbt_runs import DbtCommand
from braze_runner.errors import BrazeRunnerError, ConfigError
from braze_runner.warehouse import DbtOptions

SYNC = """
{{{{ dbt_braze.attributes_sync(relation=ref('{source}'), external_id='id',
    attributes=[{{'name': 'name', 'type': 'string'}}]) }}}}
"""


@pytest.fixture
def braze() -> Iterator[FakeBraze]:
    fake = FakeBraze()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DbtProject:
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_PROFILE", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    # The dbt of this environment, whatever else is installed.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    shop = DbtProject(tmp_path / "shop")
    shop.model("customers", "select 'c1' as id, 'Ann' as name")
    shop.model("users", SYNC.format(source="customers"))
    # The profile's path is relative.
    monkeypatch.chdir(shop.folder)
    return shop


def with_tests(**tests: list[Any]) -> dict[str, Any]:
    return {
        "models": [
            {"name": name, "columns": [{"name": "EXTERNAL_ID", "data_tests": each}]}
            for name, each in tests.items()
        ]
    }


def only(*values: str, severity: str = "error") -> dict[str, Any]:
    return {"accepted_values": {"arguments": {"values": list(values)}, "config": {"severity": severity}}}


def environment(braze: FakeBraze) -> dict[str, str]:
    return {"BRAZE_REST_ENDPOINT": braze.url, "BRAZE_API_KEY": KEY, "COLUMNS": "200"}


def run(project: DbtProject, braze: FakeBraze, *arguments: str, before: tuple[str, ...] = ()) -> Result:
    command = ["run", "--project-dir", str(project.folder), *before, "--", "--quiet", *arguments]
    return CliRunner().invoke(group, command, env=environment(braze))


def error_of(result: Result) -> tuple[int, str]:
    assert isinstance(result.exception, BrazeRunnerError), result.output
    return result.exception.exit_code, str(result.exception)


def verdicts(result: Result) -> dict[str, tuple[bool, str]]:
    return {each["name"]: (each["passed"], each["reason"]) for each in json.loads(result.stdout)["syncs"]}


def test_what_succeeded_is_pushed(project: DbtProject, braze: FakeBraze) -> None:
    project.yaml("tests", with_tests(users=["not_null", only("c2", severity="warn")]))
    result = run(project, braze, "build")
    assert result.exit_code == 0, result.output
    assert (
        "users is pushed: its model succeeded; 1 of 2 tests on it passed, 1 ended with warn." in result.output
    )
    assert braze.users() == ["c1"]
    assert "All rows pushed." in result.output


def test_everything_else_is_not(project: DbtProject, braze: FakeBraze) -> None:
    project.model("people", "select 'c2' as id, 'Bob' as name")
    project.model("broken", "select cast(id as integer) as id, name from {{ ref('people') }}")
    project.model("broken_table", "{{ config(materialized='table') }} select * from {{ ref('broken') }}")
    sources = {
        "failing": "people",
        "related": "people",
        "erring": "broken",
        "skipped": "broken_table",
        "left_out": "people",
    }
    for name, source in sources.items():
        project.model(name, SYNC.format(source=source))
    relation = {"relationships": {"arguments": {"to": "ref('related')", "field": "EXTERNAL_ID"}}}
    project.yaml(
        "tests",
        with_tests(users=["not_null", "unique"], failing=["unique", only("c1")], left_out=["not_null"]),
    )
    project.yaml(
        "relations",
        {"models": [{"name": "customers", "columns": [{"name": "id", "data_tests": [relation]}]}]},
    )
    with serving(keeping(answer(b"", "500 X"))) as webhook:
        url = f"http://127.0.0.1:{webhook.port}/hook"
        result = run(
            project,
            braze,
            *("build", "--exclude", "left_out"),
            before=("--notify", url, "--output", "json"),
        )
        [request] = webhook.requests
    assert result.exit_code == 1, result.output
    found = verdicts(result)
    assert found["users"] == (True, "its model succeeded; 2 of 2 tests on it passed")
    assert found["failing"][0] is False
    assert found["failing"][1].startswith("test accepted_values_failing_")
    assert found["failing"][1].endswith("ended with fail")
    assert found["related"][0] is False
    assert found["related"][1].startswith("test relationships_customers_")
    assert found["erring"] == (False, "its model ended with error")
    assert found["skipped"] == (False, "its model ended with skipped")
    assert found["left_out"] == (False, "its model was not part of this invocation")
    assert braze.users() == ["c1"]
    note = json.loads(request.partition(b"\r\n\r\n")[2])
    assert (note["syncs"], note["error"], note["exit_code"]) == (["users"], "dbt ended with exit code 1.", 1)
    assert note["counts"]["rows_sent"] == 1
    assert "The notification was refused with status 500." in result.stderr
    assert KEY not in result.output + request.decode()


def test_the_next_invocation_counts_alone(project: DbtProject, braze: FakeBraze) -> None:
    assert run(project, braze, "run", "--exclude", "users").exit_code == 0
    assert braze.raw == []
    code, sentence = error_of(run(project, braze, "compile"))
    assert (code, "results of `dbt compile`" in sentence) == (2, True)
    # The results of the run before are still there.
    (project.folder / "models" / "typo.sql").write_text("select * from {{ ref('nothing') }}")
    code, sentence = error_of(run(project, braze, "run"))
    assert (code, "dbt ended with exit code 2 and wrote no run_results.json" in sentence) == (2, True)
    (project.folder / "models" / "typo.sql").unlink()
    assert run(project, braze, "run", "--select", "+users").exit_code == 0
    assert braze.users() == ["c1"]


def test_both_see_the_same_project_and_target(
    project: DbtProject, braze: FakeBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = yaml.safe_load((project.folder / "profiles.yml").read_text())
    (project.folder / "profiles.yml").unlink()
    profiles["shop"]["outputs"]["other"] = {"type": "duckdb", "path": str(project.folder / "other.duckdb")}
    (project.folder / "elsewhere").mkdir()
    (project.folder / "elsewhere" / "profiles.yml").write_text(yaml.safe_dump(profiles))
    monkeypatch.chdir(project.folder / "models")
    place = ("--profiles-dir", str(project.folder / "elsewhere"), "-tother", "--target-path=built")
    result = CliRunner().invoke(group, ["run", "--", "--quiet", "run", *place], env=environment(braze))
    assert result.exit_code == 0, result.output
    assert braze.users() == ["c1"]
    assert (project.folder / "other.duckdb").exists()
    assert (project.folder / "built" / "run_results.json").exists()
    again = CliRunner().invoke(
        group,
        ["run", *place[:2], "-t", "other", "--target-path", "built", "--", "--quiet", "run"],
        env=environment(braze),
    )
    assert again.exit_code == 0, again.output
    assert "users is pushed: its model succeeded; it has no tests." in again.output
    assert len(braze.raw) == 1


def test_dbt_is_missing(project: DbtProject, braze: FakeBraze) -> None:
    code, sentence = error_of(run(project, braze, "build", before=("--dbt", "no-such-dbt")))
    assert (code, sentence) == (
        2,
        "There is no no-such-dbt to run: install dbt, or name its program with --dbt.",
    )
    (project.folder / "dbt.exe").write_text("no program")
    (project.folder / "dbt.exe").chmod(0o755)
    code, sentence = error_of(run(project, braze, "build", before=("--dbt", str(project.folder / "dbt.exe"))))
    assert (code, sentence.startswith("dbt can't be started: Exec format error")) == (2, True)


def test_dbt_is_the_one_of_the_shell(
    project: DbtProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = DbtOptions(project_dir=project.folder)
    monkeypatch.setenv("PATH", "")
    assert Path(DbtCommand.of(["build"], options).program).parent == Path(sys.executable).parent
    own = tmp_path / "bin" / "dbt"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    assert DbtCommand.of(["build"], options).program == str(own)


def test_an_option_given_twice(project: DbtProject) -> None:
    options = DbtOptions(project_dir=project.folder, target="dev")
    assert DbtCommand.of(["build", "--target", "dev"], options).arguments.count("--target") == 1
    with pytest.raises(ConfigError, match="--target is given twice"):
        DbtCommand.of(["build", "-t", "prod"], options)


def test_wrong_configuration_starts_no_dbt(project: DbtProject, braze: FakeBraze) -> None:
    braze.url = "https://evil.example/?.braze.com"
    assert error_of(run(project, braze, "build"))[0] == 2
    assert not (project.folder / "warehouse.duckdb").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_goes_to_dbt_and_nothing_is_pushed(
    project: DbtProject, braze: FakeBraze, number: signal.Signals
) -> None:
    project.model(
        "slow",
        "-- depends_on: {{ ref('users') }}\n{{ config(materialized='table') }} "
        "select sum(a.range + b.range) as n from range(100000) a, range(30000) b",
    )
    code = "from braze_runner.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "--project-dir", str(project.folder), "--", "run"]
    with subprocess.Popen(
        command,
        env=os.environ | environment(braze),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "START sql table model main.slow" in line:
                process.send_signal(number)
        process.wait()
    text = "".join(lines)
    assert process.returncode == 128 + number, text
    assert "dbt was stopped: nothing is pushed." in text
    assert "Completed successfully" not in text
    assert braze.raw == []
