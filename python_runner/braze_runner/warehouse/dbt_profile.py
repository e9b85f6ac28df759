"""The user's own dbt profile, opened by dbt itself: the only module that imports dbt, and only to connect."""

import importlib
import os
import re
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, cast

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.warehouse.base import Warehouse

# dbt's adapter type -> (module, class) that reads through it, called with (open_handle, credentials).
READERS = {
    "duckdb": ("braze_runner.warehouse.duckdb", "DuckDBWarehouse"),
    "snowflake": ("braze_runner.warehouse.snowflake", "SnowflakeWarehouse"),
    "bigquery": ("braze_runner.warehouse.bigquery", "BigQueryWarehouse"),
    "redshift": ("braze_runner.warehouse.redshift", "RedshiftWarehouse"),
    "databricks": ("braze_runner.warehouse.databricks", "DatabricksWarehouse"),
}


@dataclass(frozen=True)
class DbtOptions:
    """The options that mean here what they mean in dbt; None leaves it to dbt's variables and defaults."""

    project_dir: Path | None = None
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    target_path: Path | None = None
    vars: str | None = None
    """Variables of the project as YAML, which a profile may ask for."""

    def find_project_dir(self) -> Path:
        """Return the folder of the option, of ``DBT_PROJECT_DIR``, or the nearest upwards with a project."""
        named = self.project_dir or _path_from_env("DBT_PROJECT_DIR")
        folders = [named] if named else [Path.cwd(), *Path.cwd().parents]
        for folder in folders:
            if (folder / "dbt_project.yml").is_file():
                return folder
        raise ConfigError(f"No dbt_project.yml in {folders[0]}: name the dbt project with --project-dir.")

    def find_profiles_dir(self) -> Path:
        """Return profiles.yml's folder: the option, ``DBT_PROFILES_DIR``, here, the project, ``~/.dbt``."""
        named = self.profiles_dir or _path_from_env("DBT_PROFILES_DIR")
        folders = [named] if named else [Path.cwd(), self.find_project_dir(), Path.home() / ".dbt"]
        for folder in folders:
            if (folder / "profiles.yml").is_file():
                return folder
        looked_in = " or ".join(dict.fromkeys(map(str, folders)))
        raise ConfigError(f"No profiles.yml in {looked_in}: name its folder with --profiles-dir.")


def connect(options: DbtOptions, *, must_exist: bool = False) -> Warehouse:
    """Connect to the warehouse of the dbt profile and target.

    With ``must_exist`` a missing database file is an error and is not created. Raises ConfigError for
    whatever is wrong in the profile, StoppedError when the warehouse can't be reached.
    """
    credentials, manager = _load_credentials(options)
    if credentials.type not in READERS:
        supported = ", ".join(READERS)
        raise ConfigError(f"The dbt adapter {credentials.type} is not supported; supported: {supported}.")
    if must_exist:
        _check_database_file(credentials)
    module, name = READERS[credentials.type]
    reader = getattr(importlib.import_module(module), name)
    return cast("Warehouse", reader(lambda: _open_handle(manager, credentials), credentials))


def _path_from_env(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _load_credentials(options: DbtOptions) -> tuple[Any, Any]:
    """Return dbt's credentials of the target and the adapter's connection manager."""
    project_dir, profiles_dir = options.find_project_dir(), options.find_profiles_dir()
    try:
        dbt_factory, dbt_utils, dbt_runtime, dbt_flags, dbt_context, dbt_exceptions = map(
            importlib.import_module,
            (
                "dbt.adapters.factory",
                "dbt.config.utils",
                "dbt.config.runtime",
                "dbt.flags",
                "dbt_common.context",
                "dbt_common.exceptions",
            ),
        )
    except ImportError as exc:
        raise ConfigError(
            "dbt is not installed here: pip install 'dbt-braze[duckdb]', or with the extra of your warehouse."
        ) from exc
    dbt_context.set_invocation_context(dict(os.environ))
    try:
        # Fills the flags from DBT_* variables too, which is how DBT_TARGET and DBT_PROFILE get their meaning.
        dbt_flags.set_from_args(Namespace(PROJECT_DIR=str(project_dir), PROFILES_DIR=str(profiles_dir)), None)
        flags = dbt_flags.get_flags()
        variables = dbt_utils.parse_cli_vars(options.vars) if options.vars else {}
        profile = dbt_runtime.load_profile(
            str(project_dir), variables, options.profile or flags.PROFILE, options.target or flags.TARGET
        )
    except dbt_exceptions.DbtBaseException as exc:
        raise _profile_error(str(exc)) from exc
    credentials = profile.credentials
    if hasattr(credentials, "keep_open"):
        # dbt-duckdb would hold the file until its process ends; dbt must be able to open it after us.
        credentials.keep_open = False
    return credentials, dbt_factory.FACTORY.get_adapter_class_by_name(credentials.type).ConnectionManager


def _profile_error(message: str) -> ConfigError:
    missing = re.search(r"Could not find adapter type (\w+)", message)
    if missing:
        name = missing.group(1)
        return ConfigError(f"The dbt adapter for {name} is not installed: pip install 'dbt-braze[{name}]'.")
    return ConfigError(f"dbt can't use this profile: {' '.join(message.split())}")


def _open_handle(manager: Any, credentials: Any) -> Any:
    """Open one more connection the way dbt would, with its extensions, attachments and settings."""
    contracts = importlib.import_module("dbt.adapters.contracts.connection")
    connection = contracts.Connection(type=credentials.type, name="braze_runner", credentials=credentials)
    # dbt-databricks has the compute of a model there.
    connection.http_path = getattr(credentials, "http_path", None)
    try:
        return manager.open(connection).handle
    except Exception as exc:
        message = " ".join(str(exc).split())
        if "Could not set lock" in message:
            message = f"{credentials.path} is in use by another process: try again when that has ended."
        raise StoppedError(f"The warehouse can't be reached: {message}") from exc


def _check_database_file(credentials: Any) -> None:
    path = getattr(credentials, "path", None)
    if _is_file(path) and not Path(path).exists():
        raise ConfigError(f"The database file {path} does not exist: run dbt first.")


def _is_file(path: Any) -> TypeGuard[str]:
    """Tell a local file from a URL, ``:memory:``, ``md:…`` and their like."""
    return isinstance(path, str) and re.match(r":|[a-z]{2,}:", path) is None
