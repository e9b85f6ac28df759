"""A reader of sync tables that selects and applies rows as Braze's Cloud Data Ingestion does."""

from braze_runner.sandbox.cdi.syncs import CdiSync

__all__ = ["CdiSync"]
