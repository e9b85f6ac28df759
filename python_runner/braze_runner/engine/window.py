"""How far one batch has come, whatever the order in which answers come (R1)."""

from collections.abc import Iterator

from braze_runner.plan import Row
from braze_runner.state import Range


class Window:
    """The rows of one batch, in the order of their keys, and the requests that they are in."""

    def __init__(self, mark: str) -> None:
        self._open: dict[int, str] = {}
        self._whole = mark
        self.last = mark

    def take(self, key: str) -> None:
        """Take the next row, in order."""
        self._whole, self.last = self.last, key

    def put_back(self) -> None:
        """Take the newest row back: it stays pending, as does what follows."""
        self.last = self._whole

    def enter(self, number: int) -> None:
        """Note that the newest row has entered a request, with others behind it."""
        self._open.setdefault(number, self._whole)

    def leave(self, number: int) -> None:
        """Note that every row of a request has its end."""
        del self._open[number]

    @property
    def before(self) -> str:
        """Return the key behind which the newest row stands."""
        return self._whole

    def first_of(self, number: int) -> str:
        """Return the key behind which the rows of an open request stand."""
        return self._open[number]

    @property
    def is_empty(self) -> bool:
        """Say whether no request is open."""
        return not self._open

    @property
    def oldest(self) -> int | None:
        """Return the number of the oldest open request, or None."""
        return next(iter(self._open), None)

    def mark(self) -> str:
        """Return the key up to which every row has its end."""
        return min(self._open.values()) if self._open else self.last


def ranges_of(first: str, rows: Iterator[tuple[Row, bool]]) -> Iterator[Range]:
    """Yield the ranges of neighbouring rows for which the flag is set; the rows stand behind ``first``."""
    after = first
    start: str | None = None
    for row, flag in rows:
        if flag and start is None:
            start = after
        elif not flag and start is not None:
            yield Range(start, after)
            start = None
        after = row.braze_row
    if start is not None:
        yield Range(start, after)


def merged(ranges: list[Range]) -> list[Range]:
    """Return the ranges with neighbours made one, in order."""
    joined: list[Range] = []
    for each in sorted(ranges):
        if joined and each.after <= joined[-1].to:
            joined[-1] = Range(joined[-1].after, max(joined[-1].to, each.to))
        else:
            joined.append(each)
    return joined
