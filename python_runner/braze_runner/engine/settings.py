"""What a push is told."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from braze_runner.config import BrazeConfig
from braze_runner.engine.deletions import DeletionGuard
from braze_runner.plan.planners import TrackLimit

MAX_WORKERS = 128
# Braze advises to space changes of one user by seconds (POST /users/track).
ORDER_GAP_SECONDS = 5.0

UnknownPolicy = Literal["hold", "resend"]


@dataclass(frozen=True)
class PushSettings:
    """What to push and how hard.

    ``order_gap``: seconds between two steps; None is 5, and 0 on loopback. ``share``: the part of Braze's allowances
    to use. ``enforce_limits``: keep to the allowances that Braze documents; None is yes, but not on loopback.
    ``unknown``: what becomes of objects that may have arrived and count each time, where Currents does not tell;
    what it does not hold when it has been loaded for ``currents_wait`` since did not arrive.
    ``limit``: rows of each sync to send, without recording it.
    ``state_file`` holds the state in place of the warehouse.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workers: int = MAX_WORKERS
    order_gap: float | None = None
    share: float = 1.0
    enforce_limits: bool | None = None
    track_limit: TrackLimit = "total"
    unknown: UnknownPolicy = "hold"
    currents_wait: dt.timedelta = dt.timedelta(hours=24)
    on_invalid: Literal["reject", "stop"] | None = None
    guard: DeletionGuard = field(default_factory=DeletionGuard)
    dry_run: bool = False
    limit: int | None = None
    max_data_points: int | None = None
    state_file: Path | None = None

    def order_gap_for(self, config: BrazeConfig) -> float:
        """Return the seconds between two steps."""
        if self.order_gap is not None:
            return self.order_gap
        return 0.0 if config.is_loopback or self.dry_run else ORDER_GAP_SECONDS

    def enforces_limits_of(self, config: BrazeConfig) -> bool:
        """Say whether to keep to the documented allowances."""
        return not config.is_loopback if self.enforce_limits is None else self.enforce_limits

    @property
    def moves_nothing(self) -> bool:
        """Say whether what is sent stays pending."""
        return self.dry_run or self.limit is not None
