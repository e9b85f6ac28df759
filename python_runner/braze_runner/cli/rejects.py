"""Which rejects a command is about: options that ``failures``, ``retry`` and ``resolve`` share."""

import functools
from collections.abc import Callable
from typing import Any

import click

from braze_runner.engine.repair import Chosen
from braze_runner.state import OpenReject

_OPTIONS = (
    click.option(
        "--select", "-s", multiple=True, metavar="NAME", help="Model or unique_id, * for any; repeatable."
    ),
    click.option(
        "--reason", multiple=True, metavar="REASON", help="Rejects with this reason alone; repeatable."
    ),
    click.option(
        "--row",
        multiple=True,
        metavar="BRAZE_ROW",
        help="The reject of this row alone, or its beginning; repeatable.",
    ),
)


def reject_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, which the command gets as ``select`` and ``chosen: Chosen``."""

    @functools.wraps(command)
    def with_choice(reason: tuple[str, ...], row: tuple[str, ...], **others: Any) -> Any:
        return command(chosen=chooser(reason, row), **others)

    decorated: Callable[..., Any] = with_choice
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def chooser(reasons: tuple[str, ...], rows: tuple[str, ...]) -> Chosen:
    """Return what holds for rejects of these reasons and rows; empty is any."""

    def chosen(reject: OpenReject) -> bool:
        fits = not rows or any(reject.braze_row.startswith(row) for row in rows)
        return fits and (not reasons or reject.reason in reasons)

    return chosen
