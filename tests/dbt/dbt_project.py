"""A throw-away dbt project that installs this package as a user would, and runs dbt on a DuckDB file."""

import json
from pathlib import Path
from typing import Any

import dbt_process
import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[2]


class DbtProject:
    """One project folder with one DuckDB file, `warehouse.duckdb`."""

    def __init__(
        self, folder: Path, project_vars: dict[str, Any] | None = None, output: dict[str, Any] | None = None
    ) -> None:
        """Lay out the project and install the package; `output` is the target, of DuckDB unless it is given."""
        self.folder = folder
        self.database = folder / "warehouse.duckdb"
        self._write("packages.yml", {"packages": [{"local": str(ROOT)}]})
        project = {
            "name": "shop",
            "version": "1.0.0",
            "config-version": 2,
            "profile": "shop",
            "vars": project_vars or {},
        }
        self._write("dbt_project.yml", project)
        output = output or {"type": "duckdb", "path": str(self.database), "schema": "main", "threads": 2}
        self._write("profiles.yml", {"shop": {"target": "dev", "outputs": {"dev": output}}})
        (folder / "models").mkdir()
        self.dbt("deps")

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content))

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
        return self.dbt("run", "--vars", json.dumps(settings), *arguments, fails=fails)

    def sql(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement on the DuckDB file."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(statement, parameters).fetchall()
