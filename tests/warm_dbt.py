"""Has dbt parse a small project where it is imported: what its first parses build, a fork need not build again."""

import gc
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

# Something of each kind that the package has, on and off: dbt makes code to read and write each when it first meets it.
_TESTED = [{"name": "id", "data_type": "integer", "data_tests": ["not_null"]}]
_OFF = {"enabled": False}
_UNIT_TEST = {"model": "shown", "given": [], "expect": {"rows": [{"id": 1}]}}
_PROPERTIES = {
    "version": 2,
    "sources": [
        {
            "name": "crm",
            "tables": [
                {"name": "shown", "columns": _TESTED},
                {"name": "hidden", "columns": _TESTED, "config": _OFF},
            ],
        }
    ],
    "models": [
        {
            "name": "shown",
            "description": "{{ doc('words') }}",
            "columns": _TESTED,
            "config": {"contract": {"enforced": True}},
        },
        {"name": "hidden", "columns": _TESTED, "config": _OFF},
    ],
    "unit_tests": [{"name": "on", **_UNIT_TEST}, {"name": "off", **_UNIT_TEST, "config": _OFF}],
}
_FILES = {
    "dbt_project.yml": yaml.safe_dump({"name": "small", "version": "1.0.0", "profile": "small"}),
    "profiles.yml": yaml.safe_dump(
        {"small": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": ":memory:"}}}}
    ),
    "models/properties.yml": yaml.safe_dump(_PROPERTIES),
    "models/shown.sql": "{{ words() }}",
    "models/hidden.sql": "select * from {{ source('crm', 'shown') }}",
    "models/words.md": "{% docs words %}Words.{% enddocs %}",
    "macros/words.sql": "{% macro words() %}select 1 as id{% endmacro %}",
}

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
with TemporaryDirectory() as name:
    for file, content in _FILES.items():
        path = Path(name) / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    # The second time it reads what it has written.
    for _ in range(2):
        parsed = dbtRunner().invoke(["--quiet", "parse", "--project-dir", name, "--profiles-dir", name])
        if not parsed.success:
            raise RuntimeError("dbt can't parse a small project") from parsed.exception
        reset_adapters()
# The forks' garbage collector passes over all this.
gc.freeze()
