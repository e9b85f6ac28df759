"""Objects that an earlier run may have sent and that must not arrive twice: what becomes of them (R3)."""

from collections import Counter
from collections.abc import Callable

from braze_runner.engine.arrivals import Arrivals, payloads_of
from braze_runner.engine.pusher import Decision, PushSource
from braze_runner.engine.settings import UnknownPolicy
from braze_runner.engine.source import Source
from braze_runner.plan import Row

_WORDS: dict[Decision, str] = {
    "arrived": "had arrived, by Currents",
    "hold": "were put aside: see braze-runner resolve",
    "resend": "were sent again",
}


class Settlement:
    """Decides row by row: by Currents where it is loaded, else by the policy."""

    def __init__(self, arrivals: Arrivals, policy: UnknownPolicy) -> None:
        self._arrivals = arrivals
        self._policy: Decision = policy
        self._decided: Counter[tuple[str, Decision]] = Counter()

    def decisions(self, source: PushSource) -> Callable[[Row], Decision]:
        """Return what decides about the rows of one batch."""
        arrived: dict[str, bool] = {}
        if isinstance(source, Source) and source.doubtful_since is not None:
            rows = ((row.braze_row, row.identifier, row.payload) for row in source.doubtful_rows())
            arrived = self._arrivals.of(source.type, payloads_of(rows), source.doubtful_since)

        def decide(row: Row) -> Decision:
            told = arrived.get(row.braze_row)
            decision = self._policy if told is None else "arrived" if told else "resend"
            self._decided[source.sync.name, decision] += 1
            return decision

        return decide

    def notes(self) -> list[str]:
        """Return a sentence on each sync that had such objects."""
        totals: Counter[str] = Counter()
        for (sync, _), number in self._decided.items():
            totals[sync] += number
        notes = []
        for sync, total in sorted(totals.items()):
            parts = [
                f"{self._decided[sync, decision]:,} {words}"
                for decision, words in _WORDS.items()
                if self._decided[sync, decision]
            ]
            notes.append(
                f"{sync}: {total:,} objects may have been sent by a run that ended without a word; {', '.join(parts)}."
            )
        return notes
