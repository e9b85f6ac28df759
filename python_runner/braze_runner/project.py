"""What dbt built, read from its manifest as plain JSON: the syncs and where the runner's state lives."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from braze_runner.errors import ConfigError
from braze_runner.warehouse import DbtOptions

SYNC_TYPES = (
    "attributes",
    "events",
    "purchases",
    "deletes",
    "catalog_items",
    "canvas_triggers",
    "subscription_groups",
    "email_status",
    "aliases",
    "alias_updates",
    "identifies",
    "merges",
    "external_id_renames",
    "external_id_removals",
)
DELIVERIES = ("rest", "cdi")
STATE_TABLES = ("braze_sync_ledger", "braze_sync_rejects", "braze_sync_runs")
# The first manifest schema with all that is read here is v12, of dbt 1.8.
_OLDEST_MANIFEST = 12


@dataclass(frozen=True)
class Location:
    """A table's place; None leaves database or schema to the dbt target."""

    database: str | None
    schema: str | None
    name: str


@dataclass(frozen=True)
class Sync:
    """A dbt model with ``config.meta.braze``."""

    unique_id: str
    name: str
    table: Location
    type: str
    deliver: str = "rest"
    update_existing_only: bool | None = None
    catalog: str | None = None


@dataclass(frozen=True)
class Project:
    """The syncs of a dbt project, in the manifest's order, and its state tables by name."""

    syncs: tuple[Sync, ...]
    state: dict[str, Location]


def read_project(options: DbtOptions) -> Project:
    """Read target/manifest.json; raises ConfigError without one, or for a sync with a wrong meta."""
    path = _target_dir(options) / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise ConfigError(f"No manifest at {path}: run dbt first.") from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"The manifest at {path} can't be read: run dbt again.") from exc
    _check_version(manifest, path)
    return Project(tuple(_syncs(manifest["nodes"].values())), _state_tables(manifest.get("sources", {})))


def _target_dir(options: DbtOptions) -> Path:
    """Return dbt's target folder; a relative one is below the project, as in dbt."""
    project_dir = options.find_project_dir()
    named = options.target_path or os.environ.get("DBT_TARGET_PATH")
    if not named:
        try:
            project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as exc:
            raise ConfigError(f"{project_dir / 'dbt_project.yml'} is not valid YAML.") from exc
        named = project.get("target-path") or "target"
    return project_dir / named


def _check_version(manifest: Any, path: Path) -> None:
    schema = manifest.get("metadata", {}).get("dbt_schema_version", "") if isinstance(manifest, dict) else ""
    version = schema.rpartition("/v")[2].removesuffix(".json")
    if not version.isdigit() or int(version) < _OLDEST_MANIFEST or "nodes" not in manifest:
        raise ConfigError(f"{path} is not a manifest of dbt 1.8 or newer.")


def _syncs(nodes: Iterable[dict[str, Any]]) -> Iterable[Sync]:
    for node in nodes:
        config = node.get("config") or {}
        meta = (config.get("meta") or {}).get("braze") or (node.get("meta") or {}).get("braze")
        built = config.get("enabled", True) and config.get("materialized") != "ephemeral"
        if meta and built and node.get("resource_type") == "model":
            yield _sync(node, meta)


def _sync(node: dict[str, Any], meta: Any) -> Sync:
    """Build one sync; an unknown type, delivery or setting stops the run before anything is read."""
    name = node["name"]
    if not isinstance(meta, dict) or meta.get("sync") not in SYNC_TYPES:
        kind = meta.get("sync") if isinstance(meta, dict) else meta
        raise ConfigError(f"Model {name}: meta.braze.sync is {kind!r}, not one of {', '.join(SYNC_TYPES)}.")
    deliver, existing_only = meta.get("deliver", "rest"), meta.get("update_existing_only")
    if deliver not in DELIVERIES:
        raise ConfigError(f"Model {name}: meta.braze.deliver is {deliver!r}, not rest or cdi.")
    if existing_only is not None and not isinstance(existing_only, bool):
        raise ConfigError(f"Model {name}: meta.braze.update_existing_only must be true or false.")
    table = Location(node.get("database"), node["schema"], node.get("alias") or name)
    return Sync(node["unique_id"], name, table, meta["sync"], deliver, existing_only, meta.get("catalog"))


def _state_tables(sources: dict[str, dict[str, Any]]) -> dict[str, Location]:
    """Find the package's source ``braze_state``; without it the tables are in the target's schema."""
    tables = {name: Location(None, None, name) for name in STATE_TABLES}
    for source in sources.values():
        if source.get("source_name") == "braze_state" and source.get("name") in tables:
            identifier = source.get("identifier") or source["name"]
            tables[source["name"]] = Location(source.get("database"), source["schema"], identifier)
    return tables
