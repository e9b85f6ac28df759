"""Every command that the documents show is one: its name, its options, its arguments."""

import re
import shlex

import click
import pages
import pytest
import yaml

from braze_runner.cli import group

DOCUMENTS = [
    page.read_text()
    for page in [*sorted(pages.ROOT.glob("*.md")), *pages.PAGES]
    if page.name != "cli.md"  # it is made from the commands themselves
]
BLOCKS = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MACROS = {
    name: {part.split("=")[0].strip() for part in arguments.split(",")}
    for path in (pages.ROOT / "macros").rglob("*.sql")
    for name, arguments in re.findall(r"macro (\w+)\(([^)]*)\)", path.read_text())
}
TARGETS = set(re.findall(r"^([a-z-]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))


def lines(program: str) -> list[str]:
    """The lines of blocks that call a program; an ellipsis stands for something real."""
    return [
        line.removeprefix("$ ").replace("…", "x")
        for text in DOCUMENTS
        for block in BLOCKS.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
        if line.removeprefix("$ ").startswith(f"{program} ")
    ]


def mentions(program: str) -> list[str]:
    """The commands within sentences."""
    return [
        found.replace("\n", " ")
        for text in DOCUMENTS
        for found in re.findall(rf"(?<!`)`({program} [^`]+)`", text)
    ]


def called(command: str) -> click.Context:
    """Walk down to the command that is called, without its options; raises click's error for an unknown one."""
    context, words = (
        click.Context(group, info_name="braze-runner", **group.context_settings),
        shlex.split(command)[1:],
    )
    while isinstance(context.command, click.Group) and words:
        name, found, words = context.command.resolve_command(context, words)
        assert found is not None
        context = click.Context(found, context, info_name=name)
    context.args = words
    return context


@pytest.mark.parametrize("command", lines("braze-runner"))
def test_a_line_of_the_runner_can_be_called(command: str) -> None:
    found = called(shlex.join(shlex.split(command, comments=True)))
    assert found.parent is not None
    found.command.make_context(found.info_name, found.args, found.parent)


@pytest.mark.parametrize("command", mentions("braze-runner"))
def test_a_mention_of_the_runner_names_a_command_and_its_options(command: str) -> None:
    found = called(command)
    options = {option for parameter in found.command.params for option in parameter.opts}
    assert {word for word in found.args if word.startswith("--") and word != "--"} <= options


@pytest.mark.parametrize("command", lines("dbt run-operation") + mentions("dbt run-operation"))
def test_an_operation_is_a_macro_with_these_arguments(command: str) -> None:
    _, _, macro, *rest = shlex.split(command)
    given = yaml.safe_load(rest[rest.index("--args") + 1]) if "--args" in rest else {}
    assert given.keys() <= MACROS[macro]


@pytest.mark.parametrize("command", lines("make") + mentions("make"))
def test_a_target_of_make_is_one(command: str) -> None:
    assert command.split()[1] in TARGETS


def test_there_are_commands_to_look_at() -> None:
    found = {command.split()[1] for command in lines("braze-runner")}
    assert found >= {"check", "push", "status", "verify", "run", "failures", "retry", "cdi", "sandbox"}
    assert len(lines("dbt run-operation")) > 5
    assert len(mentions("make")) > 5
