"""What the user sees of a push: a bar on a terminal, plain lines otherwise, and the summary at the end."""

import json
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from braze_runner import json_log
from braze_runner.engine import Counts, Observer, Summary

_BAR_SECONDS = 0.1
_LINE_SECONDS = 10.0


def observer_for(console: Console) -> Observer:
    """Return the observer that fits the console, or the one for log collectors."""
    if json_log.is_wanted():
        return JsonObserver()
    return BarObserver(console) if console.is_terminal else LineObserver(console)


class Pace:
    """How long each sync's rows have been on their way: a sync of a later step has waited for the earlier ones."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._last = now()
        self._since: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def begin(self) -> None:
        """Begin to count: nothing is on its way before."""
        self._last = self.now()

    def advance(self, sync: str) -> float:
        """Note that rows of a sync have ended; returns the time."""
        self._since.setdefault(sync, self._last)
        self._last = self._until[sync] = self.now()
        return self._last

    def rates(self, sync: str, counts: Counts) -> str:
        """Say how fast a sync has gone, and how many of its rows were rejected."""
        seconds = self._until.get(sync, self.now()) - self._since.get(sync, self._last)
        rows, requests = (
            _per_second(value, seconds)
            for value in (counts.rows_sent + counts.rows_rejected, counts.requests)
        )
        return f"{rows:,.0f} rows/s, {requests:,.0f} requests/s, {counts.rows_rejected:,} rejected"


class LineObserver:
    """Plain lines: at the start, every ten seconds, and at the end."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._pace = Pace(now)
        self._rows: dict[str, int] = {}
        self._shown = now()

    def message(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, sync: str, rows: int) -> None:
        """Say what is pending."""
        self._rows[sync] = rows
        self._pace.begin()
        self._shown = self._pace.now()
        self.message(f"{sync}: {rows:,} rows pending")

    def advance(self, sync: str, counts: Counts) -> None:
        """Print a line when the last one is old."""
        now = self._pace.advance(sync)
        if now - self._shown >= _LINE_SECONDS:
            self._shown = now
            self._show(sync, counts)

    def end(self, sync: str, counts: Counts) -> None:
        """Say what was sent."""
        if counts.rows_read:
            self._show(sync, counts)

    def _show(self, sync: str, counts: Counts) -> None:
        done = counts.rows_sent + counts.rows_rejected
        self.message(f"{sync}: {done:,} of {self._rows[sync]:,} rows, {self._pace.rates(sync, counts)}")


class BarObserver:
    """A bar for each sync, with rows/s, requests/s, rejects and the time left."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._pace = Pace(now)
        self._shown = now()
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            # On a narrow terminal the bar gives way, and not the numbers.
            BarColumn(),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[rates]}"),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            console=console,
        )

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def start(self, sync: str, rows: int) -> None:
        """Show a new bar."""
        self._pace.begin()
        self._shown = self._pace.now()
        self._tasks[sync] = self._progress.add_task(sync, total=rows, rates="")
        self._progress.start()

    def advance(self, sync: str, counts: Counts) -> None:
        """Move the bar, ten times a second at most."""
        now = self._pace.advance(sync)
        if now - self._shown >= _BAR_SECONDS:
            self._shown = now
            self._show(sync, counts)

    def end(self, sync: str, counts: Counts) -> None:
        """Show the last numbers and leave the bar where it is."""
        self._show(sync, counts)
        del self._tasks[sync]
        if not self._tasks:
            self._progress.stop()

    def _show(self, sync: str, counts: Counts) -> None:
        done = counts.rows_sent + counts.rows_rejected
        self._progress.update(self._tasks[sync], completed=done, rates=self._pace.rates(sync, counts))


class JsonObserver:
    """One JSON object a line, to the error stream: for log collectors."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._shown = now()

    def message(self, text: str) -> None:
        """Log a sentence."""
        json_log.write("message", text=text)

    def start(self, sync: str, rows: int) -> None:
        """Log what is pending."""
        json_log.write("start", sync=sync, rows_pending=rows)

    def advance(self, sync: str, counts: Counts) -> None:
        """Log the counts when the last ones are old."""
        if self._now() - self._shown >= _LINE_SECONDS:
            self._shown = self._now()
            json_log.write("progress", sync=sync, **counts.as_dict())

    def end(self, sync: str, counts: Counts) -> None:
        """Log the last counts."""
        json_log.write("end", sync=sync, **counts.as_dict())


def print_summary(summary: Summary, console: Console, title: str = "Push") -> None:
    """Print the counts of a push, which add up, and the sentence on its end; nothing between a log's objects."""
    if console.stderr and json_log.is_wanted():
        return
    if summary.counts.rows_read:
        console.print(_table(summary, title))
    for sentence in (*summary.notes, summary.end):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _table(summary: Summary, title: str) -> Table:
    counts, seconds = summary.counts, summary.seconds
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("rows read", counts.rows_read),
        ("= would be sent" if summary.is_dry_run else "= sent", counts.rows_sent),
        ("+ rejected", counts.rows_rejected),
        ("+ held back", counts.rows_held),
        ("of them may have arrived", counts.rows_unknown),
        ("sent again, may have arrived", counts.objects_resent),
        ("requests", counts.requests),
        ("of them retries", counts.retries),
        ("rows/s", round(_per_second(counts.rows_sent + counts.rows_rejected, seconds))),
        ("attributes sent", counts.attributes_sent),
        ("data points", counts.data_points),
    ):
        if value or not name.endswith("may have arrived"):
            table.add_row(name, f"{value:,}")
    table.add_row("seconds", f"{seconds:,.1f}")
    return table


def report_summary(summary: Summary, console: Console, title: str, *, as_json: bool) -> None:
    """Print the summary, and with ``as_json`` one JSON object on the output; the console is then another stream."""
    print_summary(summary, console, title)
    if as_json:
        sys.stdout.write(json.dumps(summary.as_dict(), indent=2) + "\n")


def _per_second(value: int, seconds: float) -> float:
    return value / seconds if seconds > 0 else 0.0
