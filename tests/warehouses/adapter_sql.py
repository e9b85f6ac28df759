"""SQL on a warehouse through the dbt adapter that the models use."""

import multiprocessing
import warnings
from types import SimpleNamespace
from typing import Any

from dbt.adapters.contracts.connection import QueryComment
from dbt.adapters.factory import FACTORY
from dbt_common.context import set_invocation_context


class AdapterSql:
    """One connection of the adapter of a profile's target."""

    def __init__(self, output: dict[str, Any]) -> None:
        """Load the adapter; it connects with the first statement."""
        set_invocation_context({})
        settings = {key: value for key, value in output.items() if key not in ("type", "threads")}
        # What an adapter and its driver say of their own dependencies is not for these tests.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            credentials_class = FACTORY.load_plugin(output["type"])
        data = credentials_class.translate_aliases(settings)
        credentials_class.validate(data)
        credentials = credentials_class.from_dict(data)
        if hasattr(credentials, "keep_open"):
            # dbt-duckdb would hold the file, and the runs of dbt are other processes.
            credentials.keep_open = False
        config = SimpleNamespace(
            credentials=credentials,
            profile_name="tests",
            target_name="tests",
            threads=1,
            project_name="tests",
            query_comment=QueryComment(comment=""),
            cli_vars={},
            log_cache_events=False,
            to_target_dict=dict,
        )
        plugin = FACTORY.get_plugin_by_name(output["type"])
        self._adapter: Any = plugin.adapter(config, multiprocessing.get_context("spawn"))

    def __call__(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with warnings.catch_warnings(), self._adapter.connection_named("tests"):
            warnings.simplefilter("ignore")
            _, table = self._adapter.execute(statement, auto_begin=False, fetch=True)
            return [tuple(row.values()) for row in table.rows]
