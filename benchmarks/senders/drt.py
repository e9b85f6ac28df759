"""drt with its REST destination, in an environment of its own (`make .engines/drt/.installed`).

A sync has one thread and makes a request of each so many records by a template (docs: REST API destination, batch
mode); whether the API refused single records in its answer it does not look at.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from drt.cli.main import app

from benchmarks.project import TABLE, database_of

# One HTTP client serves a batch; its records are a multiple of those of a request (Braze: POST /users/track).
_OBJECTS, _BATCH = 75, 7_500
_BODY = (
    '{"attributes":[{% for row in rows %}{"external_id":{{ row.EXTERNAL_ID | tojson_safe }},{{ row.PAYLOAD[1:] }}'
    "{% if not loop.last %},{% endif %}{% endfor %}]}"
)


def send(job: dict[str, Any]) -> float:
    """Run one sync of the first rows; returns the seconds of the command without its imports."""
    with tempfile.TemporaryDirectory() as folder:
        _make_project(Path(folder), job)
        os.environ["HOME"] = folder
        os.chdir(folder)
        started = time.perf_counter()
        try:
            app(["run"])
        except SystemExit as done:
            if done.code:
                raise RuntimeError("drt failed") from done
        return time.perf_counter() - started


def _make_project(folder: Path, job: dict[str, Any]) -> None:
    """Write drt's project, profile and sync; JSON is YAML too."""
    rate = job["limit"][0] / job["limit"][1] if job["limit"] else 0
    destination = {
        "type": "rest_api",
        "url": f"{job['address']}/users/track",
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer benchmark"},
        "body_mode": "batch",
        "batch_template": _BODY,
        "max_records_per_request": _OBJECTS,
    }
    sync = {
        "name": "users",
        "model": f"select EXTERNAL_ID, PAYLOAD from {TABLE} limit {job['rows']}",
        "destination": destination,
        # A rate of 0 does not pace.
        "sync": {"mode": "full", "batch_size": _BATCH, "rate_limit": {"requests_per_second": rate}},
    }
    profile = {"type": "duckdb", "database": str(database_of(Path(job["project"])))}
    files = {
        "drt_project.yml": {"name": "bench", "profile": "bench"},
        "syncs/users.yml": sync,
        ".drt/profiles.yml": {"bench": profile},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
