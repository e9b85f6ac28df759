"""Packages that only some commands need: the extras of this distribution."""

import importlib.util

from braze_runner.errors import ConfigError

_PACKAGES = {
    "currents": ("fastavro",),
    "sandbox": ("starlette", "uvicorn"),
    "demo": ("fastavro", "starlette", "uvicorn"),
}


def require_extra(extra: str, what: str) -> None:
    """Raise ConfigError, with the command that installs the extra, where a package of it is missing."""
    if any(importlib.util.find_spec(name) is None for name in _PACKAGES[extra]):
        raise ConfigError(f"{what} needs its extra: pip install 'dbt-braze[{extra}]'.")
