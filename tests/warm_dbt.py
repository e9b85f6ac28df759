"""Has dbt parse an empty project where it is imported: what its first parse builds, a fork need not build again."""

import gc
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

PROJECT = {"name": "empty", "version": "1.0.0", "profile": "empty"}
PROFILES = {"empty": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": ":memory:"}}}}

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
with TemporaryDirectory() as name:
    for file, content in {"dbt_project": PROJECT, "profiles": PROFILES}.items():
        (Path(name) / f"{file}.yml").write_text(yaml.safe_dump(content))
    parsed = dbtRunner().invoke(["--quiet", "parse", "--project-dir", name, "--profiles-dir", name])
    if not parsed.success:
        raise RuntimeError("dbt can't parse an empty project") from parsed.exception
    reset_adapters()
# The forks' garbage collector passes over all this.
gc.freeze()
