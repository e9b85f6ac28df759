"""Load Currents with a progress bar, and say what became of the files."""

import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from braze_runner.currents.load import LoadSummary, load
from braze_runner.warehouse import DbtOptions, connect

DEFAULT_SCHEMA = "braze_currents"


def load_with_progress(
    path: Path, schema: str, options: DbtOptions, console: Console
) -> tuple[LoadSummary, float]:
    """Load with a progress bar (on a terminal); return what became of the files, and the seconds it took."""
    warehouse = connect(options)
    try:
        columns = (
            TextColumn("Loading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files, {task.fields[events]:,} events"),
            TimeRemainingColumn(),
        )
        started = time.monotonic()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("load", total=None, events=0)

            def progress(summary: LoadSummary, pending: int) -> None:
                done = summary.loaded + len(summary.damaged)
                bar.update(task, completed=done, total=done + pending, events=summary.events)

            summary = load(warehouse, path, schema, progress=progress)
        return summary, time.monotonic() - started
    finally:
        warehouse.close()


def report(summary: LoadSummary, seconds: float) -> None:
    """Name each file that was left out, with its reason, and print the counts."""
    for path, problem in summary.damaged:
        click.echo(f"Damaged: {path}: {problem}.", err=True)
    for path in summary.unrecognised:
        click.echo(f"Not recognised: {path}: no folder event_type=… in its path.", err=True)
    counts = {
        "loaded": summary.loaded,
        "already there": summary.already,
        "damaged": len(summary.damaged),
        "not recognised": len(summary.unrecognised),
    }
    click.echo(
        f"{summary.found:,} files: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()) + "."
    )
    rate = f" ({summary.events / seconds:,.0f} events/s)" if summary.events else ""
    click.echo(f"{summary.events:,} events in {seconds:.1f} s{rate}.")
