"""The local Braze: its REST API on loopback, with profiles kept in a SQLite file."""

from braze_runner.sandbox.cdi import CdiSync
from braze_runner.sandbox.faults import Fault
from braze_runner.sandbox.server import SandboxServer
from braze_runner.sandbox.settings import Settings

__all__ = ["CdiSync", "Fault", "SandboxServer", "Settings"]
