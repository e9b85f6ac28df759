"""``braze-runner push``."""

import os
import sys
from dataclasses import replace

import click
import orjson
from rich.console import Console

from braze_runner.cli.options import dbt_options, output_option, selection_options
from braze_runner.cli.output import print_json
from braze_runner.cli.push_options import notify_option, push_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import BrazeConfig, read_config, read_destination
from braze_runner.engine import Observer, PushSettings, Summary, push
from braze_runner.engine.preview import preview
from braze_runner.errors import BrazeRunnerError
from braze_runner.notify import Notification, Notifier
from braze_runner.progress import observer_for, report_summary
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
@notify_option
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
        _show(options, settings, objects, as_json=as_json)
        return
    notifier, observer = Notifier.of_option(notify, os.environ), observer_for(console)
    config: BrazeConfig | None = None
    try:
        config = read_config(os.environ)
        with stopping_on_signals(stop):
            summary = push(options, config, settings, observer, stop=stop)
    except BrazeRunnerError as exc:
        _notify(notifier, observer, config, Summary(error=str(exc)), exc.exit_code)
        raise
    report_summary(summary, console, "Push", as_json=as_json)
    if summary.error:
        _notify(notifier, observer, config, summary, summary.exit_code)
    sys.exit(summary.exit_code)


def _show(options: DbtOptions, settings: PushSettings, objects: int, *, as_json: bool) -> None:
    observer = observer_for(Console(stderr=True))
    requests = preview(options, read_destination(os.environ), settings, objects, observer)
    if as_json:
        bodies = [shown._asdict() | {"body": orjson.Fragment(shown.body)} for shown in requests]
        print_json({"requests": bodies})
        return
    for shown in requests:
        click.echo(f"# {shown.sync}: {shown.method} {shown.path}")
        click.echo(shown.body)


def _notify(
    notifier: Notifier | None,
    observer: Observer,
    config: BrazeConfig | None,
    summary: Summary,
    exit_code: int,
) -> None:
    if notifier is None:
        return
    problem = notifier.send(
        Notification(
            summary.run_id,
            config.destination if config else "",
            list(summary.by_sync),
            summary.error or "",
            summary.counts.as_dict(),
            exit_code,
        )
    )
    if problem:
        observer.message(problem)
