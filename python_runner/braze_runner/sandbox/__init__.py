"""The local Braze: its REST API on loopback, with profiles kept in a SQLite file."""

from braze_runner.sandbox.server import SandboxServer
from braze_runner.sandbox.settings import Settings

__all__ = ["SandboxServer", "Settings"]
