"""Pushes the pending rows of a dbt project's syncs to one Braze destination."""

from braze_runner.engine.observer import Observer
from braze_runner.engine.push import push
from braze_runner.engine.settings import PushSettings
from braze_runner.engine.summary import Counts, Summary

__all__ = ["Counts", "Observer", "PushSettings", "Summary", "push"]
