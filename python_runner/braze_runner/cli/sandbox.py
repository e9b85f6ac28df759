"""``braze-runner sandbox``: serve a local Braze until it is stopped."""

from pathlib import Path

import click

from braze_runner.sandbox.cdi import CdiSync
from braze_runner.sandbox.cdi.project import syncs_of
from braze_runner.sandbox.faults import Fault
from braze_runner.sandbox.rules import CDI_ROWS
from braze_runner.sandbox.server import serve
from braze_runner.sandbox.settings import (
    DEFAULT_API_KEY,
    DEFAULT_DATABASE,
    DEFAULT_HOST,
    DEFAULT_PORT,
    Settings,
)


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True, help="0: any free."
)
@click.option(
    "--host", default=DEFAULT_HOST, show_default=True, help="Another than loopback needs --api-key."
)
@click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_DATABASE,
    show_default=True,
    help="SQLite file with the profiles; made if missing.",
)
@click.option(
    "--api-key", default=DEFAULT_API_KEY, show_default=True, help="Key that every request must carry."
)
@click.option(
    "--lag",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Apply what is accepted after a random time up to this; 0: before the answer.",
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
@click.option(
    "--cdi-seconds",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long a run of such a sync waits before it reads.",
)
@click.option(
    "--cdi-boundary",
    type=click.Choice(["exclusive", "inclusive"]),
    default="exclusive",
    show_default=True,
    help="Whether a run takes the rows at the last stamp again: only if there are more, or always.",
)
@click.option(
    "--cdi-max-rows",
    type=click.IntRange(min=1),
    default=CDI_ROWS,
    show_default=True,
    help="New rows that one run takes.",
)
@click.option(
    "--long-strings",
    type=click.Choice(["keep", "truncate", "drop"]),
    default="keep",
    show_default=True,
    help="Strings over 255 characters.",
)
@click.option(
    "--array-overflow",
    type=click.Choice(["ignore", "drop-oldest"]),
    default="ignore",
    show_default=True,
    help="An array that would pass 500 values: ignore the update, or drop from the front.",
)
@click.option(
    "--alias-events",
    type=click.Choice(["update-only", "create"]),
    default="update-only",
    show_default=True,
    help="Events and purchases of an alias that is unknown, sent with _update_existing_only false.",
)
@click.option(
    "--limits",
    type=click.Choice(["data-points", "mau", "off"]),
    default="data-points",
    show_default=True,
    help="Rate limits of a contract by data points or by monthly active users; off: told, not enforced.",
)
@click.option(
    "--mau-hourly",
    type=click.IntRange(min=1),
    default=500_000,
    show_default=True,
    help="Requests an hour to /users/track with --limits mau.",
)
@click.option(
    "--mau-burst",
    type=click.IntRange(min=1),
    default=750,
    show_default=True,
    help="Requests in 3 seconds to /users/track with --limits mau.",
)
@click.option(
    "--export-limit",
    type=click.Choice(["new", "old"]),
    default="new",
    show_default=True,
    help="Allowance of /users/export/ids, of accounts since August 2024 or from before.",
)
@click.option(
    "--refusal-headers",
    type=click.Choice(["retry-after", "window"]),
    default="retry-after",
    show_default=True,
    help="What a 429 carries: x-ratelimit-retry-after alone, or the three headers of every answer.",
)
@click.option(
    "--track-limit",
    type=click.Choice(["total", "per-array"]),
    default="total",
    show_default=True,
    help="75 objects a request in total, or in each array.",
)
@click.option(
    "--reset-header",
    type=click.Choice(["epoch", "seconds"]),
    default="epoch",
    show_default=True,
    help="What x-ratelimit-reset holds.",
)
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
@click.option(
    "--mixed-deletes",
    type=click.Choice(["refuse", "accept"]),
    default="refuse",
    show_default=True,
    help="A deletion that names users in several ways.",
)
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
    return (
        f"The local Braze answers on {url}, key '{settings.api_key}'; its profiles are in {settings.db}.\n"
        f"export BRAZE_REST_ENDPOINT={url} BRAZE_API_KEY={settings.api_key} BRAZE_DESTINATION=sandbox"
    )
