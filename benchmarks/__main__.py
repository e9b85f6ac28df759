"""Run every benchmark, or those named, and print a table of each: `python -m benchmarks [push] [currents] [delta]`."""

import importlib
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = ("push", "currents", "delta")


def show(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the rows of one benchmark."""
    table = Table(title=rows[0]["benchmark"], title_justify="left")
    for name in rows[0]:
        if name != "benchmark":
            table.add_column(name, justify="right")
    for row in rows:
        values = (value for name, value in row.items() if name != "benchmark")
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in values))
    console.print(table)


def main() -> None:
    """Run what is named on the command line, or everything."""
    names = sys.argv[1:] or NAMES
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.exit(f"unknown benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console = Console()
    for name in names:
        show(console, importlib.import_module(f"benchmarks.{name}").run())


if __name__ == "__main__":
    main()
