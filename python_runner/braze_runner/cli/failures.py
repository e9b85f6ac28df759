"""``braze-runner failures``: the rejects that nobody has settled."""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click
import orjson

from braze_runner.cli.options import dbt_options, output_option, state_option
from braze_runner.cli.output import print_json, print_table
from braze_runner.cli.rejects import reject_options
from braze_runner.config import read_destination
from braze_runner.engine.observer import Silent
from braze_runner.engine.repair import Chosen
from braze_runner.engine.select import select_syncs
from braze_runner.engine.session import opened
from braze_runner.state import OpenReject
from braze_runner.warehouse import DbtOptions


@click.group("failures")
def command() -> None:
    """List, show and export the rows that were rejected, or may have arrived, and are not settled.

    BRAZE_DESTINATION names the destination when there are several.
    """


@command.command("list")
@dbt_options
@reject_options
@state_option
@output_option
def list_(
    options: DbtOptions,
    select: tuple[str, ...],
    chosen: Chosen,
    state: Path | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
) -> None:
    """Count them by sync and reason."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for sync, reject in _found(options, select, chosen, state):
        counts[sync, reject.status, reject.reason, reject.message] += 1
    names = ("sync", "status", "reason", "message", "rows")
    rows = [dict(zip(names, (*key, number), strict=True)) for key, number in counts.most_common()]
    _print(names, rows, as_json=as_json)


@command.command("show")
@dbt_options
@reject_options
@state_option
@output_option
@click.option("--first", type=click.IntRange(min=1), default=20, show_default=True, help="How many to show.")
def show(
    options: DbtOptions,
    select: tuple[str, ...],
    chosen: Chosen,
    state: Path | None,
    as_json: bool,  # noqa: FBT001 (click gives it by name)
    first: int,
) -> None:
    """Show rows with identifier, reason and times, the oldest first; payloads are left to `export`."""
    names = ("sync", "braze_row", "identifier", "status", "reason", "message", "first_seen", "last_seen")
    rows = []
    for sync, reject in _found(options, select, chosen, state):
        rows.append({name: value for name, value in _columns(sync, reject).items() if name in names})
        if len(rows) == first:
            break
    _print(names, rows, as_json=as_json)


@command.command("export")
@dbt_options
@reject_options
@state_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="Form of the file.",
)
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True))
def export(
    options: DbtOptions, select: tuple[str, ...], chosen: Chosen, state: Path | None, form: str, file: Any
) -> None:
    """Write all of them to FILE, payloads too; - is the output. What is in it may be personal data."""
    writer: Any = None
    found = _found(options, select, chosen, state)
    first = list(islice(found, 1))
    # An earlier export stays when the rejects can't be read.
    file.write("")
    for sync, reject in chain(first, found):
        columns = _columns(sync, reject)
        if form == "jsonl":
            file.write(orjson.dumps(columns).decode() + "\n")
            continue
        if writer is None:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
        writer.writerow(columns)


def _found(
    options: DbtOptions, select: tuple[str, ...], chosen: Chosen, state: Path | None
) -> Iterator[tuple[str, OpenReject]]:
    """Yield (name of the sync, reject)."""
    with opened(options, read_destination(os.environ), state, read_only=True) as place:
        if not place.state.tables.exist():
            return
        for sync in select_syncs(place.project.syncs, select, Silent()):
            for reject in place.state.open_rejects(sync.unique_id):
                if chosen(reject):
                    yield sync.name, reject


def _columns(sync: str, reject: OpenReject) -> dict[str, Any]:
    columns = asdict(reject) | {"sync": sync}
    for name in ("first_seen", "last_seen"):
        columns[name] = columns[name].isoformat(timespec="seconds") + "Z"
    return columns


def _print(names: tuple[str, ...], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"failures": rows})
    elif rows:
        print_table(names, [[str(row[name]) for name in names] for row in rows])
    else:
        click.echo("Nothing is rejected.")
