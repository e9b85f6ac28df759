"""``braze-runner cdi``: Braze's own readers of sync tables."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict

import click

from braze_runner.cdi import Arrival, CdiClient, FollowSettings, Integration, Job, SyncTable, follow
from braze_runner.cdi.arrival import find_cdi_sync
from braze_runner.cdi.client import PAGE_JOBS
from braze_runner.cdi.follow import TIMEOUT_SECONDS
from braze_runner.cli.options import dbt_options, output_option
from braze_runner.cli.output import print_json, print_table
from braze_runner.cli.signals import SignalError, stopping_on_signals
from braze_runner.client import RetryPolicy, Stop, braze_transport
from braze_runner.client.api import RATE_LIMITED, Api
from braze_runner.config import read_config
from braze_runner.errors import StoppedError
from braze_runner.project import read_project
from braze_runner.warehouse import DbtOptions, connect

_MODEL = click.option(
    "--model", metavar="MODEL", help="The sync model that it reads: says whether all its rows have arrived."
)


@click.group("cdi")
def command() -> None:
    """List, trigger and follow the syncs that Braze reads itself (Cloud Data Ingestion).

    BRAZE_REST_ENDPOINT and BRAZE_API_KEY say where; the key needs the permissions cdi.integration_list,
    cdi.integration_sync and cdi.integration_job_status.
    """


@command.command("list")
@output_option
def list_integrations(as_json: bool) -> None:  # noqa: FBT001 (click gives it by name)
    """List the integrations of the workspace."""
    with _client(Stop()) as client:
        integrations = client.integrations()
    if as_json:
        print_json({"integrations": [asdict(each) for each in integrations]})
    elif not integrations:
        click.echo("There are no integrations in this workspace.")
    else:
        rows = [
            (
                each.name,
                each.id,
                each.type,
                each.status,
                f"{each.last_job_start_time} {each.last_job_status}".strip(),
                each.next_scheduled_run,
            )
            for each in integrations
        ]
        print_table(("name", "id", "type", "status", "last job", "next run"), rows)


@command.command("status")
@click.argument("integration", metavar="NAME_OR_ID")
@click.option(
    "--jobs", type=click.IntRange(1, 100), default=PAGE_JOBS, show_default=True, help="Jobs to show."
)
@_MODEL
@output_option
@dbt_options
def status(options: DbtOptions, integration: str, jobs: int, model: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show the last jobs of an integration, newest first; the exit code is the newest one's, as of `sync`."""
    with _client(Stop()) as client, _table(options, model) as table:
        found = client.find(integration)
        shown = client.jobs(found, jobs)
        arrival = table.arrival(shown) if table else None
    _report(found, shown, arrival, as_json=as_json)


@command.command("sync")
@click.argument("integration", metavar="NAME_OR_ID")
@_MODEL
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the job to its end.")
@click.option(
    "--again/--no-again",
    default=True,
    show_default=True,
    help="After a job that was in progress already, trigger one more: it may have begun before your rows were there.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=TIMEOUT_SECONDS,
    show_default=True,
    help="Seconds after which to stop waiting.",
)
@click.option(
    "--poll",
    type=click.FloatRange(min=0),
    default=FollowSettings.poll,
    show_default=True,
    help="Seconds between two looks.",
)
@output_option
@dbt_options
def sync(
    options: DbtOptions,
    integration: str,
    model: str | None,
    wait: bool,  # noqa: FBT001 (click gives them by name)
    again: bool,  # noqa: FBT001
    timeout: float,
    poll: float,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Trigger an integration and follow its job to the end.

    Exit codes: 0 success; 1 partial, or rows of the model that have not arrived; 2 config_error; 3 error, or out
    of time.
    """
    stop = Stop()
    with _client(stop) as client, _table(options, model if wait else None) as table:
        found = client.find(integration)
        if not wait:
            _trigger(client, found, as_json=as_json)
        # Rows that dbt adds while the job runs are the next job's.
        until = table.newest() if table else None
        say: Callable[[str], None] = lambda text: click.echo(text, err=as_json)  # noqa: E731
        with stopping_on_signals(stop):
            try:
                job = follow(client, found, FollowSettings(again, timeout, poll), stop, say)
            except StoppedError as exc:
                if stop.signal is None:
                    raise
                raise SignalError(stop.signal, str(exc)) from exc
        arrival = table.arrival([job, *client.jobs(found)], until) if table else None
    _report(found, [job], arrival, as_json=as_json)


def _trigger(client: CdiClient, integration: Integration, *, as_json: bool) -> None:
    """Trigger and leave it at that; ends the process."""
    reply = client.trigger(integration)
    triggered = reply.status != RATE_LIMITED
    if as_json:
        print_json({"integration": asdict(integration), "triggered": triggered, "message": reply.message})
    elif triggered:
        click.echo(f"{integration.name}: triggered.")
    else:
        click.echo(f"{integration.name}: not triggered: {reply.message or 'Braze answered 429'}.")
    sys.exit(0 if triggered else 1)


def _report(integration: Integration, jobs: list[Job], arrival: Arrival | None, *, as_json: bool) -> None:
    """Print the jobs and what has arrived; ends the process with the newest job's exit code."""
    ended = jobs[0].exit_code if jobs and not jobs[0].is_running else 0
    code = ended or (1 if arrival and not arrival.is_complete else 0)
    if as_json:
        known = asdict(arrival) | {"complete": arrival.is_complete} if arrival else None
        shown = [asdict(job) for job in jobs]
        print_json({"integration": asdict(integration), "jobs": shown, "arrival": known, "exit_code": code})
    else:
        names = ("status", "started", "finished", "rows synced", "rows failed", "synced to")
        rows = [
            (
                job.status,
                job.sync_start_time,
                job.sync_finish_time,
                f"{job.rows_synced:,}",
                f"{job.rows_failed:,}",
                job.last_timestamp_synced,
            )
            for job in jobs
        ]
        print_table(names, rows)
        if arrival:
            click.echo(arrival.sentence)
    sys.exit(code)


@contextmanager
def _client(stop: Stop) -> Iterator[CdiClient]:
    with closing(Api(braze_transport(read_config(os.environ)), stop, RetryPolicy())) as api:
        yield CdiClient(api)


@contextmanager
def _table(options: DbtOptions, model: str | None) -> Iterator[SyncTable | None]:
    if model is None:
        yield None
        return
    sync = find_cdi_sync(read_project(options), model)
    with closing(connect(options, must_exist=True)) as warehouse:
        yield SyncTable(warehouse, sync)
