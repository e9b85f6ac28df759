"""Run the dbt command line, each time in a fresh process that has dbt imported already."""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import interruptions

import forks


def invoke(arguments: tuple[str, ...], folder: Path, log: Path) -> int:
    """Run `dbt <arguments>` in the folder, write what it prints to the log, and return its exit code."""
    return run(_child, (arguments, str(folder), str(log)))


def run(target: Callable[..., None], arguments: tuple[object, ...]) -> int:
    """Run the function, which takes the environment last, in a fresh process and return its exit code."""
    child = forks.process(target, *arguments, dict(os.environ))
    child.start()
    child.join(timeout=300)
    if child.is_alive():
        child.kill()
        child.join()
    code = child.exitcode
    child.close()
    return 1 if code is None else code


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
