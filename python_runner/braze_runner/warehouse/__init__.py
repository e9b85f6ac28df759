"""The warehouse behind the dbt profile: one protocol, one module per adapter, dbt imported in one only."""

from braze_runner.warehouse.base import Transactional, Warehouse
from braze_runner.warehouse.dbt_profile import DbtOptions, connect

__all__ = ["DbtOptions", "Transactional", "Warehouse", "connect"]
