"""Profiles of the local Braze against a log in DuckDB, some of them wrong on purpose."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from push_helpers import KEY, SYNC, FakeBraze, Shop, row_name, user

from braze_runner.cli import group
from braze_runner.client import RetryPolicy
from braze_runner.client.api import ApiError
from braze_runner.config import BrazeConfig, Secret
from braze_runner.errors import ConfigError
from braze_runner.plan import Reject
from braze_runner.project import read_project
from braze_runner.sandbox import SandboxServer
from braze_runner.state import State, WarehouseTables
from braze_runner.verify import Report, VerifySettings, verify
from braze_runner.warehouse import DbtOptions, connect

PRIVATE = "value-that-nobody-may-see"


class Verified(Shop):
    """A shop that pushes to a local Braze, whose profiles can be spoilt."""

    sandbox: SandboxServer

    def verify(self, **settings: Any) -> Report:
        config = BrazeConfig(self.sandbox.url, "127.0.0.1", Secret(KEY))
        quick = RetryPolicy(tries=2, random=lambda: 0.0)
        return verify(self.options, config, VerifySettings(**{"seed": 1} | settings), policy=quick)

    def spoil(self, sql: str) -> None:
        with closing(sqlite3.connect(self.sandbox.settings.db, timeout=30)) as file:
            file.execute(sql)
            file.commit()

    def plant(self, external_id: str, name: str, value: Any) -> None:
        """Give a profile another value than was sent."""
        self.spoil(
            f"update profiles set custom_attributes = json_set(custom_attributes, '$.{name}', "
            f"json('{json.dumps(value)}')) where external_id = '{external_id}'"
        )

    def rows(self, *rows: dict[str, Any], batch: str = "batch-1", day: int = 1) -> None:
        """Append rows with any identifier columns; keys are hash-like and belong to the identifiers."""
        for name in ("alias_name", "alias_label", "braze_id", "email", "phone"):
            self.query(f"alter table braze.users_attributes_sync add column if not exists {name} varchar")
        for row in rows:
            payload = json.dumps(row.pop("payload"))
            key = hashlib.sha256(json.dumps(row).encode()).hexdigest()[:32]
            columns = {"updated_at": f"2026-01-{day:02}", "braze_batch": batch, "braze_row": key} | row
            texts = ", ".join("'" + value + "'" for value in (*columns.values(), payload))
            self.query(
                f"insert into braze.users_attributes_sync ({', '.join(columns)}, payload) values ({texts})"
            )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SandboxServer]]:
    servers: list[SandboxServer] = []

    def started(**options: Any) -> SandboxServer:
        server = SandboxServer(tmp_path / "braze.sqlite", api_key=KEY, **options)
        servers.append(server.start())
        return server

    yield started
    for server in servers:
        server.stop()


@pytest.fixture
def open_shop(
    options: DbtOptions, start: Callable[..., SandboxServer], tmp_path: Path
) -> Callable[..., Verified]:
    def opened(**settings: Any) -> Verified:
        server: Any = start(**settings)
        shop = Verified(options, server, tmp_path / "shop.duckdb")
        shop.sandbox = server
        return shop

    return opened


@pytest.fixture
def pushed(open_shop: Callable[..., Verified]) -> Verified:
    """200 users, pushed."""
    shop = open_shop()
    shop.add([(user(number), json.dumps({"city": PRIVATE, "n": number})) for number in range(200)])
    assert shop.push().exit_code == 0
    return shop


def test_what_was_pushed_is_what_braze_has(pushed: Verified) -> None:
    report = pushed.verify(sample=1_000)
    assert (report.sampled, report.compared, report.exit_code) == (200, 200, 0)
    assert (report.count("equal"), report.count("different"), report.count("not comparable")) == (400, 0, 0)
    assert report.commands == []


def test_a_wrong_value_is_found_and_its_users_can_be_sent_again(pushed: Verified) -> None:
    pushed.plant(user(7), "city", "elsewhere")
    pushed.plant(user(9), "city", None)
    pushed.plant(user(9), "n", 9.0)
    report = pushed.verify(sample=200)
    assert (report.compared, report.differing_users, report.exit_code) == (200, 2, 1)
    assert report.attributes["city"] == {"equal": 198, "different": 2}
    assert report.attributes["n"] == {"equal": 200}
    assert PRIVATE not in json.dumps(report.as_dict())
    [[*operation, text]] = report.commands
    assert operation == ["run-operation", "braze_reemit", "--args"]
    arguments = json.loads(text)
    assert (arguments["sync"], arguments["attributes"]) == ("users_attributes_sync", ["city"])
    assert sorted(pushed.query(arguments["users"])) == [(user(7),), (user(9),)]
    assert user(7) not in text


def test_a_sample_is_drawn_by_its_seed_and_goes_round_the_end(pushed: Verified) -> None:
    def drawn(seed: int, sample: int) -> set[str]:
        with closing(sqlite3.connect(pushed.sandbox.settings.db)) as file:
            file.execute("update profiles set custom_attributes = '{}'")
            file.commit()
        report = pushed.verify(seed=seed, sample=sample, show=True)
        assert report.sampled == report.differing_users == sample
        return {each["user"]["external_id"] for each in report.shown}

    assert drawn(1, 10) == drawn(1, 10)
    assert drawn(1, 10) != drawn(2, 10)
    assert drawn(3, 200) == {user(number) for number in range(200)}


def test_a_user_whom_braze_does_not_have_is_different(pushed: Verified) -> None:
    pushed.spoil(f"delete from profiles where external_id = '{user(3)}'")
    report = pushed.verify(sample=200)
    assert (report.missing, report.differing_users, report.count("different")) == (1, 1, 2)


def test_users_with_something_pending_or_rejected_are_named_and_not_compared(pushed: Verified) -> None:
    with closing(connect(pushed.options)) as warehouse:
        state = State(WarehouseTables(warehouse, read_project(pushed.options).state), "default", "run-9")
        keys = [row_name(number, 200) for number in (1, 2)]
        rejected, unknown = (Reject(key, b"{}", b"{}", "maybe_sent", "") for key in keys)
        state.reject(SYNC, "batch-1", [rejected])
        state.reject(SYNC, "batch-1", [unknown], "unknown")
    pushed.query(
        "insert into braze.users_attributes_sync by name select * replace ('batch-2' as braze_batch, "
        "timestamp '2026-01-02' as updated_at, '{\"city\":\"new\"}' as payload) "
        f"from braze.users_attributes_sync where external_id = '{user(0)}'"
    )
    for number in range(3):
        pushed.plant(user(number), "city", "elsewhere")
    report = pushed.verify(sample=200)
    assert report.left_out == {"pending": 1, "rejected": 1, "maybe_sent": 1}
    assert (report.compared, report.exit_code) == (197, 0)


def test_later_batches_replace_add_and_remove(open_shop: Callable[..., Verified]) -> None:
    shop = open_shop()
    days: list[dict[str, Any]] = [
        {
            "city": "Rome",
            "tags": {"add": ["a", "b"]},
            "visits": {"inc": 2},
            "since": "2026-01-02",
            "x": {"y": 1},
        },
        {"city": None, "tags": {"remove": ["a"], "add": ["c"]}, "first_name": "Ann", "x": {"z": 2}},
        {
            "current_location": {"longitude": 13.4, "latitude": 52.5},
            "carts": {"$add": [{"id": 1}, {"id": 2}]},
            "image_url": "https://shop.example/a.png",
            "_merge_objects": True,
            "x": {"w": {"v": True}},
        },
    ]
    for day, payload in enumerate(days, 1):
        shop.rows({"external_id": "c-1", "payload": payload}, batch=f"batch-{day}", day=day)
        assert shop.push().exit_code == 0
    report = shop.verify()
    assert {name: [*counts] for name, counts in report.attributes.items()} == {
        "city": ["equal"],
        "tags": ["equal"],
        "visits": ["not comparable"],
        "since": ["equal"],
        "x": ["equal"],
        "first_name": ["equal"],
        "current_location": ["equal"],
        "carts": ["equal"],
        "image_url": ["not comparable"],
    }
    # A log that was pruned knows less, and nothing wrong.
    shop.query("delete from braze.users_attributes_sync where braze_batch != 'batch-3'")
    report = shop.verify()
    assert (report.count("equal"), report.count("different")) == (3, 0)
    shop.plant("c-1", "tags", ["a"])
    assert shop.verify().exit_code == 0
    shop.plant("c-1", "carts", [{"id": 1}])
    assert shop.verify().exit_code == 1


def test_every_kind_of_identifier_is_read_back(open_shop: Callable[..., Verified]) -> None:
    shop = open_shop()
    payload = {"plan": "gold"}
    alias = {"alias_name": "n-1", "alias_label": "crm"}
    shop.rows(
        {"external_id": "c-1", "payload": payload},
        {**alias, "payload": payload | {"_update_existing_only": False}},
        {"alias_name": "n-2", "alias_label": "crm", "payload": payload},
        {"email": "ann@shop.example", "payload": payload},
        {"phone": "+4915112345678", "payload": payload},
        {"braze_id": "0" * 24, "payload": payload},
    )
    assert shop.push().exit_code == 0
    report = shop.verify()
    assert (report.sampled, report.compared, report.exit_code) == (6, 4, 0)
    # Rows by alias and braze_id update only, unless they say otherwise.
    assert report.left_out == {"not_created": 2}
    shop.spoil("update profiles set custom_attributes = '{}'")
    report = shop.verify()
    found = [json.loads(command[-1]) for command in report.commands]
    assert [each["identifier"] for each in found] == ["email", "external_id", "phone", "alias"]
    assert shop.query(found[3]["users"]) == [("n-1", "crm")]
    shop.spoil(
        "insert into profiles (external_id, email, fields, custom_attributes, created_at, revision) "
        "values ('c-9', 'ann@shop.example', '{}', '{}', '2026-01-01T00:00:00.000Z', 1)"
    )
    assert shop.verify().left_out == {"not_created": 2, "ambiguous": 1}


def test_users_are_found_under_the_external_id_that_they_had(pushed: Verified) -> None:
    pushed.spoil("insert into deprecated_external_ids select external_id, id from profiles")
    pushed.spoil("update profiles set external_id = 'new-' || external_id")
    report = pushed.verify(sample=5)
    assert (report.compared, report.missing, report.exit_code) == (5, 0, 0)


def test_deleted_users_are_not_missed_and_those_who_came_back_begin_anew(pushed: Verified) -> None:
    pushed.query("create table braze.gone (updated_at timestamp, external_id varchar)")
    pushed.query(f"insert into braze.gone values ('2026-01-02', '{user(1)}'), ('2026-01-02', '{user(2)}')")
    pushed.write_manifest({"sync": "attributes"}, gone={"sync": "deletes"})
    pushed.query(
        "insert into braze.users_attributes_sync by name select * replace ('batch-3' as braze_batch, "
        "timestamp '2026-01-03' as updated_at, '{\"n\":5}' as payload) "
        f"from braze.users_attributes_sync where external_id = '{user(2)}'"
    )
    pushed.push(select=("users_attributes_sync",))
    pushed.spoil(f"delete from profiles where external_id = '{user(1)}'")
    pushed.spoil(f"update profiles set custom_attributes = '{{\"n\":5}}' where external_id = '{user(2)}'")
    report = pushed.verify(sample=200)
    assert (report.left_out, report.compared, report.exit_code) == ({"deleted": 1}, 199, 0)


def test_what_braze_has_not_applied_yet_is_waited_for(open_shop: Callable[..., Verified]) -> None:
    shop = open_shop(lag=1.0, seed=3)
    shop.add_users(20)
    assert shop.push().exit_code == 0
    report = shop.verify(wait=60.0, poll=0.02)
    assert (report.compared, report.exit_code) == (20, 0)


def test_fifty_users_are_asked_for_at_once_with_the_fields_that_are_compared(
    shop: Shop, braze: FakeBraze
) -> None:
    shop.add_users(120)
    shop.push()
    braze.raw.clear()
    found = {"users": [], "invalid_user_ids": [user(number) for number in range(120)]}
    braze.script = lambda *_: (201, {}, json.dumps(found).encode())
    config = BrazeConfig(braze.url, "127.0.0.1", Secret(KEY))
    report = verify(shop.options, config, VerifySettings(seed=1, sample=120))
    bodies = [json.loads(raw) for raw in braze.raw]
    assert [len(body["external_ids"]) for body in bodies] == [50, 50, 20]
    fields = ["custom_attributes", "external_id", "user_aliases"]
    assert all(body["fields_to_export"] == fields for body in bodies)
    assert report.missing == 120


@pytest.mark.parametrize(
    ("meta", "sync", "sentence"),
    [
        ({"sync": "attributes"}, None, "Nothing has been pushed to the destination default yet."),
        ({"sync": "events"}, None, "Name with --sync which attributes sync to verify; there are: none."),
        ({"sync": "events"}, "users_attributes_sync", "is not one attributes sync that is pushed"),
        ({"sync": "attributes", "deliver": "cdi"}, "users_attributes_sync", "is not one attributes sync"),
        ({"sync": "attributes"}, "nobody", "nobody is not a sync"),
    ],
)
def test_what_can_not_be_compared_is_said(
    open_shop: Callable[..., Verified], meta: Any, sync: str | None, sentence: str
) -> None:
    shop = open_shop()
    shop.write_manifest(meta)
    with pytest.raises(ConfigError, match=sentence):
        shop.verify(sync=sync)


def test_nothing_acknowledged_is_no_success(pushed: Verified) -> None:
    pushed.query("update braze.users_attributes_sync set braze_batch = 'batch-2'")
    with pytest.raises(ConfigError, match="Nothing of users_attributes_sync is acknowledged yet"):
        pushed.verify()


def run(shop: Verified, *arguments: str) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": shop.sandbox.url, "BRAZE_API_KEY": KEY}
    command = ["verify", "--project-dir", str(shop.options.project_dir), "--sample", "200", *arguments]
    return CliRunner().invoke(group, command, env=environment, catch_exceptions=False)


def test_a_key_without_the_permission_is_named(pushed: Verified) -> None:
    pushed.sandbox.stop()
    with SandboxServer(pushed.sandbox.settings.db, api_key=KEY, permissions=("users.track",)) as server:
        pushed.sandbox = server
        with pytest.raises(ApiError, match=r"has the permission users\.export\.ids\.$"):
            pushed.verify()


def test_the_command_shows_values_to_who_asks_for_them(pushed: Verified) -> None:
    before = pushed.path.read_bytes()
    fine = run(pushed)
    assert (fine.exit_code, "400 equal, 0 different, 0 not comparable" in fine.output) == (0, True)
    pushed.plant(user(7), "city", "elsewhere")
    found = run(pushed)
    assert found.exit_code == 1
    assert "dbt run-operation braze_reemit --args '{" in found.output
    assert f"--project-dir {pushed.options.project_dir}" in found.output
    printed = json.loads(run(pushed, "--output", "json", "--seed", "5").stdout)
    assert (printed["exit_code"], printed["seed"], printed["differences"]) == (1, 5, [])
    assert printed["by_attribute"]["city"] == {"equal": 199, "different": 1, "not_comparable": 0}
    assert printed["reemit"][0].startswith("dbt run-operation braze_reemit")
    quiet = fine.output + found.output + json.dumps(printed)
    assert not any(text in quiet for text in (PRIVATE, "elsewhere", user(7), KEY))
    shown = run(pushed, "--show")
    assert f"{{'external_id': '{user(7)}'}} city: expected '{PRIVATE}', found 'elsewhere'" in shown.output
    assert pushed.path.read_bytes() == before
