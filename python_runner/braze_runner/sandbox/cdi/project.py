"""The syncs of a dbt project that Braze is to read itself."""

from pathlib import Path

from braze_runner.project import read_project
from braze_runner.sandbox.cdi.syncs import TYPES, CdiSync
from braze_runner.warehouse import DbtOptions


def syncs_of(project_dir: Path) -> tuple[CdiSync, ...]:
    """Return the project's syncs with ``deliver: cdi``, from its manifest; ConfigError without one."""
    found = read_project(DbtOptions(project_dir=project_dir)).syncs
    return tuple(
        CdiSync(
            sync.type,
            f"{sync.table.schema}.{sync.table.name}",
            sync.name,
            sync.catalog,
            bool(sync.update_existing_only),
        )
        for sync in found
        if sync.deliver == "cdi" and sync.type in TYPES
    )
