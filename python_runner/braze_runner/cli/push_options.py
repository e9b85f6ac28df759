"""Options on how hard to push, which every command that pushes has."""

import functools
from collections.abc import Callable
from typing import Any

import click

from braze_runner.engine import PushSettings
from braze_runner.engine.push import MAX_WORKERS

_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        default=PushSettings.workers,
        show_default=True,
        help="Requests under way at once.",
    ),
    click.option(
        "--order-gap",
        type=click.FloatRange(min=0),
        help="Seconds between two pending batches of a sync.  [default: 5, on loopback 0]",
    ),
)


def push_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options on how to push, which the command gets as ``settings: PushSettings``."""

    @functools.wraps(command)
    def with_settings(workers: int, order_gap: float | None, **others: Any) -> Any:
        return command(settings=PushSettings(workers=workers, order_gap=order_gap), **others)

    decorated: Callable[..., Any] = with_settings
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
