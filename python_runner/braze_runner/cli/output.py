"""How commands print what they found: a table, or one JSON object."""

from collections.abc import Sequence
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table


def print_json(result: Any) -> None:
    """Print one JSON object; times are UTC."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC
    click.echo(orjson.dumps(result, option=option).decode())


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of texts."""
    table = Table(*names)
    for row in rows:
        # Words of others may hold what rich would take for markup.
        table.add_row(*(each.replace("[", "\\[") for each in row))
    Console().print(table)
