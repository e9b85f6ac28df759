"""Stop a run of dbt at one of its statements: for good, as if it had been killed, or until a file says to go on.

The run that is to be stopped finds the order in its environment. Statements are counted from the first one about a
checkpoint, so that 1 is the first statement of the first sync model, whatever dbt asks before.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ORDER = "DBT_BRAZE_TEST_INTERRUPTION"


@contextlib.contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Kill every run of dbt inside the block before it sends its statement of this number."""
    with _order(f"kill {statement}"):
        yield


@contextlib.contextmanager
def held_at(statement: int, gate: Path) -> Iterator[None]:
    """Hold every run that starts inside the block before this statement until `<gate>.go` is there.

    The run says by `<gate>.held` that it waits.
    """
    with _order(f"hold {statement} {gate}"):
        yield


@contextlib.contextmanager
def _order(text: str) -> Iterator[None]:
    os.environ[ORDER] = text
    try:
        yield
    finally:
        del os.environ[ORDER]


def install() -> None:
    """Obey the order in the environment, in the process that is about to run dbt."""
    order = os.environ.pop(ORDER, None)
    if not order:
        return
    from dbt.adapters.base.impl import BaseAdapter  # noqa: PLC0415 (only in the child)

    action, number, *gate = order.split(" ", 2)
    execute, seen = BaseAdapter.execute, 0

    def counted(self: Any, sql: str, *arguments: Any, **options: Any) -> Any:
        nonlocal seen
        if seen or "_checkpoint" in sql:
            seen += 1
        if seen == int(number):
            if action == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            _hold(Path(gate[0]))
        return execute(self, sql, *arguments, **options)

    BaseAdapter.execute = counted


def _hold(gate: Path) -> None:
    gate.with_suffix(".held").touch()
    deadline = time.monotonic() + 120
    while not gate.with_suffix(".go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
