"""What stands in for each warehouse: a real engine that the real dbt adapter reaches over the wire."""

from importlib import import_module
from pathlib import Path

from engines.base import Engine, EngineCrashedError

NAMES = ("duckdb", "snowflake", "bigquery", "redshift", "databricks")


def engine_of(name: str, folder: Path) -> Engine:
    """Return the engine of a warehouse, not started yet; it keeps its files in the folder."""
    engine: Engine = import_module(f"engines.{name}").ENGINE(folder)
    return engine


__all__ = ["NAMES", "Engine", "EngineCrashedError", "engine_of"]
