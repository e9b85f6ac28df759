"""``braze-runner run``: dbt, then a push of what succeeded in it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console

from braze_runner.cli.options import dbt_options, output_option
from braze_runner.cli.output import print_json
from braze_runner.cli.push_options import notify_option, push_options
from braze_runner.cli.signals import stopping_on_signals
from braze_runner.client import Stop
from braze_runner.config import BrazeConfig, read_config
from braze_runner.dbt_runs import DbtCloud, DbtCommand
from braze_runner.engine import Observer, PushSettings, Summary, push
from braze_runner.errors import BrazeRunnerError, StoppedError
from braze_runner.gate import Verdict, gate, has_failed
from braze_runner.notify import Notification, Notifier
from braze_runner.progress import observer_for, print_summary
from braze_runner.project import project_from, read_artifact, read_manifest
from braze_runner.warehouse import DbtOptions


@dataclass
class _Run:
    """What one command knows by its end; ``code`` is dbt's own exit code, ``failure`` a sentence if dbt failed."""

    console: Console
    observer: Observer
    stop: Stop
    config: BrazeConfig | None = None
    code: int | None = None
    failure: str | None = None
    verdicts: Sequence[Verdict] = ()
    summary: Summary | None = None

    @property
    def id(self) -> str:
        """Return the id that the push has in the state; empty when nothing was pushed."""
        return self.summary.run_id if self.summary else ""

    @property
    def exit_code(self) -> int:
        """Return the push's exit code, or 1 for a failure of dbt alone."""
        if self.stop.signal is not None:
            return 128 + self.stop.signal
        return (self.summary.exit_code if self.summary else 0) or (1 if self.failure else 0)

    @property
    def error(self) -> str | None:
        """Say what went wrong with the run as a whole."""
        if self.stop.signal is not None:
            return None
        pushed = self.summary.error if self.summary else None
        return pushed or self.failure


@click.command("run")
@dbt_options
@click.option("--dbt", "program", metavar="PROGRAM", help="The dbt to run.  [default: the one on PATH]")
@click.option(
    "--dbt-cloud-run", type=click.IntRange(1), metavar="ID", help="Take this run of a dbt Cloud job instead."
)
@click.option(
    "--dbt-cloud-step", type=click.IntRange(1), metavar="N", help="The step of that run.  [default: its last]"
)
@push_options
@notify_option
@output_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- DBT ARGUMENTS]")
def command(
    options: DbtOptions,
    settings: PushSettings,
    arguments: tuple[str, ...],
    program: str | None,
    dbt_cloud_run: int | None,
    dbt_cloud_step: int | None,
    notify: str | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Run dbt, then push the syncs whose model and tests succeeded in that invocation.

    braze-runner run -- build --select +users_attributes_sync

    Project, profile and target may stand before or after the two dashes: both sides get them. With
    --dbt-cloud-run the artifacts of a dbt Cloud job run decide; DBT_CLOUD_API_TOKEN, DBT_CLOUD_ACCOUNT_ID and
    DBT_CLOUD_HOST say where they are. If dbt fails, what succeeded is pushed all the same, and the exit code is 1.
    """
    if bool(arguments) == bool(dbt_cloud_run):
        raise click.UsageError("Give either dbt's arguments after --, or --dbt-cloud-run.")
    if dbt_cloud_step and not dbt_cloud_run:
        raise click.UsageError("--dbt-cloud-step is of a --dbt-cloud-run.")
    notifier, console = Notifier.of_option(notify, os.environ), Console(stderr=as_json)
    run = _Run(console, observer_for(console), Stop())
    try:
        config = run.config = read_config(os.environ)
        if dbt_cloud_run:
            _after_dbt_cloud(run, config, options, settings, dbt_cloud_run, dbt_cloud_step)
        else:
            _after_dbt(run, config, DbtCommand.of(arguments, options, program), settings, as_json=as_json)
    except BrazeRunnerError as exc:
        if run.stop.signal is None:
            _notify(run, notifier, str(exc), exc.exit_code)
            raise
        _say(run, str(exc))
    if run.error:
        _notify(run, notifier, run.error, run.exit_code)
    if as_json:
        print_json(_result(run))
    sys.exit(run.exit_code)


def _after_dbt(
    run: _Run, config: BrazeConfig, dbt: DbtCommand, settings: PushSettings, *, as_json: bool
) -> None:
    """Run dbt, and push by what it wrote."""
    run.code = dbt.run(run.stop, output_to_stderr=as_json)
    run.failure = f"dbt ended with exit code {run.code}." if run.code else None
    if run.stop.signal is not None:
        raise StoppedError("dbt was stopped: nothing is pushed.")
    _push(run, config, dbt.options, settings, dbt.target)


def _after_dbt_cloud(
    run: _Run,
    config: BrazeConfig,
    options: DbtOptions,
    settings: PushSettings,
    number: int,
    step: int | None,
) -> None:
    """Push by the artifacts of a dbt Cloud run; the local target folder does not count."""
    cloud = DbtCloud.read(os.environ)
    with TemporaryDirectory(prefix="braze_runner_") as name:
        folder = Path(name)
        with stopping_on_signals(run.stop):
            cloud.download(number, folder, run.stop, step)
        if has_failed(read_artifact(folder / "run_results.json")):
            run.failure = f"dbt failed in the run {number} of dbt Cloud."
        _push(run, config, options, settings, folder)


def _push(run: _Run, config: BrazeConfig, options: DbtOptions, settings: PushSettings, target: Path) -> None:
    """Push what the artifacts in a target folder vouch for, and say of each sync why or why not."""
    manifest, results = read_manifest(target), read_artifact(target / "run_results.json")
    project = project_from(manifest)
    run.verdicts = gate(manifest, results, project.syncs)
    for verdict in run.verdicts:
        words = "is pushed" if verdict.passed else "is not pushed"
        _say(run, f"{verdict.sync.name} {words}: {verdict.reason}.")
    passed = tuple(verdict.sync.unique_id for verdict in run.verdicts if verdict.passed)
    if passed:
        with stopping_on_signals(run.stop):
            run.summary = push(
                options,
                config,
                replace(settings, select=passed),
                run.observer,
                stop=run.stop,
                project=project,
            )
        print_summary(run.summary, run.console)
    else:
        _say(run, "Nothing is pushed.")
    if run.failure:
        _say(run, run.failure)


def _say(run: _Run, text: str) -> None:
    run.observer.message(text)


def _notify(run: _Run, notifier: Notifier | None, error: str, exit_code: int) -> None:
    if notifier is None:
        return
    names = [verdict.sync.name for verdict in run.verdicts if verdict.passed]
    counts = run.summary.counts.as_dict() if run.summary else {}
    problem = notifier.send(
        Notification(run.id, run.config.destination if run.config else "", names, error, counts, exit_code)
    )
    if problem:
        _say(run, problem)


def _result(run: _Run) -> dict[str, Any]:
    """Return what ``--output json`` prints."""
    return {
        "dbt_exit_code": run.code,
        "syncs": [
            {
                "name": verdict.sync.name,
                "unique_id": verdict.sync.unique_id,
                "passed": verdict.passed,
                "reason": verdict.reason,
            }
            for verdict in run.verdicts
        ],
        "push": run.summary.as_dict() if run.summary else None,
        "error": run.error,
        "exit_code": run.exit_code,
    }
