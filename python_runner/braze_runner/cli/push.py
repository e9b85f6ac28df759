"""``braze-runner push``."""

import os
import sys
from dataclasses import replace

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options, output_option, selection_options
from braze_runner.cli.push_options import push_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import BrazeConfig, read_config, read_destination
from braze_runner.engine import PushSettings, Summary, push
from braze_runner.engine.preview import preview
from braze_runner.errors import BrazeRunnerError
from braze_runner.notify import Notification, Notifier
from braze_runner.progress import LineObserver, observer_for, report_summary
from braze_runner.warehouse import DbtOptions


@click.command("push")
@dbt_options
@selection_options
@click.option("--dry-run", is_flag=True, help="Read, check and count everything; send and record nothing.")
@click.option(
    "--preview",
    "objects",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show the first N objects of each sync as they would be sent, values and all; send nothing.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Send N rows of each sync at most and record nothing, so they stay pending. Not for events and purchases.",
)
@push_options
@click.option("--notify", metavar="URL", help="Where to post a small JSON when the run fails.")
@output_option
def command(
    options: DbtOptions,
    settings: PushSettings,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001 (click gives it by name)
    objects: int | None,
    limit: int | None,
    notify: str | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Push what the sync tables hold and Braze does not have yet.

    BRAZE_REST_ENDPOINT and BRAZE_API_KEY say where to; BRAZE_DESTINATION names the destination when there are
    several. BRAZE_ALLOWED_HOST allows a host that is not one of Braze's. The rest is dbt's: project, profile
    and target.
    """
    console, stop = Console(stderr=as_json), Stop()
    settings = replace(settings, select=select, exclude=exclude, dry_run=dry_run, limit=limit)
    if objects is not None:
        _show(options, settings, objects, console)
        return
    config = read_config(os.environ)
    notifier = Notifier.read(notify, [config.key]) if notify else None
    try:
        with stopping_on_signals(stop):
            summary = push(options, config, settings, observer_for(console), stop=stop)
    except BrazeRunnerError as exc:
        _notify(notifier, console, config, Summary(error=str(exc)), exc.exit_code)
        raise
    report_summary(summary, console, "Push", as_json=as_json)
    if summary.error:
        _notify(notifier, console, config, summary, summary.exit_code)
    sys.exit(summary.exit_code)


def _show(options: DbtOptions, settings: PushSettings, objects: int, console: Console) -> None:
    observer = LineObserver(Console(stderr=True))
    for shown in preview(options, read_destination(os.environ), settings, objects, observer):
        console.print(
            f"# {shown.sync}: {shown.method} {shown.path}", highlight=False, markup=False, soft_wrap=True
        )
        click.echo(shown.body)


def _notify(
    notifier: Notifier | None, console: Console, config: BrazeConfig, summary: Summary, exit_code: int
) -> None:
    if notifier is None:
        return
    problem = notifier.send(
        Notification(
            summary.run_id,
            config.destination,
            list(summary.by_sync),
            summary.error or "",
            summary.counts.as_dict(),
            exit_code,
        )
    )
    if problem:
        console.print(problem, highlight=False, markup=False, soft_wrap=True)
