"""``braze-runner verify``."""

import os
import random
import shlex
import sys
from pathlib import Path

import click

from braze_runner.cli.options import dbt_options, output_option, state_option
from braze_runner.cli.output import print_json, print_table
from braze_runner.cli.signals import SignalError, stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import read_config
from braze_runner.dbt_runs import DbtCommand
from braze_runner.errors import StoppedError
from braze_runner.verify import Report, VerifySettings, verify
from braze_runner.verify.report import VERDICTS
from braze_runner.warehouse import DbtOptions

_SEEDS = 1_000_000
_LEFT_OUT = {
    "pending": "have pending rows",
    "rejected": "have open rejects",
    "maybe_sent": "have rows of which nobody knows whether they arrived",
    "deleted": "were deleted by a deletes sync",
    "not_created": "are not in Braze, and their rows create nobody",
    "ambiguous": "share their identifier with other profiles",
}


@click.command("verify")
@dbt_options
@click.option(
    "--sync", metavar="MODEL", help="The attributes sync to verify; may be left out if there is one."
)
@click.option("--sample", type=click.IntRange(1), default=100, show_default=True, help="Users to compare.")
@click.option("--seed", type=int, metavar="N", help="Draw the same users as the run that named this number.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Seconds in which users that differ are read again: exports lag behind.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Part of Braze's rate limit of exports to use.",
)
@click.option("--show", is_flag=True, help="Print identifiers and values of what differs: personal data.")
@click.option("--reemit", is_flag=True, help="Have the next dbt run send again what differs.")
@state_option
@output_option
def command(
    options: DbtOptions,
    sync: str | None,
    sample: int,
    seed: int | None,
    wait: float,
    share: float,
    show: bool,  # noqa: FBT001 (click gives them by name)
    reemit: bool,  # noqa: FBT001
    state: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Read profiles back from Braze and compare them with what was sent.

    The users are drawn at random from what the destination has acknowledged. The key needs the permission
    users.export.ids.

    Exit codes: 0 all that can be compared is equal; 1 something differs.
    """
    stop = Stop()
    seed = random.randrange(_SEEDS) if seed is None else seed  # noqa: S311 (not a secret)
    settings = VerifySettings(seed, sample, sync, wait=wait, share=share, show=show, state_file=state)
    with stopping_on_signals(stop):
        try:
            report = verify(options, read_config(os.environ), settings, stop=stop)
        except StoppedError:
            if stop.signal is None:
                raise
    if stop.signal is not None:
        raise SignalError(stop.signal)
    commands = [DbtCommand.of(each, options) for each in report.commands]
    if not as_json:
        _print(report, commands, reemit=reemit)
    if reemit:
        _run(commands, as_json=as_json)
    if as_json:
        print_json(report.as_dict() | {"reemit": [_written(each) for each in commands]})
    sys.exit(report.exit_code)


def _print(report: Report, commands: list[DbtCommand], *, reemit: bool) -> None:
    click.echo(f"{report.sync} at {report.destination}: {report.sampled:,} users, --seed {report.seed}")
    click.echo(f"{report.compared:,} users compared, of whom {report.differing_users:,} differ.")
    if report.missing:
        click.echo(f"{report.missing:,} of them are not in Braze.")
    for reason, number in report.left_out.items():
        click.echo(f"{number:,} users {_LEFT_OUT[reason]}: not compared.")
    total = sum(report.count(verdict) for verdict in VERDICTS)
    counts = ", ".join(f"{report.count(verdict):,} {verdict}" for verdict in VERDICTS)
    click.echo(f"{total:,} attributes: {counts}.")
    wrong = {name: counts for name, counts in report.attributes.items() if counts["different"]}
    if wrong:
        rows = [(name, *(f"{wrong[name][verdict]:,}" for verdict in VERDICTS)) for name in sorted(wrong)]
        print_table(("attribute", *VERDICTS), rows)
    for each in report.shown:
        click.echo(f"{each['user']} {each['name']}: expected {each['expected']!r}, found {each['actual']!r}")
    if commands and not reemit:
        click.echo("To have the next dbt run send what differs again:")
        for command in commands:
            click.echo(_written(command))


def _written(command: DbtCommand) -> str:
    """Return a command line for a shell."""
    return shlex.join(["dbt", *command.arguments])


def _run(commands: list[DbtCommand], *, as_json: bool) -> None:
    for each in commands:
        stop = Stop()
        code = each.run(stop, output_to_stderr=as_json)
        if stop.signal is not None:
            raise SignalError(stop.signal)
        if code:
            raise StoppedError(f"dbt ended with exit code {code}, so nothing is sent again.")
    if commands:
        click.echo("Run dbt, then braze-runner push, to send them.", err=as_json)
