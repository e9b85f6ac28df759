"""Objects that an earlier run may have sent and that must not arrive twice: what becomes of them (R3)."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

from braze_runner.engine.pusher import Decision, PushSource
from braze_runner.plan import Row
from braze_runner.project import Project
from braze_runner.warehouse import Warehouse


class Settlement:
    """Decides row by row."""

    def __init__(self, warehouse: Warehouse, project: Project, policy: Literal["hold", "resend"]) -> None:
        self._warehouse = warehouse
        self._project = project
        self._policy: Decision = policy
        self._decided: Counter[tuple[str, Decision]] = Counter()

    def decisions(self, source: PushSource) -> Callable[[Row], Decision]:
        """Return what decides about the rows of one batch."""

        def decide(_row: Row) -> Decision:
            self._decided[source.sync.name, self._policy] += 1
            return self._policy

        return decide

    def notes(self) -> list[str]:
        """Return a sentence on each sync that had such objects."""
        words = {"hold": "put aside", "resend": "sent again", "arrived": "found in Currents"}
        return [
            f"{sync}: {number:,} objects that an earlier run may have sent were {words[decision]}."
            for (sync, decision), number in sorted(self._decided.items())
        ]
