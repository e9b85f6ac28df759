"""Objects that an earlier run may have sent and that must not arrive twice: what becomes of them (R3)."""

from collections import Counter
from collections.abc import Callable

from braze_runner.engine.arrivals import Arrivals, payloads_of
from braze_runner.engine.pusher import Decision, PushSource
from braze_runner.engine.settings import UnknownPolicy
from braze_runner.engine.source import Source
from braze_runner.plan import Row
from braze_runner.state import State
from braze_runner.state.records import OPEN, RejectStatus

_WORDS: dict[Decision, str] = {
    "arrived": "had arrived, by Currents",
    "hold": "were put aside: see braze-runner resolve",
    "resend": "were sent again",
}
_SETTLED = "were settled since"


class Settlement:
    """Decides row by row: by what the rejects say, by Currents where it is loaded, else by the policy."""

    def __init__(self, state: State, arrivals: Arrivals, policy: UnknownPolicy) -> None:
        self._state = state
        self._arrivals = arrivals
        self._policy: Decision = policy
        self._decided: Counter[tuple[str, str]] = Counter()

    def decisions(self, source: PushSource) -> Callable[[Row], Decision]:
        """Return what decides about the rows of one batch.

        A run may die when its rejects are on record and its progress is not. Such a row is `resolve`'s from then on,
        or it would be sent here and by `resolve` too.
        """
        arrived: dict[str, bool] = {}
        recorded: dict[str, RejectStatus] = {}
        if isinstance(source, Source) and source.doubtful_since is not None:
            rows = ((row.braze_row, row.identifier, row.payload) for row in source.doubtful_rows())
            arrived = self._arrivals.of(source.type, payloads_of(rows), source.doubtful_since)
            recorded = self._state.reject_statuses(source.sync.unique_id, source.pending.id)

        def decide(row: Row) -> Decision:
            told, status = arrived.get(row.braze_row), recorded.get(row.braze_row)
            decision: Decision = self._policy if told is None else "arrived" if told else "resend"
            if status is not None:
                decision = "hold" if status in OPEN else "arrived"
            words = _SETTLED if status is not None and decision == "arrived" else _WORDS[decision]
            self._decided[source.sync.name, words] += 1
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
                f"{self._decided[sync, words]:,} {words}"
                for words in (*_WORDS.values(), _SETTLED)
                if self._decided[sync, words]
            ]
            notes.append(
                f"{sync}: {total:,} objects may have been sent by a run that ended without a word; {', '.join(parts)}."
            )
        return notes
