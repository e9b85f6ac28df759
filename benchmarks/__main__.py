"""Run every benchmark, or those named, and print their tables: `python -m benchmarks delta --users 1000000`."""

import argparse
import importlib
import itertools
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = ("push", "currents", "delta")
# Benchmark -> the option that says how much it does.
_SIZES = {"push": "rows", "delta": "users"}


def show(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the rows of one table."""
    table = Table(title=rows[0]["benchmark"], title_justify="left")
    names = [name for name in rows[0] if name not in ("benchmark", "caption")]
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        values = (row[name] for name in names)
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in values))
    console.print(table)
    if "caption" in rows[0]:
        console.print(rows[0]["caption"], highlight=False)


def main() -> None:
    """Run what is named on the command line, or everything."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure speed, memory and cost.")
    parser.add_argument("names", nargs="*", help=f"out of {', '.join(NAMES)}; all of them without a name")
    parser.add_argument(
        "--rows", type=int, help="rows of push; a million without it, 5_000_000 for its long form"
    )
    parser.add_argument("--users", type=int, help="users of the delta; 10 million without it")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console = Console(width=None if sys.stdout.isatty() else 140)
    for name in arguments.names or NAMES:
        size = _SIZES.get(name, "")
        options = {size: getattr(arguments, size)} if size and getattr(arguments, size) else {}
        rows = importlib.import_module(f"benchmarks.{name}").run(**options)
        for _, table in itertools.groupby(rows, key=lambda row: row["benchmark"]):
            show(console, list(table))


if __name__ == "__main__":
    main()
