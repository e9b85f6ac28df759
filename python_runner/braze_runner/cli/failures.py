"""``braze-runner failures``: the rejects that nobody has settled."""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

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
from braze_runner.errors import ConfigError
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
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
def export(
    options: DbtOptions, select: tuple[str, ...], chosen: Chosen, state: Path | None, form: str, path: str
) -> None:
    """Write all of them to FILE, payloads too; - is the output.

    What is in it may be personal data: a new file is readable by you alone.
    """
    found = _found(options, select, chosen, state)
    # An earlier export stays when the rejects can't be read.
    first = list(islice(found, 1))
    with _opened(path) as file:
        number = _write(chain(first, found), form, file)
    if path != "-":
        click.echo(f"{number:,} rejects are in {path}.")


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    """Open the output, or a file that only its owner may read if it is new; raises ConfigError."""
    if path == "-":
        yield click.get_text_stream("stdout")
        return
    try:
        file = open(path, "w", encoding="utf-8", newline="", opener=partial(os.open, mode=0o600))  # noqa: SIM115
    except OSError as exc:
        raise ConfigError(f"{path} can't be written: {exc.strerror}.") from exc
    with file:
        yield file


def _write(found: Iterator[tuple[str, OpenReject]], form: str, file: IO[str]) -> int:
    """Write a line for each reject; returns how many."""
    writer = csv.DictWriter(file, [field.name for field in fields(OpenReject)])
    if form == "csv":
        writer.writeheader()
    number = 0
    for sync, reject in found:
        number += 1
        if form == "csv":
            writer.writerow(_columns(sync, reject))
        else:
            file.write(orjson.dumps(_columns(sync, reject)).decode() + "\n")
    return number


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
