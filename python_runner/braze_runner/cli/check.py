"""``braze-runner check``."""

import os
import sys
from pathlib import Path

import click

from braze_runner.checks import check
from braze_runner.cli.options import (
    dbt_options,
    output_option,
    selection_options,
    state_option,
    track_limit_option,
)
from braze_runner.cli.output import print_json, print_table
from braze_runner.cli.signals import SignalError, stopping_on_signals
from braze_runner.client import Stop
from braze_runner.plan.planners import TrackLimit
from braze_runner.warehouse import DbtOptions


@click.command("check")
@dbt_options
@selection_options
@track_limit_option("As push will be told: bulk needs a permission of its own.")
@state_option
@output_option
def command(
    options: DbtOptions,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    track_limit: TrackLimit,
    state: Path | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Look at everything that a push needs: warehouse, tables, key, permissions.

    It changes nothing: permissions are asked for with empty bodies, never where users are deleted or merged. What
    can't be proved that way is said to be so.

    Exit codes: 0 nothing failed; 2 something did.
    """
    stop = Stop()
    with stopping_on_signals(stop):
        report = check(options, os.environ, select, exclude, state, track_limit, stop=stop)
    if stop.signal is not None:
        raise SignalError(stop.signal)
    if as_json:
        print_json(report.as_dict())
    else:
        rows = [(each.verdict, f"{each.area} {each.subject}".strip(), each.detail) for each in report.checks]
        print_table(("result", "check", "found"), rows)
    sys.exit(report.exit_code)
