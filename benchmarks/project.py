"""A dbt project whose sync table has one pending batch of made-up users, and the rows of it that others send."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb

TABLE = "braze.users_attributes_sync"
_SYNC = "model.bench.users_attributes_sync"
_CREATE = f"""
create table {TABLE} as
select
    timestamp '2026-01-01 00:00:00' as "UPDATED_AT",
    printf('customer-%09d', i) as "EXTERNAL_ID",
    printf('{{"first_name":"Given %d","loyalty_points":%d,"premium":%s', i % 500, i * 7 % 10000, i % 3 = 0)
    || case when i % 2 = 0 then printf(',"last_order":"2025-12-%02dT10:00:00Z"', 1 + i % 28) else '' end
    || case when i % 5 = 0 then ',"favorite_color":null' else '' end || '}}' as "PAYLOAD",
    'batch-1' as braze_batch,
    md5(printf('customer-%09d', i)) as braze_row,
    md5(printf('row-%d', i)) as row_hash,
    printf('{{"first_name":"%s","loyalty_points":"%s"}}', md5(i::text), md5((i + 1)::text)) as attribute_hashes
from range(:rows) as t (i)
order by braze_row
"""


def database_of(folder: Path) -> Path:
    """Return the path of a project's database."""
    return folder / "bench.duckdb"


def make_project(folder: Path, rows: int) -> None:
    """Write the project, with its database and dbt's manifest."""
    database = database_of(folder)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema braze")
        connection.execute(_CREATE.replace("range(:rows)", f"range({rows})"))
    (folder / "dbt_project.yml").write_text("name: bench\nversion: '1.0'\nprofile: bench\n")
    profile = {
        "target": "dev",
        "outputs": {"dev": {"type": "duckdb", "path": str(database), "schema": "braze"}},
    }
    (folder / "profiles.yml").write_text(json.dumps({"bench": profile}))
    node = {
        "unique_id": _SYNC,
        "resource_type": "model",
        "name": "users_attributes_sync",
        "database": "bench",
        "schema": "braze",
        "config": {"materialized": "incremental", "meta": {"braze": {"sync": "attributes"}}},
    }
    manifest = {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes": {_SYNC: node},
    }
    (folder / "target").mkdir()
    (folder / "target" / "manifest.json").write_text(json.dumps(manifest))


def chunks(folder: Path, rows: int, size: int) -> Iterator[list[tuple[str, str]]]:
    """Yield the first rows of the table, (external_id, payload) each, in lists of a request's size."""
    with duckdb.connect(str(database_of(folder)), read_only=True) as connection:
        found = connection.execute(f"select EXTERNAL_ID, PAYLOAD from {TABLE} limit {rows}")
        pairs = iter(lambda: found.fetchmany(10_000), [])
        flat = (pair for pairs_of in pairs for pair in pairs_of)
        while chunk := list(islice(flat, size)):
            yield chunk
