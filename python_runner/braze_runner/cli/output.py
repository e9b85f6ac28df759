"""How commands print what they found: a table, or one JSON object."""

from collections.abc import Sequence
from typing import Any

import click
import orjson


def print_json(result: Any) -> None:
    """Print one JSON object; times are UTC."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC
    click.echo(orjson.dumps(result, option=option).decode())


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, whole: an id that is cut to the terminal's width can't be copied."""
    lines = [names, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
