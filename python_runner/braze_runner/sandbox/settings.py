"""What a sandbox is started with, and the switches for what Braze's documentation leaves open."""

import dataclasses
import importlib.util
import ipaddress
import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from braze_runner.errors import ConfigError
from braze_runner.sandbox.cdi import CdiSync
from braze_runner.sandbox.faults import Fault
from braze_runner.sandbox.rules import CDI_ROWS
from braze_runner.sandbox.types import TYPES

DEFAULT_API_KEY = "sandbox"
DEFAULT_DATABASE = Path("braze_sandbox.sqlite")
DEFAULT_PORT = 8642
DEFAULT_HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """One sandbox.

    ``warehouse`` is the DuckDB file whose sync tables Cloud Data Ingestion reads, ``cdi_seconds`` how long a run
    of it takes to begin.
    ``lag`` is in seconds: what is accepted is applied after a random time up to it, drawn with ``seed``.
    Every field from ``cdi_boundary`` on is a switch: Braze's documentation does not settle it, or settles it
    per account. docs/sandbox.md lists them.
    """

    db: Path = DEFAULT_DATABASE
    api_key: str = dataclasses.field(default=DEFAULT_API_KEY, repr=False)
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    lag: float = 0
    seed: int | None = None
    faults: Sequence[Fault] = ()
    warehouse: Path | None = None
    cdi_syncs: Sequence[CdiSync] = ()
    cdi_seconds: float = 0
    cdi_boundary: Literal["exclusive", "inclusive"] = "exclusive"
    cdi_max_rows: int = CDI_ROWS
    long_strings: Literal["keep", "truncate", "drop"] = "keep"
    array_overflow: Literal["ignore", "drop-oldest"] = "ignore"
    alias_events: Literal["update-only", "create"] = "update-only"
    limits: Literal["data-points", "mau", "off"] = "data-points"
    mau_hourly: int = 500_000
    mau_burst: int = 750
    export_limit: Literal["new", "old"] = "new"
    refusal_headers: Literal["retry-after", "window"] = "retry-after"
    reset_header: Literal["epoch", "seconds"] = "epoch"
    track_limit: Literal["total", "per-array"] = "total"
    track_bulk: bool = False
    track_sync: bool = False
    attribute_types: Mapping[str, str] = dataclasses.field(default_factory=dict)
    app_ids: Collection[str] = frozenset()
    mixed_deletes: Literal["refuse", "accept"] = "refuse"
    permissions: Collection[str] | None = None
    require_export_fields: bool = False
    blocked_external_ids: Collection[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse an empty key, and the well-known key on an address that others can reach (ConfigError)."""
        if not self.api_key:
            raise ConfigError("The sandbox needs a non-empty API key.")
        if not all(0 <= seconds < math.inf for seconds in (self.lag, self.cdi_seconds)):
            raise ConfigError("A lag, of the sandbox or of a run, is a number of seconds, 0 or more.")
        unknown = set(self.attribute_types.values()) - TYPES.keys()
        if unknown:
            raise ConfigError(
                f"An attribute's type is one of {', '.join(TYPES)}, not {', '.join(sorted(unknown))}."
            )
        names = [sync.name for sync in self.cdi_syncs]
        if len(set(names)) < len(names):
            raise ConfigError("Two syncs of Cloud Data Ingestion have the same name.")
        if self.cdi_syncs and importlib.util.find_spec("duckdb") is None:
            raise ConfigError("Cloud Data Ingestion needs DuckDB: pip install 'dbt-braze[duckdb]'.")
        if not is_loopback(self.host) and self.api_key == DEFAULT_API_KEY:
            raise ConfigError(
                f"The sandbox listens on {self.host} only with a key of your own: give it with --api-key."
            )

    def to_json(self) -> str:
        """Return the settings as one line of JSON, for the child process."""
        values = dataclasses.asdict(self)
        return json.dumps(
            values
            | {
                "db": str(self.db),
                "warehouse": None if self.warehouse is None else str(self.warehouse),
                "permissions": None if self.permissions is None else sorted(self.permissions),
                "app_ids": sorted(self.app_ids),
                "blocked_external_ids": sorted(self.blocked_external_ids),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Read what ``to_json`` wrote."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            **values
            | {
                "db": Path(values["db"]),
                "permissions": None if values["permissions"] is None else frozenset(values["permissions"]),
                "warehouse": None if values["warehouse"] is None else Path(values["warehouse"]),
                "cdi_syncs": tuple(map(CdiSync.of, values["cdi_syncs"])),
                "faults": tuple(map(Fault.of, values["faults"])),
                "app_ids": frozenset(values["app_ids"]),
                "blocked_external_ids": frozenset(values["blocked_external_ids"]),
            }
        )


def is_loopback(host: str) -> bool:
    """Say whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
