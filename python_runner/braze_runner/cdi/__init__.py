"""Braze's own readers of sync tables (Cloud Data Ingestion): listed, triggered and followed through the REST API."""

from braze_runner.cdi.arrival import Arrival, SyncTable
from braze_runner.cdi.client import CdiClient, Integration, Job
from braze_runner.cdi.follow import FollowSettings, follow

__all__ = ["Arrival", "CdiClient", "FollowSettings", "Integration", "Job", "SyncTable", "follow"]
