"""The three calls of Braze's REST API on integrations of Cloud Data Ingestion (Braze: API endpoints, CDI)."""

import datetime as dt
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Self
from urllib.parse import quote

from braze_runner.client.api import RATE_LIMITED, Api, Reply, asking_for
from braze_runner.errors import ConfigError

# job_status -> exit code of the runner (Braze: GET /cdi/integrations/{integration_id}/job_sync_status).
ENDS = {"success": 0, "partial": 1, "error": 3, "config_error": 2}
RUNNING = "running"
# What one call returns (Braze: GET job_sync_status).
PAGE_JOBS = 10

_LIST = "/cdi/integrations"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Integration:
    """One sync that was set up in Braze's dashboard; the texts are Braze's own."""

    id: str
    name: str
    type: str = ""
    status: str = ""
    warehouse: str = ""
    last_job_status: str = ""
    last_job_start_time: str = ""
    next_scheduled_run: str = ""

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Self:
        """Read one of the ``results``; what is missing is empty."""
        text = {name: str(value) for name, value in result.items() if value is not None}
        return cls(
            text.get("integration_id", ""),
            text.get("integration_name", ""),
            text.get("integration_type", ""),
            text.get("integration_status", ""),
            text.get("warehouse_type", ""),
            text.get("last_job_status", ""),
            text.get("last_job_start_time", ""),
            text.get("next_scheduled_run", ""),
        )


@dataclass(frozen=True)
class Job:
    """One run of an integration; the texts are Braze's own, times in ISO 8601."""

    status: str
    sync_start_time: str = ""
    sync_finish_time: str = ""
    last_timestamp_synced: str = ""
    rows_synced: int = 0
    rows_failed: int = 0

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Self:
        """Read one of the ``results``; what is missing is empty."""
        text = {name: str(value) for name, value in result.items() if value is not None}
        return cls(
            text.get("job_status", ""),
            text.get("sync_start_time", ""),
            text.get("sync_finish_time", ""),
            text.get("last_timestamp_synced", ""),
            _count(result.get("rows_synced")),
            _count(result.get("rows_failed_with_errors")),
        )

    @property
    def started(self) -> dt.datetime:
        """Return when it started, in UTC; a job without a start has not begun, so it is the newest."""
        return read_time(self.sync_start_time) or dt.datetime.max.replace(tzinfo=dt.UTC)

    @property
    def is_running(self) -> bool:
        """Say whether it goes on; a status that is not documented has ended once it has a finish time."""
        return self.status == RUNNING or (self.status not in ENDS and not self.sync_finish_time)

    @property
    def exit_code(self) -> int:
        """Return the runner's exit code for its end."""
        return ENDS.get(self.status, 3)


class CdiClient:
    """Lists integrations, triggers one, and reads its jobs."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def integrations(self) -> list[Integration]:
        """Return every integration of the workspace; needs the permission ``cdi.integration_list``."""
        with asking_for("cdi.integration_list"):
            return [Integration.read(each) for each in self._api.pages(_LIST)]

    def find(self, name_or_id: str) -> Integration:
        """Return an integration by its name or id; an id is taken as it is, without listing."""
        if _ID.fullmatch(name_or_id):
            return Integration(name_or_id, name_or_id)
        known = self.integrations()
        found = [each for each in known if name_or_id in (each.name, each.id)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(each.id for each in found)
            raise ConfigError(f"Several integrations are called {name_or_id}: name one by its id ({ids}).")
        names = ", ".join(each.name for each in known) or "none"
        raise ConfigError(f"There is no integration {name_or_id} in this workspace; integrations: {names}.")

    def jobs(self, integration: Integration, count: int = PAGE_JOBS) -> list[Job]:
        """Return the last jobs, newest first; needs the permission ``cdi.integration_job_status``.

        Braze does not say in which order it lists them, so the order is read from the first page.
        """
        with asking_for("cdi.integration_job_status"):
            listed = (Job.read(each) for each in self._api.pages(f"{_path(integration)}/job_sync_status"))
            first = list(islice(listed, PAGE_JOBS))
            if first and first[0].started < first[-1].started:
                return list(reversed(deque(chain(first, listed), maxlen=count)))
            return list(islice(chain(first, listed), count))

    def trigger(self, integration: Integration) -> Reply:
        """Ask for a run: 202, or 429 while another job is in progress or the allowance is used up.

        Needs the permission ``cdi.integration_sync`` (Braze: POST /cdi/integrations/{integration_id}/sync).
        """
        with asking_for("cdi.integration_sync"):
            return self._api.post(
                f"{_path(integration)}/sync", is_answer=lambda answer: answer.status == RATE_LIMITED
            )


def read_time(text: str) -> dt.datetime | None:
    """Read an ISO 8601 time as UTC, which it is without a zone; None for anything else."""
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def _path(integration: Integration) -> str:
    return f"{_LIST}/{quote(integration.id, safe='')}"


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
