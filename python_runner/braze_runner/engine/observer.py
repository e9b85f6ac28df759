"""The one way in which the engine reports."""

from typing import Protocol

from braze_runner.engine.summary import Counts


class Observer(Protocol):
    """Told by the engine, from one thread, what happens."""

    def message(self, text: str) -> None:
        """Something the user should know, in one sentence."""

    def start(self, sync: str, rows: int) -> None:
        """A sync with so many pending rows starts."""

    def advance(self, sync: str, counts: Counts) -> None:
        """The sync's counts so far; called for each answer of Braze."""

    def end(self, sync: str, counts: Counts) -> None:
        """The sync has ended with these counts."""


class Silent:
    """Reports nothing."""

    def message(self, text: str) -> None:
        """Drop it."""

    def start(self, sync: str, rows: int) -> None:
        """Drop it."""

    def advance(self, sync: str, counts: Counts) -> None:
        """Drop it."""

    def end(self, sync: str, counts: Counts) -> None:
        """Drop it."""
