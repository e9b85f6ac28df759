"""Requests of at most 75 objects and 4 MB, in the order of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from braze_runner import limits
from braze_runner.plan.rows import REASONS, Reject, Row

# So many rejects end a request even when it holds few objects: progress then goes on through bad data.
_REJECTS = 1_000


@dataclass(slots=True)
class Request:
    """Neighbouring rows of one batch: what is sent together, what was rejected among it, and where it ends.

    ``mark`` is the last ``braze_row``; no row after this request has the same one.
    """

    number: int
    array: str
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    size: int = 0
    mark: str = ""

    def body(self, rows: list[Row] | None = None) -> bytes:
        """Return the request's body, or that of some of its rows."""
        objects = b",".join([row.object for row in (self.rows if rows is None else rows)])
        return b'{"' + self.array.encode() + b'":[' + objects + b"]}"

    @property
    def row_count(self) -> int:
        """Rows of the sync table that this request answers for."""
        return len(self.rows) + len(self.rejects)


class Packer:
    """Packs rows, which come ordered by ``braze_row``; ``numbers`` gives the run's request numbers."""

    def __init__(self, array: str, numbers: Iterator[int]) -> None:
        self._array = array
        self._numbers = numbers
        # The brackets and the array's name around the objects.
        self._envelope = len(Request(0, array).body())
        self._open = self._new()

    def add(self, row: Row | Reject) -> Request | None:
        """Take one row; returns the request before it when that is full."""
        full, request = None, self._open
        if row.braze_row == request.mark and request.row_count:
            # Kept in the request that holds the first one: a mark must never part the two.
            rejected = Reject(
                row.braze_row, row.identifier, row.payload, "duplicate_row", REASONS["duplicate_row"]
            )
            request.rejects.append(rejected)
            return None
        if not self._fits(row):
            full, request = request, self._new()
            self._open = request
        if isinstance(row, Row):
            request.rows.append(row)
            request.size += len(row.object) + 1
        else:
            request.rejects.append(row)
        request.mark = row.braze_row
        return full

    def flush(self) -> Request | None:
        """Return what is left."""
        request, self._open = self._open, self._new()
        return request if request.row_count else None

    def _fits(self, row: Row | Reject) -> bool:
        request = self._open
        if isinstance(row, Reject):
            return len(request.rejects) < _REJECTS
        # Each size counts a comma too, one more than there are.
        size = request.size + len(row.object)
        return len(request.rows) < limits.TRACK_OBJECTS and size <= limits.TRACK_BYTES - self._envelope

    def _new(self) -> Request:
        return Request(next(self._numbers), self._array, size=0)
