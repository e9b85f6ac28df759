"""A command whose packages are not installed says what to install; the others don't need them."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from braze_runner.cli import group
from braze_runner.currents.avro import read_table
from braze_runner.errors import ConfigError
from braze_runner.sandbox import SandboxServer


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


def test_the_sandbox() -> None:
    with pytest.raises(ConfigError, match=r"The sandbox needs its extra: pip install 'dbt-braze\[sandbox\]'"):
        SandboxServer()


def test_reading_currents(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pip install 'dbt-braze\[currents\]'"):
        read_table(tmp_path / "events.avro")


def test_the_demo() -> None:
    result = CliRunner().invoke(group, ["demo"])
    assert isinstance(result.exception, ConfigError)
    assert "The demo needs its extra: pip install 'dbt-braze[demo]'." in str(result.exception)


@pytest.mark.parametrize("command", ["sandbox", "demo", "load_currents", "push"])
def test_importing_a_command_needs_no_extra(command: str) -> None:
    program = (
        f"import sys, braze_runner.cli.{command}; "
        "sys.exit(bool({'starlette', 'uvicorn', 'fastavro'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
