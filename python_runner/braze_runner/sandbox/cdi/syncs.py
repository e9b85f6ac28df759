"""The syncs that the sandbox's Cloud Data Ingestion knows: one table each, of one type."""

import dataclasses
import uuid
from typing import Any, Final

from braze_runner.errors import ConfigError

TYPES: Final = ("attributes", "events", "purchases", "deletes", "catalog_items", "canvas_triggers")
"""What Cloud Data Ingestion has a sync type for, by this project's names."""

_NAMESPACE = uuid.UUID("6f2f3a0e-4f0c-5d2b-9a35-0c8a8d0c1e55")


@dataclasses.dataclass(frozen=True, slots=True)
class CdiSync:
    """One integration. ``table`` may have a schema before it; ``catalog`` is the target of catalog items."""

    type: str
    table: str
    name: str = ""
    catalog: str | None = None
    update_existing_only: bool = False

    def __post_init__(self) -> None:
        """Refuse a type that has no sync, and catalog items without a catalog (ConfigError)."""
        if self.type not in TYPES:
            raise ConfigError(
                f"Cloud Data Ingestion has no sync of type {self.type!r}, only {', '.join(TYPES)}."
            )
        if not self.table:
            raise ConfigError(f"A sync of type {self.type} needs its table.")
        if self.type == "catalog_items" and not self.catalog:
            raise ConfigError(f"The sync of {self.table} needs the name of its catalog.")
        object.__setattr__(self, "name", self.name or self.table.rpartition(".")[2])

    @property
    def id(self) -> str:
        """Return the integration's id: always the same for one name."""
        return str(uuid.uuid5(_NAMESPACE, self.name))

    @classmethod
    def of(cls, values: dict[str, Any]) -> "CdiSync":
        """Make a sync of its fields."""
        return cls(**values)

    @classmethod
    def parse(cls, text: str) -> "CdiSync":
        """Read ``TYPE:TABLE[,NAME=VALUE …]``, such as ``catalog_items:braze.items,catalog=restaurants``."""
        head, *pairs = text.split(",")
        kind, _, table = head.partition(":")
        values: dict[str, Any] = dict(pair.partition("=")[::2] for pair in pairs)
        unknown = values.keys() - {"name", "catalog", "update_existing_only"}
        if unknown:
            raise ConfigError(f"A sync has no {', '.join(sorted(unknown))}.")
        if "update_existing_only" in values:
            values["update_existing_only"] = values["update_existing_only"] == "true"
        return cls(kind, table, **values)
