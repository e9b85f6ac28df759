"""Progress that never passes a row without an end, whatever the order in which answers come (R1)."""

from collections import deque
from dataclasses import dataclass, field

from braze_runner.client import Outcome
from braze_runner.plan import Reject, Request


@dataclass(slots=True)
class _Slot:
    mark: str
    rejects: list[Reject]
    sent: int = 0
    complete: bool = False


@dataclass(slots=True)
class Released:
    """Neighbouring requests whose every row has its end, up to ``mark``."""

    mark: str
    rows_sent: int = 0
    rejects: list[Reject] = field(default_factory=list)


class Window:
    """The requests of one batch from the oldest unanswered one on, in the order of their rows."""

    def __init__(self) -> None:
        self._slots: dict[int, _Slot] = {}
        self._order: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._order)

    def open(self, request: Request) -> None:
        """Take the next request, in order."""
        self._slots[request.number] = _Slot(request.mark, request.rejects)
        self._order.append(request.number)

    def close(self, outcome: Outcome) -> None:
        """Take what became of a request; with rows held back it stays open and stops progress behind it."""
        slot = self._slots[outcome.request.number]
        slot.sent = outcome.sent
        slot.rejects = slot.rejects + outcome.rejects
        slot.complete = not outcome.held

    def release(self) -> Released | None:
        """Return the complete requests at the front as one step, or None without any."""
        released: Released | None = None
        while self._order and self._slots[self._order[0]].complete:
            slot = self._slots.pop(self._order.popleft())
            released = released or Released(slot.mark)
            released.mark = slot.mark
            released.rows_sent += slot.sent
            released.rejects += slot.rejects
        return released

    def leftover(self) -> list[Reject]:
        """Return the rejects of what was answered but not released, once nothing more will be."""
        return [reject for number in self._order for reject in self._slots[number].rejects]
