"""What dbt built, read from its manifest as plain JSON: the syncs and where the runner's state lives."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from braze_runner.errors import ConfigError
from braze_runner.warehouse import DbtOptions, Warehouse

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
_CHOICES: dict[str, tuple[Any, ...]] = {
    "deliver": (None, *DELIVERIES),
    "update_existing_only": (None, True, False),
    "merge_objects": (None, True, False),
    "on_invalid": (None, "reject", "stop"),
}
STATE_TABLES = ("braze_sync_ledger", "braze_sync_rejects", "braze_sync_runs")
# The first manifest schema with all that is read here is v12, of dbt 1.8.
_OLDEST_MANIFEST = 12


@dataclass(frozen=True)
class Location:
    """A table's place; None leaves database or schema to the dbt target.

    ``relation`` is the name that dbt has for it in SQL, quoted as the project says; None leaves it to the warehouse.
    """

    database: str | None
    schema: str | None
    name: str
    relation: str | None = None

    def relation_in(self, warehouse: Warehouse) -> str:
        """Return its name for SQL."""
        return self.relation or warehouse.relation(self.schema or warehouse.schema, self.name, self.database)


@dataclass(frozen=True)
class Sync:
    """A dbt model with ``config.meta.braze``."""

    unique_id: str
    name: str
    table: Location
    type: str
    deliver: str = "rest"
    update_existing_only: bool | None = None
    merge_objects: bool | None = None
    catalog: str | None = None
    catalog_fields: tuple[tuple[str, str], ...] = ()
    on_invalid: str = "reject"
    is_audience: bool = False

    @property
    def settings(self) -> dict[str, bool]:
        """Return what the model sets for each of its objects, by Braze's names."""
        # Merging is of attributes alone (Braze: User attributes object).
        merge = self.merge_objects if self.type == "attributes" else None
        known = {"_update_existing_only": self.update_existing_only, "_merge_objects": merge}
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True)
class Project:
    """The syncs of a dbt project, in the manifest's order, and by name its state tables and those of Currents."""

    syncs: tuple[Sync, ...]
    state: dict[str, Location]
    currents: dict[str, Location] = field(default_factory=dict)


def read_project(options: DbtOptions) -> Project:
    """Read target/manifest.json; raises ConfigError without one, or for a sync with a wrong meta."""
    return project_from(read_manifest(target_dir(options)))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest in a target folder; raises ConfigError when there is none that can be used."""
    path = folder / "manifest.json"
    manifest = read_artifact(path)
    schema = str((manifest.get("metadata") or {}).get("dbt_schema_version") or "")
    version = schema.rpartition("/v")[2].removesuffix(".json")
    if not version.isdigit() or int(version) < _OLDEST_MANIFEST or "nodes" not in manifest:
        raise ConfigError(f"{path} is not a manifest of dbt 1.8 or newer.")
    return manifest


def read_artifact(path: Path) -> dict[str, Any]:
    """Return one of dbt's JSON files; raises ConfigError without it, or when it is none."""
    try:
        artifact = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise ConfigError(f"No {path.stem} at {path}: run dbt first.") from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"The {path.stem} at {path} can't be read: run dbt again.") from exc
    if not isinstance(artifact, dict):
        raise ConfigError(f"{path} is none of dbt's files.")
    return artifact


def project_from(manifest: dict[str, Any]) -> Project:
    """Return the syncs and state tables of a manifest; raises ConfigError for a sync with a wrong meta."""
    sources = manifest.get("sources") or {}
    return Project(
        tuple(_syncs(manifest["nodes"].values())),
        _state_tables(sources),
        _tables_of(sources, "braze_currents"),
    )


def target_dir(options: DbtOptions) -> Path:
    """Return dbt's target folder; a relative one is below the project, as in dbt."""
    project_dir = options.find_project_dir()
    named = options.target_path or os.environ.get("DBT_TARGET_PATH")
    if not named:
        try:
            project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as exc:
            raise ConfigError(f"{project_dir / 'dbt_project.yml'} is not valid YAML.") from exc
        named = project.get("target-path") or "target"
        if "{{" in named:
            # dbt computes it with a context of its own.
            raise ConfigError(
                f"target-path in {project_dir / 'dbt_project.yml'} is computed: name that folder with --target-path."
            )
    return project_dir / named


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
    for key, allowed in _CHOICES.items():
        if meta.get(key) not in allowed:
            known = ", ".join(str(value).lower() for value in allowed if value is not None)
            raise ConfigError(f"Model {name}: meta.braze.{key} is {meta[key]!r}, not one of {known}.")
    return Sync(
        node["unique_id"],
        name,
        Location(node.get("database"), node["schema"], node.get("alias") or name, node.get("relation_name")),
        meta["sync"],
        meta.get("deliver") or "rest",
        meta.get("update_existing_only"),
        meta.get("merge_objects"),
        meta.get("catalog"),
        tuple((field["name"], field["type"]) for field in meta.get("catalog_fields") or ()),
        meta.get("on_invalid") or "reject",
        bool(meta.get("audience")),
    )


def _state_tables(sources: dict[str, dict[str, Any]]) -> dict[str, Location]:
    """Find the package's source ``braze_state``; without it the tables are in the target's schema."""
    return {name: Location(None, None, name) for name in STATE_TABLES} | _tables_of(sources, "braze_state")


def _tables_of(sources: dict[str, dict[str, Any]], name: str) -> dict[str, Location]:
    """Return the tables of one of the package's sources by their name."""
    return {
        source["name"]: Location(
            source.get("database"),
            source["schema"],
            source.get("identifier") or source["name"],
            source.get("relation_name"),
        )
        for source in sources.values()
        if source.get("source_name") == name
    }
