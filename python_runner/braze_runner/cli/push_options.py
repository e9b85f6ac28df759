"""Options on what to push and how hard, which every command that pushes has."""

import datetime as dt
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from braze_runner.cli.options import state_option, track_limit_option
from braze_runner.engine import PushSettings
from braze_runner.engine.deletions import DeletionGuard
from braze_runner.engine.settings import MAX_WORKERS

_GUARD = DeletionGuard()
_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        default=MAX_WORKERS,
        show_default=True,
        help="Requests under way at once, at most; how many there are follows the latency of Braze's answers.",
    ),
    click.option(
        "--share",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Part of Braze's rate limits to use; the rest is left to others, such as Cloud Data Ingestion.",
    ),
    track_limit_option(
        "75 objects a request in total, 75 in each array (legacy plans), or /users/track/bulk (a limited beta)."
    ),
    click.option(
        "--order-gap",
        type=click.FloatRange(min=0),
        help="Seconds before rows that must come after others.  [default: 5, on loopback 0]",
    ),
    click.option(
        "--unknown",
        type=click.Choice(["hold", "resend"]),
        default="hold",
        show_default=True,
        help="Events, purchases and operators that may have arrived: put them aside, or send them again.",
    ),
    click.option(
        "--currents-hours",
        type=click.FloatRange(min=0),
        default=24,
        show_default=True,
        help="Hours until Currents holds what arrived; what it does not hold then is sent again.",
    ),
    click.option(
        "--on-invalid",
        type=click.Choice(["reject", "stop"]),
        help="At a row that can't be sent: reject it and go on, or stop.  [default: as the model says, else reject]",
    ),
    click.option(
        "--max-deletes",
        type=click.IntRange(min=0),
        default=_GUARD.most,
        show_default=True,
        help="Users that one run may delete; above it none is deleted.",
    ),
    click.option(
        "--max-delete-share",
        type=click.FloatRange(0, 1),
        default=_GUARD.share,
        show_default=True,
        help=f"The same as a share of the users that the attribute syncs know, above {_GUARD.share_from} deletions.",
    ),
    click.option(
        "--max-data-points", type=click.IntRange(min=0), metavar="N", help="End the run before it costs more."
    ),
    state_option,
)


notify_option = click.option("--notify", metavar="URL", help="Where to post a small JSON when the run fails.")


def push_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options on how to push, which the command gets as ``settings: PushSettings``."""

    @functools.wraps(command)
    def with_settings(
        max_deletes: int, max_delete_share: float, currents_hours: float, state: Path | None, **others: Any
    ) -> Any:
        names = ("workers", "share", "track_limit", "order_gap", "unknown", "on_invalid", "max_data_points")
        chosen = {name: others.pop(name) for name in names}
        guard = DeletionGuard(max_deletes, max_delete_share, _GUARD.share_from)
        wait = dt.timedelta(hours=currents_hours)
        settings = PushSettings(**chosen, guard=guard, currents_wait=wait, state_file=state)
        return command(settings=settings, **others)

    decorated: Callable[..., Any] = with_settings
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
