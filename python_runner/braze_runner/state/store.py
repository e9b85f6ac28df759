"""What a destination has acknowledged, what it rejected, and each run."""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from typing import Any

from braze_runner import __version__
from braze_runner.errors import ConfigError
from braze_runner.plan import Reject
from braze_runner.state.records import (
    OPEN,
    LastRun,
    OpenReject,
    Position,
    Progress,
    Range,
    RejectStatus,
    RunRecord,
)
from braze_runner.state.tables import Tables

_LEDGER, _REJECTS, _RUNS = "braze_sync_ledger", "braze_sync_rejects", "braze_sync_runs"
_IS_OPEN = "status in ('" + "', '".join(OPEN) + "')"


def utc_now() -> dt.datetime:
    """Return the time in UTC without a zone, as the tables hold it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class State:
    """State of one destination, written by one run.

    Rows are only added, so readers need no order: a batch's mark is the highest one in the ledger. No transaction
    is needed either: what explains a step is written before the step. Rows are stamped by the clock of the tables,
    which runs on any machine share: of a reject the newest word counts.
    """

    def __init__(
        self,
        tables: Tables,
        destination: str,
        run_id: str,
        now: Callable[[], dt.datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tables = tables
        self.destination = destination
        self.run_id = run_id
        self.fence = 0
        self._now = now or self._clock
        self._monotonic = monotonic
        self._asked: tuple[dt.datetime, float] | None = None
        self._sequence = count(1)

    def _clock(self) -> dt.datetime:
        """Return the time of the tables, which are asked once; from then on it is counted here.

        A clock that was set back since an earlier run begins behind that run's last word, which would count else.
        """
        if self._asked is None:
            newest, moment = self._newest_word(), self.tables.now()
            if newest is not None and newest >= moment:
                moment = newest + dt.timedelta(microseconds=1)
            self._asked = (moment, self._monotonic())
        moment, asked_at = self._asked
        return moment + dt.timedelta(seconds=self._monotonic() - asked_at)

    def _newest_word(self) -> dt.datetime | None:
        """Return when a reject or a run was last recorded."""
        return self._newest({_REJECTS: "1 = 1", _RUNS: "1 = 1"})

    def _newest(self, conditions: Mapping[str, str]) -> dt.datetime | None:
        """Return the newest stamp of these rows (table -> condition) of the destination."""
        destination = self.tables.literal(self.destination)
        parts = " union all ".join(
            f"select recorded_at from {self.tables.name_of(table)} "  # noqa: S608 (quoted)
            f"where destination = {destination} and {condition}"
            for table, condition in conditions.items()
        )
        rows = self.tables.fetch_all(f"select max(recorded_at) from ({parts}) as stamps")  # noqa: S608 (quoted)
        newest: dt.datetime | None = rows[0][0]
        return newest

    def prepare(self) -> None:
        """Create the tables where they are missing."""
        self.tables.prepare()

    def bind(self, host: str) -> None:
        """Tie the destination to a REST host on first use; raises ConfigError when it is another one."""
        hosts = self._hosts()
        if not hosts:
            self.append(_LEDGER, [{"sync": "", "entry": "bound", "rest_host": host}])
            # Another run may have done so in the same moment, with another host.
            hosts = sorted(self._hosts(), key=lambda bound: bound == host)
        if hosts[0] != host:
            raise ConfigError(
                f"The destination {self.destination} belongs to {hosts[0]}, not to {host}: "
                "set BRAZE_DESTINATION to a name for the other one."
            )

    def bound_host(self) -> str | None:
        """Return the REST host that the destination is tied to, or None."""
        return next(iter(self._hosts()), None)

    def _hosts(self) -> list[str]:
        rows = self.fetch(_LEDGER, "rest_host", "entry = 'bound' order by recorded_at, seq, rest_host")
        return [str(host) for (host,) in rows]

    def positions(self, sync: str) -> dict[str, Position]:
        """Return batch -> position for each batch of a sync that the destination knows."""
        own = f"sync = {self.tables.literal(sync)}"
        rows = self.fetch(
            _LEDGER,
            "braze_batch, max(braze_row), max(case when entry = 'done' then 1 else 0 end)",
            f"{own} and entry in ('progress', 'done') group by braze_batch",
        )
        positions = {batch: Position(mark, bool(done)) for batch, mark, done in rows}
        rows = self.fetch(
            _LEDGER,
            "braze_batch, entry, run_id, detail, braze_row, recorded_at",
            f"{own} and entry in ('intent', 'ended', 'unsent') and braze_batch not in ("  # noqa: S608 (quoted)
            f"select braze_batch from {self.tables.name_of(_LEDGER)} "
            f"where destination = {self.tables.literal(self.destination)} and {own} and entry = 'done')",
        )
        for batch, entry, run, after, to, recorded_at in rows:
            position = positions.setdefault(batch, Position())
            if entry == "intent":
                position.intents[run] = max(position.intents.get(run, ""), to)
                position.intended_at = max(position.intended_at or recorded_at, recorded_at)
            elif entry == "ended":
                position.ended.append(Range(after or "", to))
            else:
                position.unsent.setdefault(run, []).append(Range(after or "", to))
        return positions

    def intend(self, sync: str, batch: str, to: str) -> None:
        """Record that rows of a batch up to ``to`` are about to be sent, before any of them is (R3)."""
        self.append(_LEDGER, [{"sync": sync, "entry": "intent", "braze_batch": batch, "braze_row": to}])

    def save(self, steps: Mapping[str, Sequence[Progress]]) -> None:
        """Record progress, by sync; the rejects that it passes have to be on record."""
        rows = []
        for sync, of_sync in steps.items():
            for step in of_sync:
                rows += [{"sync": sync} | row for row in _ledger_rows(step)]
        self.append(_LEDGER, rows)
        for of_sync in steps.values():
            for step in of_sync:
                step.is_recorded = True

    def reject(
        self, sync: str, batch: str, rejects: Iterable[Reject], status: RejectStatus = "rejected"
    ) -> None:
        """Record rejects of a batch, or what became of them."""
        self.append(
            _REJECTS,
            [
                {"sync": sync, "braze_batch": batch, "status": status} | each._asdict() | _texts(each)
                for each in rejects
            ],
        )

    def settle(self, settled: Iterable[tuple[OpenReject, RejectStatus]]) -> None:
        """Record what became of open rejects."""
        keys = ("sync", "braze_row", "identifier", "reason", "message", "http_status", "request_number")
        self.append(
            _REJECTS,
            [
                {name: getattr(reject, name) for name in keys}
                | {"braze_batch": reject.batch, "status": status}
                for reject, status in settled
            ],
        )

    def open_rejects(self, sync: str, page_rows: int = 1_000) -> Iterator[OpenReject]:
        """Yield the rejects of a sync that are not settled, by batch and row; a page at a time is read."""
        literal, key = self.tables.literal, "sync, braze_batch, braze_row"
        columns = f"{key}, status, identifier, payload, reason, message, http_status, request_number"
        behind = ""
        while True:
            newest = self._newest_rejects(columns, f"sync = {literal(sync)}{behind}")
            rows = self.tables.fetch_all(
                f"select {columns}, first_seen, last_seen from ({newest}) as newest "  # noqa: S608 (quoted)
                f"where place = 1 and {_IS_OPEN} order by {key} limit {page_rows}"
            )
            for row in rows:
                yield OpenReject(*row)
            if len(rows) < page_rows:
                return
            batch, last = literal(rows[-1][1]), literal(rows[-1][2])
            behind = f" and (braze_batch > {batch} or (braze_batch = {batch} and braze_row > {last}))"

    def reject_statuses(self, sync: str, batch: str) -> dict[str, RejectStatus]:
        """Return braze_row -> newest status of the rejects of a batch, settled or not."""
        literal = self.tables.literal
        newest = self._newest_rejects(
            "braze_row, status", f"sync = {literal(sync)} and braze_batch = {literal(batch)}"
        )
        return dict(
            self.tables.fetch_all(
                f"select braze_row, status from ({newest}) as newest where place = 1"  # noqa: S608 (quoted)
            )
        )

    def count_open_rejects(self) -> dict[str, dict[str, int]]:
        """Return sync -> status -> number of the rejects that are not settled."""
        newest = self._newest_rejects("sync, status")
        counts: dict[str, dict[str, int]] = {}
        for sync, status, number in self.tables.fetch_all(
            f"select sync, status, count(*) from ({newest}) as newest "  # noqa: S608 (quoted)
            f"where place = 1 and {_IS_OPEN} group by sync, status"
        ):
            counts.setdefault(sync, {})[status] = int(number)
        return counts

    def dropped_deletions(self, sync: str) -> set[tuple[str, str]]:
        """Return (braze_batch, braze_row) of deletions that were not sent, since their user had returned."""
        condition = (
            f"sync = {self.tables.literal(sync)} and reason = 'user_returned' group by braze_batch, braze_row "
            "having max(case when status = 'retried' then 1 else 0 end) = 0"
        )
        return set(self.fetch(_REJECTS, "braze_batch, braze_row", condition))

    def _newest_rejects(self, columns: str, condition: str = "1 = 1") -> str:
        """Return the query of what was recorded of each rejected row; the newest record has place 1."""
        key = "partition by sync, braze_batch, braze_row"
        return (
            f"select {columns}, "  # noqa: S608 (quoted)
            f"min(recorded_at) over ({key}) as first_seen, recorded_at as last_seen, "
            f"row_number() over ({key} order by recorded_at desc, seq desc) as place "
            f"from {self.tables.name_of(_REJECTS)} "
            f"where destination = {self.tables.literal(self.destination)} and {condition}"
        )

    def last_runs(self) -> dict[str, LastRun]:
        """Return sync -> its newest run, as it has ended, or as it started if it has not."""
        columns = f"sync, {', '.join(LastRun._fields)}"
        newest_first = "recorded_at desc, case when status = 'started' then 1 else 0 end"
        place = f"row_number() over (partition by sync order by {newest_first}) as place"
        runs, destination = self.tables.name_of(_RUNS), self.tables.literal(self.destination)
        rows = self.tables.fetch_all(
            f"select {columns} from (select {columns}, {place} from {runs} "  # noqa: S608 (quoted)
            f"where destination = {destination}) as newest where place = 1"
        )
        return {sync: LastRun(*run) for sync, *run in rows}

    def newest_stamps(self) -> dict[str, dt.datetime]:
        """Return sync -> newest UPDATED_AT of the batches that runs have acknowledged to their end."""
        rows = self.fetch(
            _RUNS, "sync, max(newest_updated_at)", "newest_updated_at is not null group by sync"
        )
        return dict(rows)

    def record_run(self, sync: str, record: RunRecord, counts: Mapping[str, int]) -> None:
        """Record the start or the end of a run of one sync."""
        self.append(_RUNS, [asdict(record) | dict(counts) | {"sync": sync, "runner_version": __version__}])

    def seconds_since_acceptance(self) -> float | None:
        """Return how long ago anything was last acknowledged, in a push or in a retry; None if never."""
        newest = self._newest(
            {_LEDGER: "entry in ('progress', 'done', 'ended')", _REJECTS: "status = 'retried'"}
        )
        return None if newest is None else max(0.0, (self._now() - newest).total_seconds())

    def fetch(self, table: str, columns: str, condition: str) -> list[tuple[Any, ...]]:
        """Query one table for this destination; ``condition`` may end with group by or order by."""
        destination = self.tables.literal(self.destination)
        return self.tables.fetch_all(
            f"select {columns} from {self.tables.name_of(table)} "  # noqa: S608 (quoted)
            f"where destination = {destination} and {condition}"
        )

    def append(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, with what all rows of this run share."""
        if rows:
            shared = {"destination": self.destination, "run_id": self.run_id, "fence": self.fence}
            stamped = [
                dict(row)
                | shared
                | {"seq": next(self._sequence), "recorded_at": row.get("recorded_at") or self._now()}
                for row in rows
            ]
            self.tables.append(table, stamped)


def _ledger_rows(step: Progress) -> Iterator[dict[str, Any]]:
    for entry, ranges in (("ended", step.ended), ("unsent", step.unsent)):
        for each in ranges:
            yield {"entry": entry, "braze_batch": step.batch, "detail": each.after, "braze_row": each.to}
    yield {
        "entry": "done" if step.done else "progress",
        "braze_batch": step.batch,
        "braze_row": step.mark or None,
        "rows_sent": step.rows_sent,
        "rows_rejected": step.rows_rejected,
    }


def _texts(reject: Reject) -> dict[str, str | None]:
    """Return the bytes of a reject as text; what is not valid UTF-8 can't be stored otherwise."""
    payload = reject.payload
    return {
        "identifier": reject.identifier.decode(errors="backslashreplace"),
        "payload": None if payload is None else payload.decode(errors="backslashreplace"),
    }
