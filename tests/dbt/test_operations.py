"""Run-operations on sync tables, told as stories; whoever reads the logs is the real runner."""

import json
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from dbt_project import DbtProject
from push_helpers import KEY, FakeBraze
from replay import log_rows, replay

from braze_runner.client import RetryPolicy
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, push
from braze_runner.warehouse import DbtOptions

SOURCES = {
    "version": 2,
    "sources": [{"name": "crm", "tables": [{"name": name} for name in ("customers", "rows", "requests")]}],
}
USERS = """{{ dbt_braze.attributes_sync(relation=source('crm', 'customers'), external_id='id', attributes=[
    {'name': 'age', 'type': 'integer'}, {'name': 'city', 'type': 'string'}]%s) }}"""
EVENTS = """{{ dbt_braze.events_sync(source('crm', 'rows'), event_id='id', external_id='user_id', name="'Ordered'",
    time="timestamp '2026-01-01'") }}"""
DELETES = "{{ dbt_braze.deletes_sync(source('crm', 'requests'), external_id='user_id') }}"
AUDIENCE = """{{ dbt_braze.audience_sync(source('crm', 'rows'), external_id='user_id', label='id', attribute='segments') }}"""
EXTERNAL_ID = ("EXTERNAL_ID",)


class Shop(DbtProject):
    """Customers, the sync `users` over them, and pushes to destinations by name."""

    def __init__(self, folder: Path, braze: FakeBraze) -> None:
        super().__init__(folder)
        self.braze = braze
        self.yaml("sources", SOURCES)
        self.model("users", USERS % "")
        self.sql("create schema crm")
        self.sql("create table crm.customers (id varchar, age integer, city varchar)")
        self.sql("insert into crm.customers values ('a', 1, 'x'), ('b', 2, null), ('c', 3, 'y')")

    def operation(self, name: str, *, fails: bool = False, **arguments: Any) -> str:
        """Run an operation and return what it says, or its error."""
        output = self.dbt("run-operation", name, "--args", json.dumps(arguments), fails=fails)
        return output if fails else "\n".join(re.findall(r"dbt_braze: (.*)", output))

    def change(self, statement: str, model: str = "users") -> str:
        """Change the source, run the model, and return the id of its newest batch."""
        self.sql(statement)
        self.run("--select", model)
        return str(self.sql(f"select braze_batch from {model} order by UPDATED_AT desc limit 1")[0][0])

    def age(self, days: int) -> None:
        """Make everything so many days older."""
        back = f"to_days({days})"
        self.sql(f"update users set UPDATED_AT = UPDATED_AT - {back}")
        self.sql(f"update users_checkpoint set updated_at = updated_at - {back}")

    def push(self, destination: str = "default", **settings: Any) -> None:
        config = BrazeConfig(self.braze.url, "127.0.0.1", Secret(KEY), destination)
        options = DbtOptions(project_dir=self.folder, profiles_dir=self.folder)
        policy = RetryPolicy(tries=1, random=lambda: 0.0)
        # The path in the profile is relative to the folder that a command runs in, for dbt too.
        with chdir(self.folder):
            push(options, config, PushSettings(select=("users",), workers=2, **settings), policy=policy)

    def batches(self, model: str = "users") -> list[str]:
        rows = self.sql(f"select braze_batch from {model} group by 1 order by max(UPDATED_AT)")
        return [batch for (batch,) in rows]

    def payloads(self, model: str = "users") -> list[tuple[str, dict[str, Any]]]:
        """Identifier and payload of the newest batch."""
        rows = log_rows(self, model, EXTERNAL_ID)
        newest = [row for row in rows if row["braze_batch"] == rows[-1]["braze_batch"]]
        return sorted((row["EXTERNAL_ID"], json.loads(row["PAYLOAD"])) for row in newest)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    braze = FakeBraze()
    braze.start()
    yield Shop(tmp_path, braze)
    braze.stop()


def test_before_the_first_run_each_operation_says_that_there_is_nothing_to_do(shop: Shop) -> None:
    for name, arguments in {
        "braze_reemit": {"sync": "users"},
        "braze_prune": {},
        "braze_void": {"sync": "users", "batch": "newest"},
        "braze_erase_users": {"users": "select 'a' as external_id"},
    }.items():
        assert "users has not run yet, so there is nothing to do" in shop.operation(name, **arguments)


def test_every_wrong_argument_is_in_one_error(shop: Shop) -> None:
    shop.model("events", EVENTS)
    wrong: dict[str, dict[str, list[str]]] = {
        "braze_reemit": {
            '{"sync": "user"}': ["no Braze sync is called 'user'; there are events, users"],
            "{}": ["sync is missing; there are events, users"],
            '{"sync": "events", "users": "crm.vip", "identifier": "email", "attributes": "age", "part": 4, "parts": 3, "again": "yes"}': [
                "sends each of its rows once",
                "users is no query",
                "identifier is 'email'; events has external_id",
                "attributes is no list",
                "part is '4'; it can be a whole number from 1 to 3",
                "again is 'yes'",
            ],
            '{"sync": "events", "attributes": ["a"], "part": 1}': ["sends whole rows", "parts is missing"],
        },
        "braze_prune": {
            '{"sync": "users", "keep_days": 0, "cdi_read_up_to": "2026-01-01", "gone": "a", "dry_run": 1}': [
                "keep_days is '0'",
                "cdi_read_up_to is for one sync with deliver: cdi",
                "gone is no list",
                "dry_run is '1'",
            ],
        },
        "braze_void": {'{"sync": "users"}': ["batch is missing"]},
        "braze_erase_users": {
            '{"identifier": "id"}': ["users is missing", "identifier is 'id'"],
            '{"users": "select external_id from main.users_checkpoint", "sync": "users", "identifier": "email"}': [
                "users reads users",
                "users knows no user by email",
            ],
        },
    }
    for name, calls in wrong.items():
        for arguments, sentences in calls.items():
            output = shop.operation(name, fails=True, **json.loads(arguments))
            assert all(sentence in output for sentence in sentences), output


def test_parts_come_round_and_hold_every_user_once(shop: Shop) -> None:
    shop.sql("insert into crm.customers select 'user ' || i, i, null from range(200) as numbers(i)")
    shop.run()
    counts = []
    for part in (1, 2, 3):
        said = shop.operation("braze_reemit", sync="users", parts=3, part=part)
        assert said.endswith(f"(part {part} of 3)")
        assert shop.operation("braze_reemit", sync="users", parts=3, part=part) == said
        shop.run()
        counts.append(len(shop.payloads()))
    assert sum(counts) == 203
    assert min(counts) > 40
    of_the_day = shop.operation("braze_reemit", sync="users", parts=3)
    assert re.search(r"\(part [123] of 3\)", of_the_day)


def test_users_of_every_kind_of_sync_can_be_sent_again(shop: Shop) -> None:
    shop.sql("create table crm.rows as select 'e1' as id, 'a' as user_id union all select 'e2', 'b'")
    shop.model("events", EVENTS)
    shop.model("segments", AUDIENCE)
    shop.run()
    users = "select 'a' as external_id;"
    assert "1 rows again" in shop.operation("braze_reemit", sync="events", users=users, again=True)
    assert "1 users again" in shop.operation("braze_reemit", sync="segments", users=users)
    shop.run()
    assert shop.payloads("segments") == [("a", {"segments": {"add": ["e1"]}})]
    assert [key for key, _ in shop.payloads("events")] == ["a"]
    assert shop.sql("select count(*) from events") == [(3,)]
    shop.run()
    assert shop.sql("select count(*) from events") == [(3,)]


def test_pruning_waits_for_every_destination_and_keeps_the_newest(shop: Shop) -> None:
    shop.run()
    shop.push("first")
    shop.push("second")
    second = shop.change("update crm.customers set age = age + 1 where id = 'a'")
    shop.push("first")
    third = shop.change("update crm.customers set city = 'z' where id = 'b'")
    shop.age(40)
    assert shop.operation("braze_prune", dry_run=True) == (
        "users: would remove 1 batches (3 rows), kept 2: 1 the newest, 1 not read by all of first, second"
    )
    assert len(shop.batches()) == 3
    assert shop.operation("braze_prune", sync="users").startswith("users: removed 1 batches (3 rows), kept 2")
    assert shop.batches() == [second, third]
    # What is gone is still known: nothing is sent again, and what changes is compared with it.
    shop.run()
    assert shop.batches() == [second, third]
    assert "kept 2: 2 not older than 50 days" not in shop.operation("braze_prune", keep_days=50)
    assert "removed 1 batches (1 rows)" in shop.operation("braze_prune", gone=["second"])
    assert (
        shop.operation("braze_prune", gone=["second"])
        == "users: removed 0 batches (0 rows), kept 1: 1 the newest"
    )
    shop.change("update crm.customers set city = null where id = 'c'")
    assert shop.payloads() == [("c", {"city": None})]


def test_nothing_is_pruned_that_nobody_has_read_or_that_is_young(shop: Shop) -> None:
    shop.run()
    shop.change("update crm.customers set age = 9")
    assert "1 not older than 30 days" in shop.operation("braze_prune")
    shop.age(40)
    assert "1 not read by any destination" in shop.operation("braze_prune")
    assert len(shop.batches()) == 2


def test_what_braze_reads_itself_is_pruned_as_far_as_the_user_says(shop: Shop) -> None:
    shop.model("users", USERS % ", deliver='cdi'")
    shop.run()
    shop.change("update crm.customers set age = 9")
    shop.age(40)
    assert "1 not read by Braze, as far as cdi_read_up_to says" in shop.operation("braze_prune")
    read_up_to = str(shop.sql("select max(UPDATED_AT) from users")[0][0])
    before = str(shop.sql("select min(UPDATED_AT) from users")[0][0])
    assert "removed 0" in shop.operation("braze_prune", sync="users", cdi_read_up_to=before)
    for wrong in ("yesterday", "2026-02-30", "2999-01-01T00:00:00Z"):
        assert "cdi_read_up_to is" in shop.operation(
            "braze_prune", sync="users", cdi_read_up_to=wrong, fails=True
        )
    assert "removed 1 batches (3 rows)" in shop.operation(
        "braze_prune", sync="users", cdi_read_up_to=read_up_to + "Z"
    )


def test_deletes_are_pruned_once_the_attributes_know_of_them(shop: Shop) -> None:
    shop.sql("create table crm.requests as select 'a' as user_id")
    shop.model("gone", DELETES.replace("external_id=", "deliver='cdi', external_id="))
    shop.run()
    shop.change("insert into crm.requests values ('b')", "gone")
    shop.sql("update gone set UPDATED_AT = UPDATED_AT - to_days(40)")
    read_up_to = str(shop.sql("select max(UPDATED_AT) from gone")[0][0])
    shop.sql("delete from users_checkpoint where braze_row like 'deletes/%'")
    assert "1 not known to users yet" in shop.operation("braze_prune", sync="gone", cdi_read_up_to=read_up_to)
    shop.run("--select", "users")
    assert "removed 1 batches" in shop.operation("braze_prune", sync="gone", cdi_read_up_to=read_up_to)


def test_a_batch_that_was_not_merged_is_taken_back_as_if_it_had_never_been(shop: Shop) -> None:
    first = shop.change("update crm.customers set age = age")
    shop.push()
    wrong = shop.change("update crm.customers set age = 99, city = null where id = 'a'")
    shop.sql("insert into crm.customers values ('d', 4, null)")
    assert shop.operation("braze_void", sync="users", batch="newest") == (
        f"users: took back batch {wrong} (1 rows); the next run compares the whole source"
    )
    assert shop.batches() == [first]
    assert f"the newest batch, {wrong}, has been taken back already" in shop.operation(
        "braze_void", sync="users", batch="newest"
    )
    assert f"has no batch {wrong}" in shop.operation("braze_void", sync="users", batch=wrong)
    shop.change("update crm.customers set age = 1 where id = 'a'")
    assert shop.payloads() == [("a", {"city": None}), ("d", {"age": 4})]


def test_users_of_a_merged_batch_that_is_taken_back_are_sent_whole(shop: Shop) -> None:
    shop.run()
    shop.push()
    wrong = shop.change("update crm.customers set age = 99, city = null where id = 'a'")
    shop.change("insert into crm.customers values ('d', 4, null)")
    assert "users: took back" in shop.operation("braze_void", sync="users", batch=wrong)
    shop.change("update crm.customers set age = 98 where id = 'a'")
    assert shop.payloads() == [("a", {"age": 98, "city": None})]
    shop.push()
    profiles = replay(log_rows(shop, "users", EXTERNAL_ID), EXTERNAL_ID)
    assert profiles == {
        ("a",): {"age": 98},
        ("b",): {"age": 2},
        ("c",): {"age": 3, "city": "y"},
        ("d",): {"age": 4},
    }


def test_a_first_batch_that_is_taken_back_is_new_again(shop: Shop) -> None:
    first = shop.change("update crm.customers set age = age")
    shop.run()
    assert "which the checkpoint held already" in shop.operation("braze_void", sync="users", batch="newest")
    assert shop.sql("select count(*) from users_checkpoint where braze_row not like '%/%'") == [(0,)]
    shop.run(braze_max_changed_share=0.1, braze_max_changed_share_from=1)
    assert len(shop.payloads()) == 3
    assert first not in shop.batches()


def test_a_batch_stays_that_somebody_may_have_read_or_that_a_later_one_builds_on(shop: Shop) -> None:
    first = shop.change("update crm.customers set age = age")
    later = shop.change("update crm.customers set age = 7 where id = 'a'")
    output = shop.operation("braze_void", sync="users", batch=first, fails=True)
    assert f"rows of it are in later batches too, to be taken back first: {later}" in output
    # A run that ended before it could note anything has sent some of it all the same.
    shop.braze.script = lambda _number, _body: (500, {}, b"{}")
    shop.push("broken")
    assert shop.sql("select count(*) from braze_sync_ledger where braze_batch is not null") == [(0,)]
    assert "broken has read of it, or may have" in shop.operation(
        "braze_void", sync="users", batch=later, fails=True
    )
    shop.sql("delete from braze_sync_runs")
    shop.braze.script = lambda _number, _body: None
    shop.push()
    output = shop.operation("braze_void", sync="users", batch=later, fails=True)
    assert f"does not take back batch {later} of users: default has read of it" in output
    assert shop.batches() == [first, later]


def test_a_batch_that_braze_reads_itself_is_taken_back_when_the_user_says_that_it_is_unread(
    shop: Shop,
) -> None:
    shop.model("users", USERS % ", deliver='cdi'")
    shop.run()
    first_stamp, last_stamp = (
        str(stamp) for stamp in shop.sql("select min(UPDATED_AT), max(UPDATED_AT) from users")[0]
    )
    assert "only you can say" in shop.operation("braze_void", sync="users", batch="newest", fails=True)
    for stamp in (first_stamp, last_stamp):
        output = shop.operation("braze_void", sync="users", batch="newest", cdi_read_up_to=stamp, fails=True)
        assert "Braze has read up to" in output
    assert "took back" in shop.operation(
        "braze_void", sync="users", batch="newest", cdi_read_up_to="2026-01-01"
    )
    assert shop.batches() == []


def test_labels_that_a_batch_took_away_are_taken_away_again(shop: Shop) -> None:
    shop.sql(
        "create table crm.rows as select 'vip' as id, 'a' as user_id union all select 'old', 'a' union all select 'old', 'b'"
    )
    shop.model("segments", AUDIENCE)
    shop.run("--select", "segments")
    wrong = shop.change("delete from crm.rows where id = 'old'", "segments")
    shop.run("--select", "segments")
    assert wrong in shop.operation("braze_void", sync="segments", batch="newest")
    shop.run("--select", "segments")
    assert shop.payloads("segments") == [
        ("a", {"segments": {"add": ["vip"], "remove": ["old"]}}),
        ("b", {"segments": {"remove": ["old"]}}),
    ]


def test_events_that_were_taken_back_are_emitted_once(shop: Shop) -> None:
    shop.sql("create table crm.rows as select 'e1' as id, 'a' as user_id")
    shop.model("events", EVENTS)
    shop.run("--select", "events")
    shop.run("--select", "events")
    assert "took back" in shop.operation("braze_void", sync="events", batch="newest")
    shop.run("--select", "events")
    shop.run("--select", "events")
    assert shop.sql("select count(*) from events") == [(1,)]


def test_deletions_that_the_attributes_know_of_are_not_taken_back(shop: Shop) -> None:
    shop.sql("create table crm.requests as select 'a' as user_id")
    shop.model("gone", DELETES)
    shop.run("--select", "users")
    shop.run("--select", "gone")
    shop.run("--select", "users")
    output = shop.operation("braze_void", sync="gone", batch="newest", fails=True)
    assert "users has taken its users for deleted already" in output


def test_erased_users_are_nowhere_any_more(shop: Shop) -> None:
    shop.sql("create table crm.rows as select 'e1' as id, 'a' as user_id union all select 'e2', 'b'")
    shop.model("events", EVENTS)
    shop.model(
        "aliases",
        "{{ dbt_braze.aliases_sync(source('crm', 'rows'), alias_name='id', alias_label=\"'old'\", external_id='user_id') }}",
    )
    shop.run()
    # What has been emitted is in the checkpoint after the next run.
    shop.run()
    shop.sql("update users set PAYLOAD = 'no json' where EXTERNAL_ID in ('a', 'b')")
    shop.push()
    shop.change("update crm.customers set age = age + 1")
    shop.sql("update crm.customers set age = age + 1")
    shop.run("--select", "users", fails=True, braze_max_rows=1)
    said = shop.operation(
        "braze_erase_users", users="select id as external_id from crm.customers where id = 'a'"
    )
    assert said.splitlines() == [
        "aliases: erased rows, 1 of the log, 1 of the checkpoint, 0 of the rejects",
        "events: erased rows, 1 of the log, 1 of the checkpoint, 0 of the rejects",
        "users: erased rows, 2 of the log, 1 of the checkpoint, 1 of the refused batch, 1 of the rejects",
    ]
    for table in ("users", "users_checkpoint", "users_batch", "events"):
        assert shop.sql(f"select count(*) from {table} where EXTERNAL_ID = 'a'") == [(0,)]
    assert shop.sql("select identifier from braze_sync_rejects") == [('{"external_id":"b"}',)]
    assert shop.sql("select PAYLOAD from aliases") == [
        ('{"alias_name":"e2","alias_label":"old","external_id":"b"}',)
    ]
    again = shop.operation("braze_erase_users", users="select 'a' as external_id", sync="users")
    assert (
        again
        == "users: erased rows, 0 of the log, 0 of the checkpoint, 0 of the refused batch, 0 of the rejects"
    )
    # Who is still in the source is a new user.
    shop.run("--select", "users")
    assert shop.payloads()[0] == ("a", {"age": 3, "city": "x"})


def test_the_request_to_delete_a_user_stays_until_it_is_read(shop: Shop) -> None:
    shop.sql("create table crm.requests as select 'a' as user_id union all select 'b'")
    shop.model("gone", DELETES.replace("external_id=", "deliver='cdi', external_id="))
    shop.run()
    users = "select 'a' as external_id"
    said = shop.operation("braze_erase_users", users=users)
    assert (
        "gone: erased rows, 0 of the log, 0 of the checkpoint; kept 1 deletions that are not read yet" in said
    )
    shop.run()
    read_up_to = str(shop.sql("select max(UPDATED_AT) from gone")[0][0])
    said = shop.operation("braze_erase_users", users=users, sync="gone", cdi_read_up_to=read_up_to)
    assert said == "gone: erased rows, 1 of the log, 1 of the checkpoint"


def test_users_are_erased_by_alias_too(shop: Shop) -> None:
    shop.sql(
        "create table crm.rows as select 'e' || i as id, 'u' || i as user_id from range(3) as numbers(i)"
    )
    shop.model(
        "events", EVENTS.replace("external_id='user_id'", "alias_name='user_id', alias_label=\"'web'\"")
    )
    shop.model(
        "identifies",
        "{{ dbt_braze.identifies_sync(source('crm', 'rows'), external_id='id', alias_name='user_id', alias_label=\"'web'\") }}",
    )
    shop.run()
    shop.run()
    said = shop.operation(
        "braze_erase_users", users="select 'u1' as alias_name, 'web' as alias_label", identifier="alias"
    )
    assert said.splitlines() == [
        "events: erased rows, 1 of the log, 1 of the checkpoint",
        "identifies: erased rows, 1 of the log, 1 of the checkpoint",
    ]
