"""Which planner plans a sync."""

from typing import Literal

from braze_runner.errors import ConfigError
from braze_runner.plan.actions import ACTIONS, ActionPlanner
from braze_runner.plan.catalogs import CatalogPlanner
from braze_runner.plan.deletes import DeletesPlanner
from braze_runner.plan.endpoints import TRACKS, Envelope
from braze_runner.plan.planner import Planner
from braze_runner.plan.states import EmailStatusPlanner, SubscriptionPlanner
from braze_runner.plan.track import ActivityPlanner, AttributesPlanner
from braze_runner.project import Sync

TrackLimit = Literal["total", "per-array", "bulk"]
# One envelope for each way to track, so that attributes, events and purchases share requests.
_TRACK_ENVELOPES = {limit: Envelope(endpoint, endpoint.path) for limit, endpoint in TRACKS.items()}


def planner_for(sync: Sync, track_limit: TrackLimit = "total") -> Planner:
    """Return the planner of a sync; raises ConfigError for a type that no REST endpoint takes."""
    envelope = _TRACK_ENVELOPES[track_limit]
    if sync.type == "attributes":
        return AttributesPlanner(envelope, sync.settings)
    if sync.type in ("events", "purchases"):
        return ActivityPlanner(sync.type, envelope, sync.settings)
    if sync.type in ACTIONS:
        return ActionPlanner(sync.type)
    if sync.type == "deletes":
        return DeletesPlanner()
    if sync.type == "subscription_groups":
        return SubscriptionPlanner()
    if sync.type == "email_status":
        return EmailStatusPlanner()
    if sync.type == "catalog_items":
        if not sync.catalog:
            raise ConfigError(f"Model {sync.name}: meta.braze.catalog has to name the catalog.")
        return CatalogPlanner(sync.catalog)
    raise ConfigError(f"Model {sync.name}: Braze alone reads {sync.type}; set deliver: cdi.")
