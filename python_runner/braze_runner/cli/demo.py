"""``braze-runner demo``."""

from pathlib import Path

import click
from rich.console import Console

from braze_runner.demo.settings import DemoSettings
from braze_runner.extras import require_extra


@click.command("demo")
@click.option(
    "--project-dir",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="The demo's dbt project; its folder data is written anew.",
)
@click.option(
    "--users", type=click.IntRange(min=100), default=DemoSettings.users, show_default=True, help="Customers."
)
@click.option(
    "--events",
    type=click.IntRange(min=1000),
    default=DemoSettings.events,
    show_default=True,
    help="Events, about.",
)
@click.option(
    "--seed",
    type=int,
    default=DemoSettings.seed,
    show_default=True,
    help="The same seed makes the same data.",
)
def command(project_dir: Path, users: int, events: int, seed: int) -> None:
    """Run the whole job on made-up data, on DuckDB and the local Braze, and check the result."""
    require_extra("demo", "The demo")
    from braze_runner.demo.run import run_demo  # noqa: PLC0415 (needs the extra)

    run_demo(project_dir, DemoSettings(users, events, seed), Console())
