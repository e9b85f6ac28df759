"""What the user sees of a push: a bar on a terminal, plain lines otherwise, and the summary at the end."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from braze_runner.engine import Counts, Observer, Summary

_BAR_SECONDS = 0.1
_LINE_SECONDS = 10.0


def observer_for(console: Console) -> Observer:
    """Return the observer that fits the console."""
    return BarObserver(console) if console.is_terminal else LineObserver(console)


class LineObserver:
    """Plain lines: at the start, every ten seconds, and at the end."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._sync = ""
        self._rows = 0
        self._started = self._shown = 0.0

    def message(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, sync: str, rows: int) -> None:
        """Say what is pending."""
        self._sync, self._rows = sync, rows
        self._started = self._shown = self._now()
        self.message(f"{sync}: {rows:,} rows pending")

    def advance(self, counts: Counts) -> None:
        """Print a line when the last one is old."""
        if self._now() - self._shown >= _LINE_SECONDS:
            self._shown = self._now()
            done = counts.rows_sent + counts.rows_rejected
            seconds = self._shown - self._started
            self.message(f"{self._sync}: {done:,} of {self._rows:,} rows, {_rates(counts, seconds)}")

    def end(self, counts: Counts) -> None:
        """Say what was sent."""
        if counts.rows_read:
            self.message(f"{self._sync}: {_rates(counts, self._now() - self._started)}")


class BarObserver:
    """A progress bar with rows/s, requests/s, rejects and the time left."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._started = self._shown = 0.0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rates]}"),
            TimeRemainingColumn(),
            console=console,
        )

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, sync: str, rows: int) -> None:
        """Show a new bar."""
        self._started = self._shown = self._now()
        self._task = self._progress.add_task(sync, total=rows, rates="")
        self._progress.start()

    def advance(self, counts: Counts) -> None:
        """Move the bar, ten times a second at most."""
        if self._now() - self._shown >= _BAR_SECONDS:
            self._show(counts)

    def end(self, counts: Counts) -> None:
        """Show the last numbers and leave the bar where it is."""
        self._show(counts)
        self._progress.stop()

    def _show(self, counts: Counts) -> None:
        self._shown = self._now()
        rates = _rates(counts, self._shown - self._started)
        self._progress.update(self._task, completed=counts.rows_sent + counts.rows_rejected, rates=rates)


def print_summary(summary: Summary, console: Console, title: str = "Push") -> None:
    """Print the counts of a push, which add up, and the sentence on its end."""
    counts, seconds = summary.counts, summary.seconds
    if not counts.rows_read:
        console.print(summary.end, highlight=False, markup=False, soft_wrap=True)
        return
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("rows read", counts.rows_read),
        ("= sent", counts.rows_sent),
        ("+ rejected", counts.rows_rejected),
        ("+ held back", counts.rows_held),
        ("requests", counts.requests),
        ("of them retries", counts.retries),
        ("rows/s", round(_per_second(counts.rows_read, seconds))),
        ("attributes sent", counts.attributes_sent),
        ("data points", counts.data_points),
    ):
        table.add_row(name, f"{value:,}")
    table.add_row("seconds", f"{seconds:,.1f}")
    console.print(table)
    console.print(summary.end, highlight=False, markup=False, soft_wrap=True)


def _rates(counts: Counts, seconds: float) -> str:
    rows, requests = (
        _per_second(value, seconds) for value in (counts.rows_sent + counts.rows_rejected, counts.requests)
    )
    return f"{rows:,.0f} rows/s, {requests:,.0f} requests/s, {counts.rows_rejected:,} rejected"


def _per_second(value: int, seconds: float) -> float:
    return value / seconds if seconds > 0 else 0.0
