"""A throw-away dbt project that installs this package as a user would, and runs dbt on a DuckDB file."""

import atexit
import copy
import functools
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import dbt_process
import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "warehouse.duckdb"


@functools.cache
def empty_project(project_vars: str) -> Path:
    """Return a folder with a project that has the package installed and, on DuckDB, parsed; copies of it need not do that again."""
    folder = Path(tempfile.mkdtemp(prefix="dbt_braze_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = {
        "name": "shop",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "shop",
        "vars": json.loads(project_vars),
    }
    # dbt reads what it parsed before only for a profile that is the same: the path is relative to the project.
    output = {"type": "duckdb", "path": DATABASE, "schema": "main", "threads": 2}
    profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    packages = {"packages": [{"local": str(ROOT)}]}
    for name, content in {"dbt_project": project, "profiles": profiles, "packages": packages}.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(content))
    (folder / "models").mkdir()
    for command in ("deps", "parse"):
        run_in(folder, command)
    return folder


@functools.cache
def empty_target(project_vars: str, settings: str) -> Path:
    """Return the target folder of the empty project once it is parsed with these vars of the command line."""
    folder = empty_project(project_vars)
    target = folder / target_with(settings)
    run_in(folder, "parse", "--vars", settings, "--target-path", target.name)
    return target


def target_with(settings: str) -> str:
    """Return the name of a target folder: dbt parses everything again when vars are others than those before."""
    return f"target-{hashlib.md5(settings.encode(), usedforsecurity=False).hexdigest()[:8]}"


def run_in(folder: Path, *arguments: str) -> None:
    """Run dbt in a folder; it has to succeed."""
    log = folder / "dbt.log"
    assert dbt_process.invoke(arguments, folder, log) == 0, log.read_text()


class DbtProject:
    """One project folder with one DuckDB file, `warehouse.duckdb`."""

    def __init__(
        self, folder: Path, project_vars: dict[str, Any] | None = None, output: dict[str, Any] | None = None
    ) -> None:
        """Lay out the project and install the package; `output` is the target, of DuckDB unless it is given."""
        self.folder = folder
        self.database = folder / DATABASE
        self.project_vars = json.dumps(project_vars or {}, sort_keys=True)
        others = shutil.ignore_patterns("target-*")
        shutil.copytree(
            empty_project(self.project_vars), folder, symlinks=True, ignore=others, dirs_exist_ok=True
        )
        self.is_parsed = output is None
        if output:
            profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
            (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))

    def copied_to(self, folder: Path) -> "DbtProject":
        """Return the same project, with what its database holds, in another folder; copying takes less than running."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        other = copy.copy(self)
        other.folder, other.database = folder, folder / DATABASE
        return other

    def model(self, name: str, sql: str) -> None:
        """Write a model of the user's project."""
        (self.folder / "models" / f"{name}.sql").write_text(sql)

    def yaml(self, name: str, content: dict[str, Any]) -> None:
        """Write a properties file of the user's project."""
        (self.folder / "models" / f"{name}.yml").write_text(yaml.safe_dump(content))

    def dbt(self, *arguments: str, fails: bool = False) -> str:
        """Run dbt and return what it printed; it has to succeed, or to fail."""
        code = self.dbt_code(*arguments)
        output = (self.folder / "dbt.log").read_text()
        assert (code != 0) == fails, output
        return output

    def dbt_code(self, *arguments: str) -> int:
        """Run dbt and return its exit code, whatever it is."""
        return dbt_process.invoke(arguments, self.folder, self.folder / "dbt.log")

    def run(self, *arguments: str, fails: bool = False, **settings: Any) -> str:
        """Run `dbt run` with the settings as vars."""
        given = json.dumps(settings, sort_keys=True)
        target = target_with(given) if settings and self.is_parsed else "target"
        if not (self.folder / target).exists():
            shutil.copytree(empty_target(self.project_vars, given), self.folder / target)
        return self.dbt("run", "--vars", given, "--target-path", target, *arguments, fails=fails)

    def sql(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement on the DuckDB file."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement, parameters).fetchall()
