"""Who may push: one run a sync and destination, by the clock of whoever keeps the tables (R7)."""

import datetime as dt
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


class Claim(NamedTuple):
    """What one run claims for one sync."""

    sync: str
    run_id: str
    fence: int
    released: bool
    machine: str
    pid: int
    expires_at: dt.datetime

    def holds(self, now: dt.datetime, here: str) -> bool:
        """Say whether the run may still be at work: a dead process of this very machine is not."""
        is_dead = self.machine == here and not _is_alive(self.pid)
        return not self.released and self.expires_at > now and not is_dead


class Lease:
    """The right of one run to push some syncs, renewed by a thread until the context ends.

    A run adds a claim with a number above all others' and looks again: whoever then sees a claim beside its own
    lets go. Of two that claim at once at least one does, for the later insert is read by its own run with the
    earlier one.
    """

    def __init__(
        self,
        state: State,
        syncs: Sequence[str],
        lost: Callable[[str], None],
        seconds: float = LEASE_SECONDS,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._state = state
        self._syncs = syncs
        self._lost = lost
        self._seconds = seconds
        self._wait = wait
        self._ended = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        """Take the lease; raises LeaseTakenError, which says who has it."""
        for _ in range(_ATTEMPTS):
            self._refuse(self._others())
            self._state.fence = 1 + max((claim.fence for claim in self._claims()), default=0)
            self._claim("lease")
            others = [claim for claim in self._others() if claim.fence >= self._state.fence]
            if not others:
                self._renewer.start()
                return self
            self._claim("released")
            self._wait(random.uniform(0, _LONGEST_WAIT))  # noqa: S311 (not a secret)
        self._refuse(others)
        raise LeaseTakenError("Another run claimed the same syncs at the same moment: try again.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._renewer.join()
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
                if any(claim.fence >= self._state.fence for claim in self._others()):
                    self._lost("Another run has taken over the lease, so this one stops.")
                    return
                self._claim("lease")
            except StoppedError as exc:
                self._lost(f"The lease could not be renewed: {exc}")
                return

    def _claim(self, entry: str) -> None:
        now = self._state.tables.now()
        # In this order, so that of one run's claims the newest text is the greatest.
        detail = {
            "machine": machine(),
            "pid": os.getpid(),
            "expires_at": (now + dt.timedelta(seconds=self._seconds)).isoformat(timespec="microseconds"),
        }
        text = orjson.dumps(detail).decode()
        rows = [{"sync": sync, "entry": entry, "detail": text, "recorded_at": now} for sync in self._syncs]
        self._state.append("braze_sync_ledger", rows)

    def _others(self) -> list[Claim]:
        """Return the claims of other runs that still hold."""
        now, here, own = self._state.tables.now(), machine(), self._state.run_id
        return [claim for claim in self._claims() if claim.run_id != own and claim.holds(now, here)]

    def _claims(self) -> list[Claim]:
        syncs = ", ".join(self._state.tables.literal(sync) for sync in self._syncs)
        rows = self._state.fetch(
            "braze_sync_ledger",
            "sync, run_id, fence, max(case when entry = 'released' then 1 else 0 end), max(detail)",
            f"entry in ('lease', 'released') and sync in ({syncs}) group by sync, run_id, fence",
        )
        return [_claim_of(*row) for row in rows]


def _claim_of(sync: str, run_id: str, fence: Any, released: Any, detail: str) -> Claim:
    known = orjson.loads(detail)
    expires_at = dt.datetime.fromisoformat(known["expires_at"])
    return Claim(sync, run_id, int(fence), bool(released), known["machine"], known["pid"], expires_at)


def machine() -> str:
    """Return what tells this machine, and this container on it, from others; process numbers hold within."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
