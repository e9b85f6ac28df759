"""One verification: draw, replay, read back, compare, and look again at what differs."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from braze_runner.client import RateLimiter, RetryPolicy, Stop, Transport, braze_transport
from braze_runner.client.api import Api
from braze_runner.config import BrazeConfig
from braze_runner.engine.inputs import Input
from braze_runner.engine.select import matching_syncs
from braze_runner.engine.session import Place, opened
from braze_runner.errors import ConfigError
from braze_runner.project import Project, Sync, read_project
from braze_runner.verify.compare import Finding, compare, fields_of
from braze_runner.verify.expected import replay
from braze_runner.verify.profiles import Exporter, Profiles
from braze_runner.verify.reemit import reemit_arguments
from braze_runner.verify.report import Report
from braze_runner.verify.sample import Sample, User
from braze_runner.warehouse import DbtOptions

# Exports lag behind writes by 10 to 100 ms as a rule, by minutes at times (Braze: POST /users/export/ids).
POLL_SECONDS = 5.0


@dataclass(frozen=True)
class VerifySettings:
    """What to compare: ``sample`` users of a sync, drawn by ``seed``.

    Users that differ are read again until ``wait`` seconds have passed, every ``poll`` seconds. ``share`` is the part
    of Braze's allowance to use. ``show`` puts identifiers and values into the report.
    """

    seed: int
    sample: int = 100
    sync: str | None = None
    wait: float = 0.0
    poll: float = POLL_SECONDS
    share: float = 1.0
    show: bool = False
    state_file: Path | None = None


def verify(
    options: DbtOptions,
    config: BrazeConfig,
    settings: VerifySettings,
    *,
    stop: Stop | None = None,
    transport: Transport | None = None,
    policy: RetryPolicy | None = None,
) -> Report:
    """Compare a sample with Braze. Raises ConfigError when there is nothing to compare, ApiError without an answer."""
    project = read_project(options)
    sync = _sync_of(project, settings.sync)
    stop = stop or Stop()
    with ExitStack() as resources:
        place = resources.enter_context(
            opened(options, config.destination, settings.state_file, project, read_only=True)
        )
        each = _input(place, sync, config)
        users = list(Sample(place, each).draw(settings.sample, settings.seed))
        api = resources.enter_context(
            closing(Api(transport or braze_transport(config), stop, policy or RetryPolicy()))
        )
        limiter = RateLimiter(stop, settings.share, enforce=not config.is_loopback)
        comparison = Comparison(sync, [user for user in users if not user.left_out], Exporter(api, limiter))
        comparison.run(settings, stop)
        report = Report(sync.name, config.destination, settings.seed, sampled=len(users))
        report.left_out.update(user.left_out for user in users if user.left_out)
        comparison.tell(report, show=settings.show)
        differing, attributes = comparison.differing()
        report.commands += reemit_arguments(place.warehouse, sync, each.table.name, differing, attributes)
    return report


def _sync_of(project: Project, name: str | None) -> Sync:
    """Return the attributes sync of this name, or the only one; raises ConfigError for anything else."""
    pushed = [each for each in project.syncs if each.type == "attributes" and each.deliver == "rest"]
    names = ", ".join(each.name for each in pushed) or "none"
    if name is None:
        if len(pushed) != 1:
            raise ConfigError(f"Name with --sync which attributes sync to verify; there are: {names}.")
        return pushed[0]
    [sync, *others] = matching_syncs(project.syncs, [name])
    if others or sync not in pushed:
        raise ConfigError(f"{name} is not one attributes sync that is pushed; there are: {names}.")
    return sync


def _input(place: Place, sync: Sync, config: BrazeConfig) -> Input:
    """Open the log; raises ConfigError when it is none, or the destination is another one."""
    each = Input(place.warehouse, sync, "total")
    if not each.table.has_bookkeeping:
        raise ConfigError(f"Model {sync.name}: a table made by hand has no key for a user to be followed by.")
    bound = place.state.bound_host() if place.state.tables.exist() else None
    if bound is None:
        raise ConfigError(f"Nothing has been pushed to the destination {config.destination} yet.")
    if bound != config.host:
        raise ConfigError(f"The destination {config.destination} belongs to {bound}, not to {config.host}.")
    return each


class Comparison:
    """The users who can be compared, and what came out for each."""

    def __init__(self, sync: Sync, users: Sequence[User], exporter: Exporter) -> None:
        self._sync = sync
        self._users = {user.key: user for user in users}
        self._exporter = exporter
        self._expected = {
            user.key: replay((payload for payload in user.payloads), merges=sync.merge_objects is True)
            for user in users
        }
        self._profiles: Profiles = {}
        self._findings: dict[str, list[Finding]] = {}

    def run(self, settings: VerifySettings, stop: Stop) -> None:
        """Read everybody, then again and again those who differ, until nobody does or the time is up."""
        deadline = time.monotonic() + settings.wait
        self._read(list(self._users))
        while (keys := self._different()) and (left := deadline - time.monotonic()) > 0:
            if stop.wait(min(settings.poll, left)):
                return
            self._read(keys)

    def differing(self) -> tuple[list[User], list[str]]:
        """Return the users who differ, and the names of what differs."""
        keys = self._different()
        names = {each.name for key in keys for each in self._findings[key] if each.verdict == "different"}
        return [self._users[key] for key in keys], sorted(names)

    def tell(self, report: Report, *, show: bool) -> None:
        """Add what came out to a report."""
        for key, user in self._users.items():
            profile = self._profiles[key]
            if profile is None:
                report.left_out["ambiguous"] += 1
            elif not profile and not self._may_create(user):
                report.left_out["not_created"] += 1
            else:
                report.missing += not profile
                report.add(self._findings[key])
        if show:
            report.shown += [
                {"user": self._users[key].name, **finding._asdict()}
                for key in self._different()
                for finding in self._findings[key]
                if finding.verdict == "different"
            ]

    def _read(self, keys: Sequence[str]) -> None:
        names = {name for key in keys for name in self._expected[key]}
        self._profiles |= self._exporter.read([self._users[key] for key in keys], fields_of(names))
        for key in keys:
            profile = self._profiles[key]
            can_compare = profile or (profile is not None and self._may_create(self._users[key]))
            self._findings[key] = compare(self._expected[key], profile or {}) if can_compare else []

    def _different(self) -> list[str]:
        return [
            key
            for key, findings in self._findings.items()
            if any(each.verdict == "different" for each in findings)
        ]

    def _may_create(self, user: User) -> bool:
        """Say whether a row of the user may have made a profile (Braze: POST /users/track, identifiers)."""
        if user.kind == "braze_id":
            return False
        unless_said = self._sync.update_existing_only
        if unless_said is None:
            unless_said = user.kind == "user_alias"
        return not all(payload.get("_update_existing_only", unless_said) for payload in user.payloads)
