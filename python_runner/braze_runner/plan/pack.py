"""Requests within Braze's limits, in the order of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from braze_runner.plan.endpoints import Envelope
from braze_runner.plan.rows import Row

# A request that waits for more of its kind holds back progress; after so many other rows it is sent as it is.
PATIENCE = 5_000


class Origin(Protocol):
    """Where rows come from."""

    def entered(self, number: int) -> None:
        """Be told that the newest row has entered a request, as the first of its own there."""


S = TypeVar("S", bound=Origin)


@dataclass(slots=True)
class Request(Generic[S]):
    """Rows that are sent together; ``sources`` says from where each one comes, by its index in ``rows``.

    ``opened_at`` is the number of rows that the packer had taken before; ``counts`` are rows by array or user,
    where such a limit holds (``is_counted``), and ``newest`` is the last source.
    """

    number: int
    envelope: Envelope
    opened_at: int = 0
    rows: list[Row] = field(default_factory=list)
    sources: list[tuple[S, int]] = field(default_factory=list)
    size: int = 0
    repeatable: bool = True
    most_rows: int = 0
    most_bytes: int = 0
    is_counted: bool = False
    counts: dict[bytes, int] = field(default_factory=dict)
    newest: S | None = None

    def body(self, rows: list[Row] | None = None) -> bytes:
        """Return the request's body, or that of some of its rows."""
        arrays: dict[bytes, list[bytes]] = {}
        for row in self.rows if rows is None else rows:
            if row.array in arrays:
                arrays[row.array].append(row.object)
            else:
                arrays[row.array] = [row.object]
        return self.envelope.body(arrays)

    def parts(self) -> Iterator[tuple[S, int, int]]:
        """Yield each source with the index of its first row and the one behind its last."""
        ends = [start for _, start in self.sources[1:]] + [len(self.rows)]
        for (source, start), end in zip(self.sources, ends, strict=True):
            yield source, start, end


class Packer(Generic[S]):
    """Packs rows of one or more sources; ``numbers`` gives the run's request numbers.

    Rows of one envelope go out in their order. A full request is returned by the row that did not fit.
    """

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._open: dict[Envelope, Request[S]] = {}
        self._taken = 0

    def add(self, source: S, row: Row) -> Request[S] | None:
        """Take one row; returns a request that is full, if there is one now."""
        # Called for each row: fields of the row by their place, and limits worked out once a request.
        request, full, size = self._open.get(row[4]), None, len(row[3]) + 1
        if (
            request is None
            or len(request.rows) >= request.most_rows
            or request.size + size > request.most_bytes
            or (request.is_counted and not _fits(request, row))
        ):
            full, request = request, self._new(row)
        rows = request.rows
        if request.newest is not source:
            request.newest = source
            request.sources.append((source, len(rows)))
            source.entered(request.number)
        rows.append(row)
        request.size += size
        if not row[8]:
            request.repeatable = False
        if request.is_counted:
            _count(request, row)
        self._taken += 1
        return full or (self._overdue() if len(self._open) > 1 else None)

    def flush(self) -> list[Request[S]]:
        """Return what is left, in the order in which it was opened."""
        left, self._open = list(self._open.values()), {}
        return left

    def _new(self, row: Row) -> Request[S]:
        envelope = row.envelope
        endpoint = envelope.endpoint
        # Taken out first: the order of the dictionary is that of opening.
        self._open.pop(envelope, None)
        # Each array has its name, quotes, colon, brackets and a comma.
        arrays = sum(len(name) + 6 for name in endpoint.arrays) or len(row.array) + 6
        size = len(envelope.head) + len(envelope.tail) + arrays
        request = self._open[envelope] = Request[S](
            next(self._numbers),
            envelope,
            self._taken,
            size=size,
            most_rows=endpoint.objects * (len(endpoint.arrays) if endpoint.per_array else 1),
            # One object is sent alone however large it is; its size counts a comma that is not there.
            most_bytes=max(endpoint.size + 1, size + len(row.object) + 1),
            is_counted=endpoint.per_array or endpoint.objects_of_user is not None,
        )
        return request

    def _overdue(self) -> Request[S] | None:
        oldest = next(iter(self._open.values()))
        if self._taken - oldest.opened_at < PATIENCE:
            return None
        return self._open.pop(oldest.envelope)


def _fits(request: Request[S], row: Row) -> bool:
    """Say whether a row keeps to limits that are not on the request as a whole: by array, by user."""
    endpoint, counts = request.envelope.endpoint, request.counts
    if endpoint.per_array:
        return counts.get(row.array, 0) < endpoint.objects
    user = endpoint.objects_of_user
    return user is None or counts.get(row.identifier, 0) < user


def _count(request: Request[S], row: Row) -> None:
    key = row.array if request.envelope.endpoint.per_array else row.identifier
    request.counts[key] = request.counts.get(key, 0) + 1
