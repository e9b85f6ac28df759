"""/cdi/integrations: list, trigger and follow syncs (Braze docs, "Cloud Data Ingestion endpoints")."""

import uuid
from collections.abc import Mapping
from typing import Any

from braze_runner.sandbox.cdi.jobs import JobStore
from braze_runner.sandbox.cdi.syncs import CdiSync
from braze_runner.sandbox.endpoints.checks import refusal
from braze_runner.sandbox.endpoints.paging import links, offset_of
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.rules import CDI_PAGE

_NOT_FOUND = Answer(404, {"message": "The integration was not found"})


def list_integrations(call: Call) -> Answer:
    """Return the syncs, 10 a page."""
    offset = offset_of(call.query.get("cursor"))
    if offset is None:
        return refusal("Invalid cursor")
    found = list(call.settings.cdi_syncs)
    store = JobStore(call.store)
    results = [_told(sync, store) for sync in found[offset : offset + CDI_PAGE]]
    headers = links(call.url, offset, CDI_PAGE, more=len(found) > offset + CDI_PAGE)
    return Answer(200, {"results": results, "message": "success"}, len(results), headers=headers)


def _told(sync: CdiSync, store: JobStore) -> dict[str, Any]:
    last = next(iter(store.jobs(sync.id, 0, 1)), {})
    return {
        "integration_id": sync.id,
        "app_group_id": "sandbox",
        "integration_name": sync.name,
        "integration_type": sync.type,
        "integration_status": "active",
        "contact_emails": [],
        "last_updated_at": last.get("sync_finish_time"),
        "warehouse_type": "duckdb",
        "last_job_start_time": last.get("sync_start_time"),
        "last_job_status": last.get("job_status"),
        "next_scheduled_run": None,
    }


def trigger(call: Call) -> Answer:
    """Start a run; one at a time."""
    sync = _sync(call.settings.cdi_syncs, call.path)
    if isinstance(sync, Answer):
        return sync
    store = JobStore(call.store)
    if store.is_running(sync.id):
        return Answer(429, {"message": "Another job is in progress"})
    call.applier.later("cdi", [store.start(sync.id)], call.settings.cdi_seconds)
    return Answer(202, {"message": "success"}, 1)


def job_sync_status(call: Call) -> Answer:
    """Return the runs of a sync, newest first, 10 a page."""
    sync, offset = _sync(call.settings.cdi_syncs, call.path), offset_of(call.query.get("cursor"))
    if isinstance(sync, Answer):
        return sync
    if offset is None:
        return refusal("Invalid cursor")
    found = JobStore(call.store).jobs(sync.id, offset, CDI_PAGE + 1)
    headers = links(call.url, offset, CDI_PAGE, more=len(found) > CDI_PAGE)
    results = found[:CDI_PAGE]
    return Answer(200, {"results": results, "message": "success"}, len(results), headers=headers)


def _sync(known: Any, path: Mapping[str, str]) -> CdiSync | Answer:
    try:
        wanted = str(uuid.UUID(path["integration_id"]))
    except ValueError:
        return refusal("The integration_id is not valid")
    return next((sync for sync in known if sync.id == wanted), _NOT_FOUND)
