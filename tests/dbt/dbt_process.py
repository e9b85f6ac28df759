"""Run the dbt command line, each time in a fresh process that has dbt imported already.

Importing dbt takes longer than most runs of these tests, so one server imports it, and parses once, and forks a child per run.
"""

import contextlib
import functools
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path

import interruptions
import pytest

CONTEXT = multiprocessing.get_context("forkserver")
ADAPTERS = [f"dbt.adapters.{name}" for name in ("duckdb", "snowflake", "bigquery", "redshift", "databricks")]
CONTEXT.set_forkserver_preload(["dbt.cli.main", "dbt.task.run", "dbt.task.test", *ADAPTERS, "warm_dbt"])


def invoke(arguments: tuple[str, ...], folder: Path, log: Path) -> int:
    """Run `dbt <arguments>` in the folder, write what it prints to the log, and return its exit code."""
    return run(_child, (arguments, str(folder), str(log)))


def run(target: Callable[..., None], arguments: tuple[object, ...]) -> int:
    """Run the function, which takes the environment last, in a fresh process and return its exit code."""
    _started()
    child = CONTEXT.Process(target=target, args=(*arguments, dict(os.environ)))
    child.start()
    child.join(timeout=300)
    if child.is_alive():
        child.kill()
        child.join()
    code = child.exitcode
    child.close()
    return 1 if code is None else code


@functools.cache
def _started() -> None:
    """Start the server; before Python 3.13 it finds modules to preload by the environment alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()


def _child(arguments: tuple[str, ...], folder: str, log: str, environment: dict[str, str]) -> None:
    os.chdir(folder)
    # The server's environment is that of the first run.
    os.environ.update(environment)
    os.environ.update({"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_USE_COLORS": "false"})
    with (
        Path(log).open("w") as output,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        from dbt.cli.main import cli  # noqa: PLC0415 (only in the child)

        interruptions.install()

        try:
            cli.main(args=list(arguments), prog_name="dbt")
        except SystemExit as exc:
            code = exc.code
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)
