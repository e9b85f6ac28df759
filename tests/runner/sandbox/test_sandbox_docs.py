import re
from pathlib import Path

import click

from braze_runner.cli.sandbox import command
from braze_runner.sandbox.control import CONTROLS
from braze_runner.sandbox.endpoints import ENDPOINTS

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists_and_every_rule_has_one() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    existing = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    rows = PAGE.split("| Rule of Braze |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) > 40
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, row
        assert named <= existing, named - existing


def test_every_option_is_on_the_page() -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    rows = re.findall(r"^\| `(--[\w-]+)`(?:, `(--[\w-]+)`)?", PAGE, re.MULTILINE)
    assert options == {option for row in rows for option in row if option}


def test_values_of_switches_are_on_the_page_default_first() -> None:
    rows = dict(re.findall(r"^\| `(--[\w-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    switches = [parameter for parameter in command.params if isinstance(parameter.type, click.Choice)]
    assert len(switches) == 10
    for switch in switches:
        named = re.findall(r"`([\w-]+)`", rows[switch.opts[0]])
        assert named[0] == switch.default
        assert set(named) == set(switch.type.choices)


def test_every_endpoint_is_on_the_page() -> None:
    assert {f"{method} {path}" for method, path in ENDPOINTS | CONTROLS} == set(
        re.findall(r"^\| `([A-Z]+ /\S+)`", PAGE, re.MULTILINE)
    )
