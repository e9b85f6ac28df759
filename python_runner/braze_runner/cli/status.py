"""``braze-runner status``."""

import datetime as dt
import os
import sys
from pathlib import Path

import click

from braze_runner.cli.options import dbt_options, output_option, selection_options, state_option
from braze_runner.cli.output import print_json, print_table
from braze_runner.config import read_destination
from braze_runner.engine.status import Concern, Status, SyncStatus, read_status
from braze_runner.warehouse import DbtOptions

_COLUMNS = ("sync", "pending rows in batches", "watermark (UTC)", "lag", "last run (UTC)", "rejects")


@click.command("status")
@dbt_options
@selection_options
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["pending", "rejects", "error"]),
    help="Exit with 1 when a sync has pending rows, open rejects, or a last run that failed; repeatable.",
)
@state_option
@output_option
def command(
    options: DbtOptions,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    fail_on: tuple[Concern, ...],
    state: Path | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Show where each sync stands: pending rows, watermark, lag, last run, rejects.

    It writes nothing and calls nobody but the warehouse; of the variables it reads BRAZE_DESTINATION alone.
    """
    status = read_status(options, read_destination(os.environ), select, exclude, state)
    if as_json:
        print_json(status.as_dict())
    else:
        _print(status)
    concerned = any(each.is_of(concern) for each in status.syncs for concern in fail_on)
    sys.exit(1 if concerned else 0)


def _print(status: Status) -> None:
    host = status.host or "nothing has been pushed to it yet"
    click.echo(f"Destination {status.destination} ({host})")
    print_table(_COLUMNS, [_row(each) for each in status.syncs])
    for each in status.syncs:
        for line in _remarks(each):
            click.echo(f"{each.name}: {line}")


def _row(each: SyncStatus) -> tuple[str, ...]:
    if each.deliver == "cdi":
        pending, watermark, lag, run = "Braze reads it", "", "", ""
    else:
        batches = f" in {each.pending_batches:,}" if each.pending_batches else ""
        pending = "?" if each.pending_rows is None else f"{each.pending_rows:,}{batches}"
        watermark, lag, run = _time(each.watermark), _duration(each.lag), _run(each)
    return each.name, pending, watermark, lag, run, _rejects(each)


def _run(each: SyncStatus) -> str:
    run = each.last_run
    if run is None:
        return each.run_status
    if run.ended_at is None:
        return f"{_time(run.started_at)} {each.run_status}"
    counts = f"{run.rows_sent:,} sent, {run.rows_rejected:,} rejected, {run.rows_held:,} held back"
    return f"{_time(run.ended_at)} {each.run_status}: {counts}"


def _rejects(each: SyncStatus) -> str:
    unknown = f", {each.unknown:,} may have arrived" if each.unknown else ""
    return f"{each.rejected:,}{unknown}"


def _remarks(each: SyncStatus) -> list[str]:
    lines = []
    if each.problem:
        lines.append(each.problem.removeprefix(f"Model {each.name}: "))
    if each.deliver == "cdi":
        newest = f"its newest row is of {_time(each.newest)} UTC" if each.newest else "it has no row"
        lines.append(f"Braze reads it itself, and {newest}: see braze-runner cdi status.")
    if each.last_run and each.last_run.error:
        lines.append(f"the last run ended with: {each.last_run.error}")
    if each.lease:
        until = f"{each.lease.expires_at:%H:%M:%S} UTC"
        lines.append(
            f"process {each.lease.pid} is pushing it; its lease ends at {until} unless it is renewed."
        )
    return lines


def _time(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.isoformat(" ", "seconds")


def _duration(lag: dt.timedelta | None) -> str:
    """Return a span as days and hours:minutes:seconds."""
    return "" if lag is None else str(dt.timedelta(seconds=round(lag.total_seconds())))
