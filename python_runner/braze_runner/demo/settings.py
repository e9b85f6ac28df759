"""How large the made-up company is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoSettings:
    """How large the company is; the defaults are the demo of the README."""

    users: int = 100_000
    events: int = 1_000_000
    seed: int = 1
