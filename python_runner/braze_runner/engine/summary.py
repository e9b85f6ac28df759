"""The counts of a run, which always add up."""

import signal
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """What happened to rows: each one read is sent, rejected or held back.

    ``rows_unknown`` of those held back may have arrived; ``objects_resent`` were sent again though they may have.
    """

    batches: int = 0
    rows_read: int = 0
    rows_sent: int = 0
    rows_rejected: int = 0
    rows_held: int = 0
    rows_unknown: int = 0
    objects_resent: int = 0
    requests: int = 0
    retries: int = 0
    attributes_sent: int = 0
    data_points: int = 0

    def add(self, other: "Counts") -> None:
        """Add another sync's counts."""
        for name, value in other.as_dict().items():
            setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        """Return name -> count."""
        return asdict(self)

    def check(self) -> None:
        """Raise AssertionError when a row is lost or counted twice: a defect of the runner."""
        if self.rows_read != self.rows_sent + self.rows_rejected + self.rows_held:
            raise AssertionError(f"counts don't add up: {self}")


@dataclass(slots=True)
class Summary:
    """What a push did, over all its syncs; ``notes`` are sentences on what it did not do, and why."""

    counts: Counts = field(default_factory=Counts)
    by_sync: dict[str, Counts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    signal: int | None = None
    is_dry_run: bool = False
    run_id: str = ""
    nothing: str = "Nothing is pending."
    """What to say when there was no row."""
    held: str = "Some rows were held back: they stay pending for the next push."
    """What to say when some are left."""

    @property
    def exit_code(self) -> int:
        """Return 0 all pushed, 1 some rows rejected or held, 3 stopped, 130 or 143 after a signal."""
        if self.signal is not None:
            return 128 + self.signal
        if self.error is not None:
            return 3
        return 1 if self.counts.rows_rejected or self.counts.rows_held else 0

    @property
    def end(self) -> str:
        """Say in one sentence how the run ended."""
        if self.signal is not None:
            return f"Stopped by {signal.Signals(self.signal).name}; what Braze accepted is saved."
        if self.error is not None:
            saved = (
                "" if self.is_dry_run else " What Braze accepted is saved: run it again to go on from there."
            )
            return self.error + saved
        if not self.counts.rows_read:
            return self.nothing
        if self.is_dry_run:
            return "Nothing was sent: this was a dry run."
        if self.exit_code:
            return " ".join(self._left())
        return "All rows pushed."

    def _left(self) -> list[str]:
        """Say where the rows are that were not sent, and what to do."""
        counts, sentences = self.counts, []
        if counts.rows_rejected:
            sentences.append("Some rows were rejected: see braze-runner failures list.")
        if counts.rows_unknown:
            sentences.append("Some rows may have arrived: see braze-runner failures list, then resolve them.")
        if counts.rows_held > counts.rows_unknown:
            sentences.append(self.held)
        return sentences

    def as_dict(self) -> dict[str, Any]:
        """Return the summary for ``--output json``."""
        return {
            "run_id": self.run_id,
            "exit_code": self.exit_code,
            "end": self.end,
            "error": self.error,
            "seconds": round(self.seconds, 3),
            "dry_run": self.is_dry_run,
            "counts": self.counts.as_dict(),
            "syncs": {name: counts.as_dict() for name, counts in self.by_sync.items()},
            "notes": self.notes,
        }
