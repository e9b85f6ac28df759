"""The run-operations on every warehouse, from a first run to a log without a user."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from warehouse import Warehouse, WarehouseProject

USERS = {"id": "string", "age": "integer", "city": "string"}
MEMBERS = {"id": "string", "label": "string"}
LINKS = {"a": "string", "b": "string", "c": "string"}
MODELS = {
    "users": "attributes_sync(source('crm', 'users'), external_id='id', attributes=[{'name': 'age', 'type': 'integer'}, "
    "{'name': 'city', 'type': 'string'}])",
    "members": "audience_sync(source('crm', 'members'), external_id='id', label='label', attribute='labels')",
    "aliases": "aliases_sync(source('crm', 'links'), alias_name='a', alias_label='b', external_id='c')",
}
# The columns of the runner's tables that the operations read.
RUNNER = {
    "braze_sync_ledger": "destination, sync, entry, braze_batch",
    "braze_sync_rejects": "destination, sync, braze_batch, braze_row, identifier",
    "braze_sync_runs": "destination, sync, run_id, status, started_at, requests",
}
SYNC = "model.shop.users"


class Operations:
    """A project with three syncs, and operations on them."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.project = warehouse.project("operations")
        self.project.sources("users", "members", "links")
        for name, kinds in {"users": USERS, "members": MEMBERS, "links": LINKS}.items():
            self.project.table(name, kinds)
        for name, call in MODELS.items():
            self.project.model(name, f"{{{{ dbt_braze.{call} }}}}")
        self.fill({"a": (1, "x"), "b": (2, None), "c": (3, "y")}, [("a", "vip"), ("b", "vip"), ("b", "old")])
        self.project.fill("links", LINKS, [{"a": "n", "b": "l", "c": "a"}, {"a": "m", "b": "l", "c": "b"}])

    def fill(self, users: dict[str, tuple[int, str | None]], members: list[tuple[str, str]]) -> None:
        rows: list[dict[str, Any]] = [
            {"id": id_, "age": age, "city": city} for id_, (age, city) in users.items()
        ]
        self.project.fill("users", USERS, rows)
        self.project.fill("members", MEMBERS, [{"id": id_, "label": label} for id_, label in members])

    def do(self, name: str, *, fails: bool = False, **arguments: Any) -> str:
        """Run an operation and return what it says, without the ids of batches."""
        output = self.project.dbt("run-operation", name, "--args", json.dumps(arguments), fails=fails)
        said = output if fails else "\n".join(re.findall(r"dbt_braze: (.*)", output))
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", said)

    def runner_tables(self) -> None:
        engine = self.project.warehouse.engine
        for name, columns in RUNNER.items():
            types = {"started_at": engine.types["timestamp"], "requests": engine.types["integer"]}
            declared = ", ".join(
                f"{each} {types.get(each, engine.types['string'])}" for each in columns.split(", ")
            )
            self.project.statement(f"create table {self.project.schema}.{name} ({declared})")

    def insert(self, table: str, *values: str) -> None:
        literal = self.project.warehouse.engine.literal
        row = ", ".join(literal(value, "string") for value in values)
        columns = RUNNER[table]
        self.project.statement(f"insert into {self.project.schema}.{table} ({columns}) select {row}")

    def age(self, batch: str, written: datetime) -> None:
        """Make a batch one of another day, in the log and in the checkpoint's note."""
        literal = self.project.warehouse.engine.literal(written, "timestamp")
        for table, column in (("users", "UPDATED_AT"), ("users_checkpoint", "updated_at")):
            self.project.statement(
                f"update {self.project.schema}.{table} set {column} = {literal} where braze_batch = '{batch}'"
            )

    def batches(self) -> list[str]:
        rows = self.project.log("users", "EXTERNAL_ID")
        return list(dict.fromkeys(row["braze_batch"] for row in rows))

    def newest(self, model: str = "users") -> dict[str, Any]:
        rows = self.project.newest(model, "EXTERNAL_ID, PAYLOAD")
        return {row["EXTERNAL_ID"]: row["PAYLOAD"] for row in rows}


@pytest.fixture(scope="module")
def operations(warehouse: Warehouse) -> Operations:
    return Operations(warehouse)


def test_operations_on_sync_tables(operations: Operations) -> None:
    project: WarehouseProject = operations.project
    assert "users has not run yet" in operations.do("braze_prune", sync="users")
    project.run()
    operations.runner_tables()
    project.run()
    chosen = {"sync": "users", "users": "select 'b' as external_id", "attributes": ["city", "age"]}
    assert (
        operations.do("braze_reemit", **chosen)
        == "the next run of users sends these attributes of 1 users again"
    )
    assert operations.do("braze_reemit", sync="aliases", again=True, parts=1).endswith(
        "sends 2 rows again (part 1 of 1)"
    )
    operations.fill({"a": (9, "x"), "b": (2, None), "c": (3, None)}, [("a", "vip")])
    project.run()
    assert operations.newest() == {"a": {"age": 9}, "b": {"age": 2}, "c": {"city": None}}
    assert project.count("aliases") == 4

    # Labels that were taken away, in a batch that the checkpoint holds.
    project.run()
    assert operations.do("braze_void", sync="members", batch="newest") == (
        "members: took back batch <id> (1 rows, which the checkpoint held already); the next run compares the whole source"
    )
    first, second = operations.batches()
    operations.insert("braze_sync_ledger", "default", SYNC, "progress", first)
    assert "default has read of it" in operations.do("braze_void", sync="users", batch=first, fails=True)
    assert operations.do("braze_void", sync="users", batch="newest").startswith(
        "users: took back batch <id> (3 rows, which the checkpoint held already)"
    )
    assert "has been taken back already" in operations.do("braze_void", sync="users", batch="newest")
    project.run()
    assert operations.newest("members") == {"b": {"labels": {"remove": ["old", "vip"]}}}
    assert operations.newest() == {
        "a": {"age": 9, "city": "x"},
        "b": {"age": 2},
        "c": {"age": 3, "city": None},
    }
    assert second not in operations.batches()

    # Two destinations, of which one lags.
    third = operations.batches()[-1]
    operations.fill({"a": (9, "x"), "b": (2, "z"), "c": (3, None)}, [("a", "vip")])
    project.run()
    for batch, month in ((first, 1), (third, 2)):
        operations.insert("braze_sync_ledger", "default", SYNC, "done", batch)
        operations.age(batch, datetime(2025, month, 1))  # noqa: DTZ001 (the columns are in UTC)
    operations.insert("braze_sync_ledger", "lagging", SYNC, "done", first)
    assert operations.do("braze_prune", sync="users") == (
        "users: removed 1 batches (3 rows), kept 2: 1 the newest, 1 not read by all of default, lagging"
    )
    assert operations.do("braze_prune", sync="users", gone=["lagging"]).startswith(
        "users: removed 1 batches (3 rows), kept 1"
    )

    newest = operations.batches()[0]
    row = project.statement(f"select braze_row from {project.schema}.users")[0][0]
    operations.insert("braze_sync_rejects", "default", SYNC, newest, row, '{"external_id":"b"}')
    operations.insert(
        "braze_sync_rejects",
        "default",
        SYNC,
        first,
        "none",
        '{"user_alias":{"alias_name":"b"},"external_id":"b"}',
    )
    operations.insert("braze_sync_rejects", "default", SYNC, first, "none", '{"external_id":"c"}')
    assert operations.do("braze_erase_users", users="select 'b' as external_id").splitlines() == [
        "aliases: erased rows, 2 of the log, 1 of the checkpoint, 0 of the rejects",
        "members: erased rows, 2 of the log, 1 of the checkpoint, 0 of the rejects",
        "users: erased rows, 1 of the log, 1 of the checkpoint, 2 of the rejects",
    ]
    project.run("--select", "users")
    assert operations.newest() == {"b": {"age": 2, "city": "z"}}
