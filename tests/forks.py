"""Processes that begin with dbt imported and a project parsed: both take longer than most of what they do.

A process has one server that forks them, and that one imports one list of modules: it is here, for all tests.
"""

import functools
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_ADAPTERS = [f"dbt.adapters.{name}" for name in ("duckdb", "snowflake", "bigquery", "redshift", "databricks")]
_CONTEXT.set_forkserver_preload(
    ["dbt.cli.main", "dbt.task.run", "dbt.task.test", *_ADAPTERS, "braze_runner.cli.push", "warm_dbt"]
)


def process(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Return a process that is not started yet; its environment is that of the first one, plus what it is given."""
    _start_server()
    return _CONTEXT.Process(target=target, args=arguments)


@functools.cache
def _start_server() -> None:
    """Start the server; before Python 3.13 it finds modules to preload by the environment alone."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), before]))
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
