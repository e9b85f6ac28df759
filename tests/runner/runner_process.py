"""``braze-runner`` in a process of its own."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import forks
from braze_runner.cli import main


def start(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> BaseProcess:
    """Start a command; what it prints goes to the log."""
    child = forks.process(run, list(arguments), dict(environment), str(log))
    child.start()
    return child


def run(
    arguments: list[str], environment: dict[str, str], log: str, before: Callable[[], None] = lambda: None
) -> None:
    """Run a command in this process, which ends with it."""
    os.environ.update(environment)
    with open(log, "w") as output:  # noqa: PTH123
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        before()
        try:
            main(arguments)
        except SystemExit as exc:
            sys.stdout.flush()
            os._exit(exc.code if isinstance(exc.code, int) else 1)
