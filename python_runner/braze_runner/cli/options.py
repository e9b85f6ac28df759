"""Options that several commands share and that mean what they mean in dbt."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from braze_runner.cli.output import print_json
from braze_runner.errors import BrazeRunnerError
from braze_runner.plan.endpoints import TRACKS
from braze_runner.warehouse import DbtOptions

_FOLDER = click.Path(file_okay=False, path_type=Path)
_OPTIONS = (
    click.option("--project-dir", type=_FOLDER, help="Folder of dbt_project.yml."),
    click.option("--profiles-dir", type=_FOLDER, help="Folder of profiles.yml."),
    click.option("--profile", help="Profile to use, instead of the project's."),
    click.option("--target", "-t", help="Target of the profile to use."),
    click.option("--target-path", type=_FOLDER, help="Folder that dbt writes its artifacts to."),
    click.option("--vars", help="Variables, as YAML, for a profile that asks for some."),
)


def dbt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add dbt's options to a command, which gets them as ``options: DbtOptions``."""

    @functools.wraps(command)
    def with_options(
        project_dir: Path | None,
        profiles_dir: Path | None,
        profile: str | None,
        target: str | None,
        target_path: Path | None,
        vars: str | None,  # noqa: A002 (click gives it by dbt's name)
        **others: Any,
    ) -> Any:
        options = DbtOptions(project_dir, profiles_dir, profile, target, target_path, vars)
        return command(options=options, **others)

    decorated: Callable[..., Any] = with_options
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--output``, which the command gets as ``as_json: bool``: one JSON object, its words on stderr.

    What ends the command early is such an object too.
    """

    @functools.wraps(command)
    def with_output(output: str, **others: Any) -> Any:
        as_json = output == "json"
        try:
            return command(as_json=as_json, **others)
        except (BrazeRunnerError, click.ClickException) as exc:
            if as_json:
                print_json({"error": str(exc), "exit_code": exc.exit_code})
            raise

    choice = click.Choice(["text", "json"])
    option = click.option(
        "--output", type=choice, default="text", show_default=True, help="How to print results."
    )
    decorated: Callable[..., Any] = option(with_output)
    return decorated


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--select`` and ``--exclude``, which the command gets as tuples of names."""
    select = click.option(
        "--select", "-s", multiple=True, metavar="NAME", help="Model or unique_id, * for any; repeatable."
    )
    exclude = click.option(
        "--exclude", multiple=True, metavar="NAME", help="Model or unique_id to leave out; repeatable."
    )
    return select(exclude(command))


class StateFile(click.ParamType):  # type: ignore[type-arg] # click 8.1 takes none
    """``file:PATH``: the state in a file, in place of the warehouse."""

    name = "file:PATH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        if isinstance(value, Path):
            return value
        scheme, _, path = str(value).partition(":")
        if scheme != "file" or not path:
            self.fail(f"{value!r} is not file:PATH.", param, ctx)
        return Path(path)


def track_limit_option(help_: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``--track-limit``, whose names are those of ``TrackLimit``."""
    choice = click.Choice(tuple(TRACKS))
    return click.option("--track-limit", type=choice, default="total", show_default=True, help=help_)


state_option = click.option(
    "--state",
    type=StateFile(),
    metavar="file:PATH",
    help="Keep the state in this file, for credentials that may only read the warehouse.",
)
