"""Looks at everything that a push of some syncs needs."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from braze_runner.checks.permissions import KeyCheck, needs_of
from braze_runner.checks.report import Check, Report
from braze_runner.checks.tables import check_state, check_table, missing_file
from braze_runner.client import RetryPolicy, Stop, braze_transport
from braze_runner.client.api import Api
from braze_runner.config import BrazeConfig, read_config, read_destination
from braze_runner.engine.select import matching_syncs
from braze_runner.engine.session import opened
from braze_runner.errors import BrazeRunnerError, ConfigError
from braze_runner.plan.planners import TrackLimit
from braze_runner.project import Project, Sync, read_project
from braze_runner.warehouse import DbtOptions

# Whoever waits for a report does not want to wait for a minute.
_POLICY = RetryPolicy(tries=3, rate_limited_tries=3)


def check(
    options: DbtOptions,
    environment: Mapping[str, str],
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    state_file: Path | None = None,
    track_limit: TrackLimit = "total",
    *,
    stop: Stop | None = None,
    policy: RetryPolicy = _POLICY,
) -> Report:
    """Return a line for each check; raises ConfigError where there is no project or such sync."""
    project = read_project(options)
    syncs = matching_syncs(project.syncs, select, exclude)
    checks: list[Check] = []
    config: BrazeConfig | None = None
    try:
        config = read_config(environment)
    except ConfigError as exc:
        checks.append(Check("configuration", "environment", "failed", str(exc)))
    destination = config.destination if config else read_destination(environment)
    host = config.host if config else None
    checks += _of_warehouse(options, project, syncs, destination, host, state_file)
    if config:
        with closing(Api(braze_transport(config), stop or Stop(), policy)) as api:
            checks += KeyCheck(api).checks(needs_of(syncs, track_limit), syncs)
    return Report(checks)


def _of_warehouse(
    options: DbtOptions,
    project: Project,
    syncs: Sequence[Sync],
    destination: str,
    host: str | None,
    state_file: Path | None,
) -> list[Check]:
    """Connect and ask for the time, then look at each table."""
    found = state_file if state_file is not None and state_file.exists() else None
    try:
        with opened(options, destination, found, project, read_only=True) as place:
            warehouse = place.warehouse
            warehouse.now()
            reached = f"It answers ({warehouse.adapter_type})."
            checks = [Check("warehouse", warehouse.database, "ok", reached)]
            for sync in syncs:
                checks += check_table(warehouse, sync)
            if state_file is not None and found is None:
                return [*checks, missing_file(state_file, destination)]
            return [*checks, check_state(place, host)]
    except BrazeRunnerError as exc:
        return [Check("warehouse", "", "failed", str(exc))]
