"""braze-runner itself."""

import time
from pathlib import Path
from typing import Any

from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, push
from braze_runner.warehouse import DbtOptions


def send(job: dict[str, Any]) -> float:
    """Push with the runner: plan, validation and ledger, paced as it is towards Braze itself."""
    folder = Path(job["project"])
    config = BrazeConfig(job["address"], "127.0.0.1", Secret("benchmark"), job["destination"])
    settings = PushSettings(enforce_limits=job["limit"] is not None)
    started = time.perf_counter()
    summary = push(DbtOptions(project_dir=folder, profiles_dir=folder), config, settings)
    if summary.error or summary.counts.rows_sent != job["rows"]:
        raise RuntimeError(f"the push failed: {summary}")
    return time.perf_counter() - started
