"""``braze-runner load-currents``: Avro files of Currents into tables."""

import sys
from pathlib import Path

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options
from braze_runner.currents.progress import DEFAULT_SCHEMA, load_with_progress, report
from braze_runner.warehouse import DbtOptions


@click.command(name="load-currents")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--schema",
    default=DEFAULT_SCHEMA,
    show_default=True,
    help="Schema of the event tables; the dbt var braze_currents_schema must say the same.",
)
@dbt_options
def command(options: DbtOptions, path: Path, schema: str) -> None:
    """Load every Currents file below PATH that is not loaded yet.

    Each file is loaded whole or not at all. A damaged file, or one outside a folder event_type=…, is named
    and left out, and the exit code is 1.
    """
    summary, seconds = load_with_progress(path, schema, options, Console())
    report(summary, seconds)
    sys.exit(0 if summary.complete else 1)
