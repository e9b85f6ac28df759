"""A run of dbt that a push hangs on: one that is started here, or a job run of dbt Cloud."""

from braze_runner.dbt_runs.cloud import DbtCloud
from braze_runner.dbt_runs.local import DbtCommand

__all__ = ["DbtCloud", "DbtCommand"]
