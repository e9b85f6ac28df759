"""Triggers an integration and follows its job to the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from braze_runner.cdi.client import CdiClient, Integration, Job
from braze_runner.client.api import RATE_LIMITED
from braze_runner.client.retry import Stop
from braze_runner.errors import StoppedError

# Twelve calls a minute, of the 100 that Braze allows on the status of jobs (API rate limits).
POLL_SECONDS = 5.0
TIMEOUT_SECONDS = 3_600.0


@dataclass(frozen=True)
class FollowSettings:
    """Seconds between two looks and until giving up; ``again``: a job that was under way is not enough.

    It may have read the table before the newest rows were there.
    """

    again: bool = True
    timeout: float = TIMEOUT_SECONDS
    poll: float = POLL_SECONDS


class _Follower:
    """One wait, which ends with a deadline or a stop."""

    def __init__(
        self, client: CdiClient, integration: Integration, settings: FollowSettings, stop: Stop
    ) -> None:
        self._client = client
        self._integration = integration
        self._settings = settings
        self._stop = stop
        self._deadline = time.monotonic() + settings.timeout

    def newest(self) -> Job | None:
        jobs = self._client.jobs(self._integration)
        return jobs[0] if jobs else None

    def wait(self) -> None:
        """Let some time pass; raises StoppedError when there is none left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise StoppedError(
                f"{self._integration.name} has not ended in {self._settings.timeout:g} seconds; "
                "its job goes on in Braze: look again with `braze-runner cdi status`."
            )
        if self._stop.wait(min(self._settings.poll, left)):
            raise StoppedError(f"Stopped; a job of {self._integration.name} goes on in Braze.")

    def end(self, belongs: Callable[[Job], bool]) -> Job:
        """Wait until the newest job is one of these and has ended."""
        while True:
            job = self.newest()
            if job is not None and not job.is_running and belongs(job):
                return job
            self.wait()


def follow(
    client: CdiClient,
    integration: Integration,
    settings: FollowSettings,
    stop: Stop,
    message: Callable[[str], None],
) -> Job:
    """Trigger a job and return it when it has ended.

    While another job is in progress Braze refuses the trigger; that one is followed first. Raises StoppedError
    when the time is up.
    """
    follower = _Follower(client, integration, settings, stop)
    before = follower.newest()
    while client.trigger(integration).status == RATE_LIMITED:
        running = follower.newest()
        if running is None or not running.is_running:
            # The job has ended meanwhile, or is not listed yet, or it was the allowance: 20 triggers a minute.
            follower.wait()
            continue
        message(f"{integration.name}: a job is in progress since {running.sync_start_time}; it is followed.")
        before = follower.end(_not_before(running))
        if not settings.again:
            return before
        message(f"{integration.name}: that job ended with {before.status}; another one is triggered.")
    message(f"{integration.name}: triggered; waiting for its end.")
    return follower.end(_after(before))


def _after(job: Job | None) -> Callable[[Job], bool]:
    """Tell jobs that started after this one; all, where Braze does not say when it did."""
    return lambda other: job is None or not job.sync_start_time or other.started > job.started


def _not_before(job: Job) -> Callable[[Job], bool]:
    return lambda other: not job.sync_start_time or other.started >= job.started
