"""``braze-runner push``."""

import os
import sys
from dataclasses import replace

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options
from braze_runner.cli.push_options import push_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import read_config
from braze_runner.engine import PushSettings, push
from braze_runner.progress import observer_for, print_summary
from braze_runner.warehouse import DbtOptions


@click.command("push")
@dbt_options
@click.option(
    "--select", "-s", multiple=True, metavar="NAME", help="Model or unique_id to push, * for any; repeatable."
)
@click.option("--exclude", multiple=True, metavar="NAME", help="Model or unique_id to leave out; repeatable.")
@push_options
def command(
    options: DbtOptions, settings: PushSettings, select: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    """Push what the sync tables hold and Braze does not have yet.

    BRAZE_REST_ENDPOINT and BRAZE_API_KEY say where to; BRAZE_DESTINATION names the destination when there are
    several. BRAZE_ALLOWED_HOST allows a host that is not one of Braze's. The rest is dbt's: project, profile
    and target.
    """
    console = Console()
    config = read_config(os.environ)
    settings = replace(settings, select=select, exclude=exclude)
    stop = Stop()
    with stopping_on_signals(stop):
        summary = push(options, config, settings, observer_for(console), stop=stop)
    print_summary(summary, console)
    sys.exit(summary.exit_code)
