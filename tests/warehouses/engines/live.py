"""A real account instead of the stand-in: the target of the root's profiles.yml, from environment variables."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from engines import engine_of
from engines.base import ROOT, Engine


def live_engine_of(name: str, folder: Path) -> Engine:
    """Return the engine whose processes are those of the vendor; dialect and judge are those of the stand-in."""
    stand_in = type(engine_of(name, folder))

    def output(self: Engine) -> dict[str, Any]:
        return {key: filled(key, value) for key, value in target_of(self.name).items()}

    def profile(self: Engine) -> dict[str, Any]:
        # Secrets stay in the environment; no project file holds them.
        return target_of(self.name)

    def nothing(self: Engine) -> None:
        """The vendor runs it."""

    def judge(self: Engine, statements: Sequence[str]) -> list[str]:  # noqa: ARG001 (it has run them)
        return []

    live: Engine = type(
        "Live",
        (stand_in,),
        {"start": nothing, "stop": nothing, "output": output, "profile": profile, "judge": judge},
    )(folder)
    return live


def target_of(name: str) -> dict[str, Any]:
    """Return a target of profiles.yml as it is written there."""
    profile = yaml.safe_load((ROOT / "profiles.yml").read_text())
    target: dict[str, Any] = profile["dbt_braze"]["outputs"][name]
    return target


def filled(key: str, value: Any) -> Any:
    """Render the `env_var()` of a value; raise KeyError where a variable is missing that names the account."""
    if not isinstance(value, str) or "{{" not in value:
        return value
    environment = Environment(autoescape=False)  # noqa: S701 (no HTML)
    environment.filters["as_number"] = str
    text = environment.from_string(value).render(env_var=variable)
    return int(text) if key == "port" else text


def variable(name: str, default: str | None = None) -> str:
    """Return an environment variable as dbt's env_var() does."""
    value = os.environ.get(name, default)
    if value is None or value == "none":
        raise KeyError(f"{name} is not set: profiles.yml takes the account from it")
    return value
