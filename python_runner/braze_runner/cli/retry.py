"""``braze-runner retry``: what Braze refused, once more."""

import os
import sys
from dataclasses import replace

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options, output_option
from braze_runner.cli.push_options import push_options
from braze_runner.cli.rejects import reject_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import read_config
from braze_runner.engine import PushSettings
from braze_runner.engine.repair import Chosen, send_again
from braze_runner.progress import observer_for, report_summary
from braze_runner.warehouse import DbtOptions


@click.command("retry")
@dbt_options
@reject_options
@push_options
@output_option
def command(
    options: DbtOptions,
    settings: PushSettings,
    select: tuple[str, ...],
    chosen: Chosen,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Send rejected rows again, and never an old value over a new one.

    Of attributes those keys go that no later row of the user carries; events and purchases go as they were; of
    everything else what no later row replaces. A row that its table has no more, or on which later ones build, is
    not sent, and stays open. Objects that may have arrived are left to `resolve`.
    """
    console, config, stop = Console(stderr=as_json), read_config(os.environ), Stop()
    with stopping_on_signals(stop):
        summary = send_again(
            options,
            config,
            lambda reject: reject.status == "rejected" and chosen(reject),
            replace(settings, select=select),
            observer_for(console),
            stop=stop,
        )
    report_summary(summary, console, "Retry", as_json=as_json)
    sys.exit(summary.exit_code)
