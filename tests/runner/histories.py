"""Runs of the pusher over one batch that end, stop or die anywhere, and what is known of each row."""

import datetime as dt
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from braze_runner.client import Outcome, Stop
from braze_runner.engine.observer import Silent
from braze_runner.engine.pusher import Cap, Decision, Pusher
from braze_runner.engine.reader import Batch
from braze_runner.engine.source import Source
from braze_runner.engine.summary import Counts
from braze_runner.errors import StoppedError
from braze_runner.limits import TRACK
from braze_runner.plan import Reject, Request, Row, Step, rejected
from braze_runner.plan.endpoints import Endpoint, Envelope
from braze_runner.project import Location, Sync
from braze_runner.state import FileTables, Position, State, Tables

SYNC = Sync("model.shop.users_events_sync", "users_events_sync", Location(None, "braze", "events"), "events")
BATCH = "batch-1"
LONG_AGO = dt.datetime.fromisoformat("2026-01-01")
# Requests of three rows, so that a short batch has many.
SMALL = Envelope(
    Endpoint("track", "/users/track", "users.track", TRACK, 3, arrays=(b"events",)), "/users/track"
)

Kind = Literal["once", "again", "bad"]


class Killed(BaseException):
    """The process is gone: nothing that it does from here on reaches anything."""


def planned(number: int, kind: Kind) -> Row | Reject:
    key = f"{number:08x}"
    if kind == "bad":
        return Reject(key, b"{}", None, "payload_missing", "PAYLOAD is null.")
    name = b'"external_id":"%d"' % number
    return Row(key, name, b"{}", b"{" + name + b"}", SMALL, b"events", 0, 1, kind == "again")


@dataclass
class Listed:
    """A table's rows, already planned: reader and planner in one."""

    rows: Sequence[Row | Reject]

    def pending(self, positions: Mapping[str, Position]) -> list[Batch]:
        position = positions.get(BATCH, Position())
        return [] if position.done else [Batch(BATCH, len(self.rows), LONG_AGO, LONG_AGO, position)]

    def read(self, batch: Batch) -> Iterator[Any]:
        left = [row for row in self.rows if row.braze_row > (batch.position.mark or "")]
        for start in range(0, len(left), 4):
            yield left[start : start + 4]

    def plan_batch(self, batch: Any) -> Any:
        return batch


@dataclass
class World:
    """What outlives a run: the tables, what arrived at Braze, and which rows may not be certain."""

    chance: random.Random
    rows: Sequence[Row | Reject]
    tables: Tables
    arrived: Counter[str] = field(default_factory=Counter)
    surely_unknown: set[str] = field(default_factory=set)
    perhaps_unknown: set[str] = field(default_factory=set)
    runs: int = 0

    def braze(self, run: "Run") -> "Braze":
        """Return what a run sends to."""
        return Braze(run)

    def take(self, request: Request[Any], index: int) -> None:
        """Note that Braze has got a row of a request."""
        self.arrived[request.rows[index].braze_row] += 1

    @property
    def once(self) -> set[str]:
        return {row.braze_row for row in self.rows if isinstance(row, Row) and not row.repeatable}


class DyingTables:
    """Tables until the process dies, at random in the middle of a write."""

    def __init__(self, run: "Run") -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run.world.tables, name)

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        run = self._run
        run.live()
        dies, fails = run.dies(), run.chance.random() < run.trouble
        if dies or fails:
            # An error may leave the first of the rows (Warehouse.append).
            written = rows[: run.chance.randrange(len(rows) + 1)]
            run.world.tables.append(table, written)
            run.note(table, written)
            run.is_recorded = False
            raise run.kill() if dies else StoppedError("the connection is lost")
        run.world.tables.append(table, rows)
        run.note(table, rows)
        if table == "braze_sync_ledger" and any(row["entry"] in ("progress", "done") for row in rows):
            run.recorded |= run.settled
            run.is_recorded = True


class Braze:
    """A pool whose requests arrive, are refused or get lost, and are answered in any order."""

    target = 4
    bytes_in_flight = 0

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._open: list[Request[Any]] = []

    @property
    def in_flight(self) -> int:
        return 0 if self._run.is_dead else len(self._open)

    def submit(self, request: Request[Any]) -> None:
        run = self._run
        run.live()
        run.submitted |= {row.braze_row for row in request.rows}
        self._open.append(request)
        if run.dies():
            self._arrive(request, run.chance.random() < 0.5)
            raise run.kill()

    def take(self, seconds: float) -> Outcome | None:
        run = self._run
        run.live()
        if not self._open or (not seconds and run.chance.random() < 0.5):
            return None
        if run.dies():
            for request in self._open:
                self._arrive(request, run.chance.random() < 0.5)
            raise run.kill()
        request = self._open.pop(run.chance.randrange(len(self._open)))
        outcome = self._answer(request)
        run.settled |= {row.braze_row for row in request.rows}
        return outcome

    def _arrive(self, request: Request[Any], arrives: bool) -> None:
        for index in range(len(request.rows)) if arrives else ():
            self._run.world.take(request, index)

    def _answer(self, request: Request[Any]) -> Outcome:
        """Give each row an end, or none, as a sender under the policy ``hold`` would."""
        run, everything = self._run, range(len(request.rows))
        outcome, sent = Outcome(request, requests=1), []
        ends = run.ends if not run.stop.is_set() else ("sent", "held")
        for index in everything:
            row, end = request.rows[index], run.chance.choice(ends)
            if end == "rejected":
                outcome.rejects[index] = rejected(row, "braze_refused", "no")
            elif end == "held":
                outcome.held.append(index)
                outcome.error = StoppedError("no usable answer")
            elif end == "lost" and not row.repeatable:
                outcome.unknown.append(index)
                if run.chance.randrange(2):
                    run.world.take(request, index)
            else:
                sent.append(index)
                run.world.take(request, index)
        outcome.sent = sent
        return outcome


class Run:
    """One run: it dies with a chance at each step, or ends by itself; ``trouble`` is the chance of a failed write."""

    def __init__(
        self,
        world: World,
        deadliness: float,
        ends: Sequence[str],
        cap: int | None = None,
        trouble: float = 0.0,
    ) -> None:
        self.world, self.chance, self.deadliness, self.ends = world, world.chance, deadliness, ends
        self.cap, self.trouble = cap, trouble
        self.is_recorded = True
        self.stop = Stop()
        self.is_dead = False
        self.submitted: set[str] = set()
        self.settled: set[str] = set()
        self.recorded: set[str] = set()
        self.intended: set[str] = set()
        self.decided: list[str] = []
        self.counts = Counts()
        world.runs += 1
        self.state = State(DyingTables(self), "default", f"run-{world.runs}")  # type: ignore[arg-type]

    def dies(self) -> bool:
        return self.chance.random() < self.deadliness

    def live(self) -> None:
        if self.is_dead:
            raise Killed

    def kill(self) -> Killed:
        self.is_dead = True
        return Killed()

    def note(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note what the ledger says now, as far as this run can know it."""
        for row in rows if table == "braze_sync_ledger" else ():
            after = (row["detail"] or "") if row["entry"] in ("ended", "unsent") else ""
            named = {key for key in self.world.once if after < key <= (row["braze_row"] or "")}
            if row["entry"] == "intent":
                self.intended |= named
            else:
                self.recorded |= named & self.settled

    def decide(self, row: Row) -> Decision:
        self.decided.append(row.braze_row)
        self.settled.add(row.braze_row)
        return "hold"

    def push(self) -> None:
        """Push what is pending, and tell the world what is uncertain now."""
        world, listed = self.world, Listed(self.world.rows)
        time = 0.0

        def now() -> float:
            nonlocal time
            time += self.chance.choice([0.0, 0.0, 3.0])
            return time

        before = State(world.tables, "default", "reader").positions(SYNC.unique_id)
        mark = before.get(BATCH, Position()).mark or ""
        batches = listed.pending(before)
        sources = [Source(SYNC, batch, listed, listed, self.counts) for batch in batches]  # type: ignore[arg-type]
        settle, cap = (lambda _: self.decide), Cap(data_points=self.cap)
        pusher = Pusher(world.braze(self), self.state, self.stop, Silent(), settle, 0.0, cap, now=now)
        try:
            pusher.push([Step("users", sources)])
        except Killed:
            self.is_recorded = False
        else:
            self.counts.check()
        if self.is_recorded:
            self.recorded |= self.settled
        else:
            # Of what it meant to send, Braze may have got whatever no answer is on record for.
            world.perhaps_unknown |= {key for key in self.intended if key > mark}
            world.surely_unknown |= self.submitted & world.once
        world.perhaps_unknown -= self.recorded
        world.surely_unknown -= self.recorded


def open_keys(tables: Tables) -> set[str]:
    return {reject.braze_row for reject in State(tables, "default", "reader").open_rejects(SYNC.unique_id)}


class Brief(FileTables):
    """State tables that need to outlast nothing, so they are in no file."""

    def __init__(self) -> None:
        self._path, self._lock = Path("none"), threading.Lock()
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.prepare()
