"""Write what documents repeat from elsewhere: the vars in README.md, and docs/cli.md from the commands' help."""

import re
from pathlib import Path

import click

from braze_runner.cli import group

ROOT = Path(__file__).resolve().parents[1]
MARKS = ("<!-- vars: made by `make generate` from dbt_project.yml -->", "<!-- end of vars -->")


def vars_table(project: str) -> str:
    """Return the vars of dbt_project.yml as Markdown: lines `name: default  # meaning` under their group."""
    lines = []
    for line in project.split("\nvars:\n")[1].splitlines():
        title = re.fullmatch(r"  # --- (.+?) -+", line)
        entry = re.fullmatch(r"  (\w+): (.+?) *(?:  # (.+))?", line)
        if title:
            lines += ["", f"**{title[1]}**", "", "| Var | Default | Meaning |", "|---|---|---|"]
        elif entry:
            lines.append(f"| `{entry[1]}` | `{entry[2]}` | {entry[3] or ''} |")
    return "\n".join(lines).strip()


def readme() -> str:
    """Return README.md with the table of vars as it should be."""
    before, rest = (ROOT / "README.md").read_text().split(MARKS[0])
    table = vars_table((ROOT / "dbt_project.yml").read_text())
    return f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def cli_reference() -> str:
    """Return docs/cli.md: the help of the command and of each of its commands."""
    top = click.Context(
        group,
        info_name="braze-runner",
        terminal_width=100,
        max_content_width=100,
        **group.context_settings,
    )
    pages = [
        "# Command line",
        "",
        "Made by `make generate` from the commands' own help.",
        "",
        "```",
        group.get_help(top),
        "```",
    ]
    pages += _sections(group, top)
    return "\n".join(pages) + "\n"


def _sections(commands: click.Group, parent: click.Context, above: str = "") -> list[str]:
    """Return the lines of a group's commands, each followed by those of its own commands."""
    lines = []
    for name in commands.list_commands(parent):
        command = commands.get_command(parent, name)
        if command is None:
            raise LookupError(name)
        context = click.Context(
            command, info_name=name, parent=parent, terminal_width=100, max_content_width=100
        )
        lines += ["", f"## {above}{name}", "", "```", command.get_help(context), "```"]
        if isinstance(command, click.Group):
            lines += _sections(command, context, f"{above}{name} ")
    return lines


def documents() -> dict[Path, str]:
    """Return each document that this tool writes, and its content."""
    return {ROOT / "README.md": readme(), ROOT / "docs" / "cli.md": cli_reference()}


def main() -> None:
    """Write the documents."""
    for path, content in documents().items():
        path.write_text(content)


if __name__ == "__main__":
    main()
