"""``braze-runner push``."""

import os
import sys

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import read_config
from braze_runner.engine import PushSettings, push
from braze_runner.engine.settings import MAX_WORKERS
from braze_runner.progress import observer_for, print_summary
from braze_runner.warehouse import DbtOptions


@click.command("push")
@dbt_options
@click.option("--select", "-s", multiple=True, metavar="NAME", help="Model or unique_id to push; repeatable.")
@click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    default=PushSettings.workers,
    show_default=True,
    help="Requests under way at once.",
)
@click.option(
    "--order-gap",
    type=click.FloatRange(min=0),
    help="Seconds between two pending batches of a sync.  [default: 5, on loopback 0]",
)
def command(options: DbtOptions, select: tuple[str, ...], workers: int, order_gap: float | None) -> None:
    """Push what the sync tables hold and Braze does not have yet.

    BRAZE_REST_ENDPOINT and BRAZE_API_KEY say where to; BRAZE_DESTINATION names the destination when there are
    several. BRAZE_ALLOWED_HOST allows a host that is not one of Braze's. The rest is dbt's: project, profile
    and target.
    """
    console = Console()
    config = read_config(os.environ)
    settings = PushSettings(select=select, workers=workers, order_gap=order_gap)
    stop = Stop()
    with stopping_on_signals(stop):
        summary = push(options, config, settings, observer_for(console), stop=stop)
    print_summary(summary, console)
    sys.exit(summary.exit_code)
