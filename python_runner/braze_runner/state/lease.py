"""Who may push: one run a sync and destination, by the clock of whoever keeps the tables (R7).

Tables in a file have no clock but the machine's, which anybody can set. There a lease ends by the time since the
machine was started, which all its processes share; only of what an earlier start has left the clock decides.
"""

import datetime as dt
import math
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson

from braze_runner.errors import StoppedError
from braze_runner.state.store import State

LEASE_SECONDS = 120.0
# Renewals within the time of one lease.
_RENEWALS = 3
_ATTEMPTS = 3
_LONGEST_WAIT = 2.0


class LeaseTakenError(StoppedError):
    """Another run holds the lease; nothing was sent."""


class Clocks(NamedTuple):
    """By what a claim is judged: the clock of the tables, this machine, and the seconds since its start.

    ``boot`` names that start. It is empty where it has no name, and for tables that other machines have too.
    """

    now: dt.datetime
    machine: str
    boot: str
    uptime: float


class Claim(NamedTuple):
    """What one run claims for one sync: until ``expires_at`` by the tables' clock, ``ends_at`` by its machine's."""

    sync: str
    run_id: str
    fence: int
    released: bool
    machine: str
    pid: int
    expires_at: dt.datetime
    boot: str
    ends_at: float

    def holds(self, clocks: Clocks) -> bool:
        """Say whether the run may still be at work: a dead process of this very machine is not."""
        is_dead = self.machine == clocks.machine and not _is_alive(self.pid)
        if self.released or is_dead:
            return False
        if clocks.boot and clocks.boot == self.boot:
            return self.ends_at > clocks.uptime
        left = (self.expires_at - clocks.now).total_seconds()
        # A clock that was set back before this start would keep a lease of the last one for as long.
        return 0 < left <= (LEASE_SECONDS if clocks.boot else math.inf)


class Lease:
    """The right of one run to push some syncs, renewed by a thread until the context ends.

    A run adds a claim with a number above all others' and looks again: whoever then sees a claim beside its own
    lets go. Of two that claim at once at least one does, for the later insert is read by its own run with the
    earlier one. A run that renews too late, beside the claim of whoever took over, does the same: there the higher
    number stays. One that can't renew in time stops when its lease ends, whatever the warehouse is busy with.
    """

    def __init__(
        self,
        state: State,
        syncs: Sequence[str],
        lost: Callable[[str], None],
        seconds: float = LEASE_SECONDS,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._syncs = syncs
        self._lost = lost
        self._seconds = seconds
        self._wait = wait
        self._clock = clock
        self._ends_at = 0.0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._renew, self._watch)]

    def __enter__(self) -> Self:
        """Take the lease; raises LeaseTakenError, which says who has it."""
        for _ in range(_ATTEMPTS):
            # One look, so that the number is above every claim that was found to have ended.
            claims = self._claims()
            self._refuse(self._held_by_others(claims))
            self._state.fence = 1 + max((claim.fence for claim in claims), default=0)
            if self._is_alone():
                for thread in self._threads:
                    thread.start()
                return self
            self._wait(random.uniform(0, _LONGEST_WAIT))  # noqa: S311 (not a secret)
        raise LeaseTakenError("Another run claimed the same syncs at the same moment: try again.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._release()

    def _is_alone(self) -> bool:
        """Claim the syncs, and let go of them again if another run claims one too."""
        is_alone = False
        try:
            self._claim("lease")
            is_alone = not self._held_by_others(self._claims())
        finally:
            if not is_alone:
                self._release()
        return is_alone

    def _release(self) -> None:
        # A warehouse that refuses this too lets the lease expire by itself.
        with suppress(StoppedError):
            self._claim("released")

    def _refuse(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            raise LeaseTakenError(
                f"{claim.sync} is being pushed to {self._state.destination} by another run, process {claim.pid}; "
                f"its lease ends at {claim.expires_at:%H:%M:%S} UTC unless it is renewed."
            )

    def _renew(self) -> None:
        while not self._ended.wait(self._seconds / _RENEWALS):
            try:
                self._claim("lease")
                # Only now: a claim from before the renewal is seen, and one from after it sees the renewal.
                if any(claim.fence >= self._state.fence for claim in self._held_by_others(self._claims())):
                    self._lost("Another run has taken over the lease, so this one stops.")
                    return
            except StoppedError as exc:
                self._lost(f"The lease could not be renewed: {exc}")
                return

    def _watch(self) -> None:
        """Wait for the end of the lease, which renewals put off."""
        while (left := self._ends_at - self._clock()) > 0:
            if self._ended.wait(left):
                return
        self._lost("The lease ended before it could be renewed, so this run stops.")

    def _claim(self, entry: str) -> None:
        asked_at, now = self._clock(), self._state.tables.now()
        # In this order, so that of one run's claims the newest text is the greatest.
        detail = {
            "machine": machine(),
            "pid": os.getpid(),
            "boot": boot(),
            "ends_at": f"{asked_at + self._seconds:020.6f}",
            "expires_at": (now + dt.timedelta(seconds=self._seconds)).isoformat(timespec="microseconds"),
        }
        text = orjson.dumps(detail).decode()
        rows = [{"sync": sync, "entry": entry, "detail": text, "recorded_at": now} for sync in self._syncs]
        self._state.append("braze_sync_ledger", rows)
        self._ends_at = asked_at + self._seconds

    def _held_by_others(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return those of the claims that are other runs' and still hold."""
        clocks, own = _clocks(self._state, self._clock()), self._state.run_id
        return [claim for claim in claims if claim.run_id != own and claim.holds(clocks)]

    def _claims(self) -> list[Claim]:
        return _claims(self._state, self._syncs)


def holders(state: State, syncs: Sequence[str]) -> list[Claim]:
    """Return the claims on these syncs that still hold."""
    clocks = _clocks(state, time.monotonic())
    return [claim for claim in _claims(state, syncs) if claim.holds(clocks)]


def _clocks(state: State, uptime: float) -> Clocks:
    return Clocks(state.tables.now(), machine(), boot() if state.tables.is_local else "", uptime)


def _claims(state: State, syncs: Sequence[str]) -> list[Claim]:
    if not syncs:
        return []
    listed = ", ".join(state.tables.literal(sync) for sync in syncs)
    rows = state.fetch(
        "braze_sync_ledger",
        "sync, run_id, fence, max(case when entry = 'released' then 1 else 0 end), max(detail)",
        f"entry in ('lease', 'released') and sync in ({listed}) group by sync, run_id, fence",
    )
    return [_claim_of(*row) for row in rows]


def _claim_of(sync: str, run_id: str, fence: Any, released: Any, detail: str) -> Claim:
    known = orjson.loads(detail)
    expires_at = dt.datetime.fromisoformat(known["expires_at"])
    return Claim(
        sync,
        run_id,
        int(fence),
        bool(released),
        known["machine"],
        known["pid"],
        expires_at,
        # Rows of an earlier version say neither.
        known.get("boot", ""),
        float(known.get("ends_at", 0)),
    )


def machine() -> str:
    """Return what tells this machine, and this container on it, from others; process numbers hold within."""
    parts = [socket.gethostname()]
    if start := boot():
        parts.append(start)
        with suppress(OSError):
            parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def boot() -> str:
    """Return the name of this start of the machine, or "" where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # to ask there would end the process; its lease ends by itself
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
