"""``braze-runner resolve``: objects that may have arrived."""

import os
import sys
from dataclasses import replace

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options, output_option
from braze_runner.cli.output import print_json
from braze_runner.cli.push_options import push_options
from braze_runner.cli.rejects import reject_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import read_config
from braze_runner.engine import PushSettings
from braze_runner.engine.repair import Chosen, by_currents, drop, send_again
from braze_runner.progress import observer_for, report_summary
from braze_runner.state import OpenReject
from braze_runner.warehouse import DbtOptions


@click.command("resolve")
@dbt_options
@click.option("--resend", "decision", flag_value="resend", help="Send them again: some may arrive twice.")
@click.option(
    "--currents",
    "decision",
    flag_value="currents",
    help="Take those that Currents holds as arrived, and send those that it should hold by now and does not.",
)
@click.option("--drop", "decision", flag_value="drop", help="Take them as arrived: some may be missing.")
@reject_options
@push_options
@output_option
def command(
    options: DbtOptions,
    settings: PushSettings,
    decision: str | None,
    select: tuple[str, ...],
    chosen: Chosen,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Decide about events, purchases and operators of which nobody knows whether they arrived.

    They were under way when a run died, or when Braze's answer was lost; `failures list` counts them.
    """
    if decision is None:
        raise click.UsageError("Say --currents, --resend or --drop.")
    config, settings = read_config(os.environ), replace(settings, select=select)
    console, stop = Console(stderr=as_json), Stop()
    observer = observer_for(console)

    def unknown(reject: OpenReject) -> bool:
        return reject.status == "unknown" and chosen(reject)

    note = ""
    if decision == "drop":
        dropped = drop(options, config, unknown, settings)
        observer.message(f"{dropped:,} objects are taken as arrived.")
        if as_json:
            print_json({"dropped": dropped, "exit_code": 0})
        return
    if decision == "currents":
        arrived, missing, silent = by_currents(options, config, unknown, settings)
        note = (
            f"{arrived:,} objects have arrived by Currents, {len(missing):,} have not; "
            f"of {silent:,} it says nothing, or nothing yet."
        )

        def unknown(reject: OpenReject) -> bool:
            return (reject.sync, reject.batch, reject.braze_row) in missing

    with stopping_on_signals(stop):
        summary = send_again(options, config, unknown, settings, observer, stop=stop)
    summary.notes[:0] = [note] if note else []
    report_summary(summary, console, "Resolve", as_json=as_json)
    sys.exit(summary.exit_code)
