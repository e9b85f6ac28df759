"""Looks at the tables of the syncs, and at those that the runner keeps."""

from pathlib import Path

from braze_runner.checks.report import Check
from braze_runner.checks.shapes import plain_type, shape_problems
from braze_runner.engine.reader import open_table
from braze_runner.engine.session import Place
from braze_runner.errors import BrazeRunnerError, ConfigError
from braze_runner.plan import planner_for
from braze_runner.project import Sync
from braze_runner.warehouse import Warehouse


def check_table(warehouse: Warehouse, sync: Sync) -> list[Check]:
    """Return what is wrong with a sync's table, or one line that says what it is."""
    try:
        pushed = sync.deliver == "rest"
        table = open_table(warehouse, sync, planner_for(sync) if pushed else None)
    except BrazeRunnerError as exc:
        return [Check("table", sync.name, "failed", str(exc))]
    columns = {name.upper(): plain_type(type_) for name, type_ in table.columns.items()}
    problems = shape_problems(warehouse.adapter_type, sync.type, columns)
    if problems:
        return [Check("table", sync.name, "failed", f"{problem}.") for problem in problems]
    if not pushed:
        how = "Braze reads it itself"
    elif table.has_bookkeeping:
        how = "it is read batch by batch"
    else:
        how = "it has no braze_batch and braze_row, so it is read by UPDATED_AT, as Braze would"
    return [Check("table", sync.name, "ok", f"The columns have the types that Braze documents; {how}.")]


def check_state(place: Place, host: str | None) -> Check:
    """Say whether the tables of the runner are there, and belong to this host; whether it may write, nobody asks."""
    state, name = place.state, place.state.destination
    try:
        if not state.tables.exist():
            return Check(
                "state", name, "not proved", "The first push makes its tables, and needs the right to."
            )
        bound = state.bound_host()
        if bound and host and bound != host:
            raise ConfigError(f"The destination {name} belongs to {bound}, not to {host}.")
    except BrazeRunnerError as exc:
        return Check("state", name, "failed", str(exc))
    belongs = f"the destination belongs to {bound}" if bound else "nothing was pushed yet"
    return Check("state", name, "ok", f"The tables can be read; {belongs}.")


def missing_file(path: Path, destination: str) -> Check:
    """Say that a state file is not there."""
    return Check("state", destination, "not proved", f"There is no file {path} yet: the first push makes it.")
