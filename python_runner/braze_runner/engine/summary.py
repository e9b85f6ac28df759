"""The counts of a run, which always add up."""

import signal
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Counts:
    """What happened to rows: each one read is sent, rejected or held back."""

    batches: int = 0
    rows_read: int = 0
    rows_sent: int = 0
    rows_rejected: int = 0
    rows_held: int = 0
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
    """What a push did, over all its syncs."""

    counts: Counts = field(default_factory=Counts)
    by_sync: dict[str, Counts] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    signal: int | None = None

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
            return self.error
        if not self.counts.rows_read:
            return "Nothing is pending: Braze has everything."
        return (
            "All rows pushed." if not self.exit_code else "Some rows were rejected: see braze_sync_rejects."
        )
