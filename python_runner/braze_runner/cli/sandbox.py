"""``braze-runner sandbox``: serve a local Braze until it is stopped."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click

from braze_runner.sandbox.cdi import CdiSync
from braze_runner.sandbox.cdi.project import syncs_of
from braze_runner.sandbox.faults import Fault
from braze_runner.sandbox.server import serve
from braze_runner.sandbox.settings import Settings

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}
_TYPES = get_type_hints(Settings)
_SECONDS = click.FloatRange(min=0)
_COUNT = click.IntRange(min=1)


def _option(name: str, text: str, kind: Any = None, **more: Any) -> Callable[[Any], Any]:
    """Make the option of one field of ``Settings``, with its default; a switch also has its values from there."""
    values = click.Choice(get_args(_TYPES[name])) if kind is None else kind
    flag = "--" + name.replace("_", "-")
    return click.option(flag, type=values, default=_DEFAULTS[name], show_default=True, help=text, **more)


@click.command()
@_option("port", "0: any free.", click.IntRange(0, 65_535))
@_option("host", "Another than loopback needs --api-key.", str)
@_option(
    "db",
    "SQLite file with the profiles; made if missing.",
    click.Path(dir_okay=False, path_type=Path),
)
@_option("api_key", "Key that every request must carry.", str)
@_option(
    "lag",
    "Apply what is accepted after a random time up to this; 0: before the answer.",
    _SECONDS,
    metavar="SECONDS",
)
@click.option("--seed", type=int, help="Draw the random times, and which requests are faulted, from this.")
@click.option(
    "--fault",
    multiple=True,
    metavar="KIND[:SHARE][,NAME=VALUE]",
    help="Let a share of the requests go wrong, such as reset_after:0.05; repeatable.",
)
@click.option(
    "--warehouse",
    type=click.Path(dir_okay=False, path_type=Path),
    help="DuckDB file whose sync tables Cloud Data Ingestion reads, from a copy.",
)
@click.option(
    "--cdi",
    multiple=True,
    metavar="TYPE:TABLE[,NAME=VALUE]",
    help="A sync of Cloud Data Ingestion, such as attributes:braze.users_attributes; repeatable.",
)
@click.option(
    "--cdi-project",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of a dbt project: its models with deliver: cdi are such syncs.",
)
@_option("cdi_seconds", "How long a run of such a sync waits before it reads.", _SECONDS, metavar="SECONDS")
@_option(
    "cdi_boundary", "Whether a run takes the rows at the last stamp again: only if there are more, or always."
)
@_option("cdi_max_rows", "New rows that one run takes.", _COUNT)
@_option("long_strings", "Strings over 255 characters.")
@_option("array_overflow", "An array that would pass 500 values: ignore the update, or drop from the front.")
@_option(
    "alias_events",
    "Events and purchases of an alias that is unknown, sent with _update_existing_only false.",
)
@_option(
    "limits",
    "Rate limits of a contract by data points or by monthly active users; off: told, not enforced.",
)
@_option("mau_hourly", "Requests an hour to /users/track with --limits mau.", _COUNT)
@_option("mau_burst", "Requests in 3 seconds to /users/track with --limits mau.", _COUNT)
@_option("export_limit", "Allowance of /users/export/ids, of accounts since August 2024 or from before.")
@_option(
    "refusal_headers",
    "What a 429 carries: x-ratelimit-retry-after alone, or the three headers of every answer.",
)
@_option("track_limit", "75 objects a request in total, or in each array.")
@_option("reset_header", "What x-ratelimit-reset holds.")
@click.option("--track-bulk", is_flag=True, help="Serve /users/track/bulk, a limited beta.")
@click.option("--track-sync", is_flag=True, help="Serve /users/track/sync, a limited beta.")
@click.option(
    "--attribute-type",
    multiple=True,
    metavar="NAME=TYPE",
    help="A custom attribute whose type is forced, such as vip=boolean; repeatable.",
)
@click.option(
    "--app-id", multiple=True, metavar="ID", help="An app of the workspace, for push tokens; default: any."
)
@_option("mixed_deletes", "A deletion that names users in several ways.")
@click.option(
    "--permission",
    multiple=True,
    metavar="NAME",
    help="What the key may do, such as users.track; default: all.",
)
@click.option("--require-export-fields", is_flag=True, help="Refuse an export without fields_to_export.")
@click.option(
    "--block-external-id", multiple=True, metavar="ID", help="An external_id that Braze blocks; repeatable."
)
def command(
    fault: tuple[str, ...],
    cdi: tuple[str, ...],
    cdi_project: Path | None,
    permission: tuple[str, ...],
    attribute_type: tuple[str, ...],
    app_id: tuple[str, ...],
    block_external_id: tuple[str, ...],
    **options: object,
) -> None:
    """Serve a local Braze: its REST API over profiles in a SQLite file, until Ctrl-C.

    Where Braze's documentation leaves a behaviour open, an option chooses it.
    """
    syncs = tuple(map(CdiSync.parse, cdi))
    settings = Settings(
        faults=tuple(map(Fault.parse, fault)),
        cdi_syncs=syncs + (syncs_of(cdi_project) if cdi_project else ()),
        permissions=frozenset(permission) or None,
        attribute_types=dict(text.rpartition("=")[::2] for text in attribute_type),
        app_ids=frozenset(app_id),
        blocked_external_ids=frozenset(block_external_id),
        **options,  # type: ignore[arg-type]
    )
    serve(settings, lambda url: click.echo(_ready(url, settings)))


def _ready(url: str, settings: Settings) -> str:
    key = shlex.quote(settings.api_key)
    return (
        f"The local Braze answers on {url}, key '{settings.api_key}'; its profiles are in {settings.db}.\n"
        f"export BRAZE_REST_ENDPOINT={url} BRAZE_API_KEY={key} BRAZE_DESTINATION=sandbox"
    )
