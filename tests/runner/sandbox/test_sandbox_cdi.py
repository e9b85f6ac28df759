"""Cloud Data Ingestion over sync tables in a DuckDB file that the test itself holds open."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_runner.errors import ConfigError
from braze_runner.sandbox.cdi import CdiSync
from braze_runner.sandbox.cdi.project import syncs_of
from braze_runner.sandbox.endpoints.paging import links, offset_of
from braze_runner.sandbox.settings import Settings

KINDS = ("external_id", "alias_name", "alias_label", "braze_id", "email", "phone")
USERS = "updated_at timestamp, " + ", ".join(f"{kind} varchar" for kind in KINDS)
DAY = 86_400.0


class Cdi:
    """A sandbox, a warehouse, and runs that are waited for."""

    def __init__(self, braze: Any, warehouse: Any, syncs: list[CdiSync]) -> None:
        self.braze = braze
        self.warehouse = warehouse
        self.syncs = {sync.name: sync for sync in syncs}

    def call(self, method: str, path: str) -> Any:
        return self.braze.session.request(
            method, f"{self.braze.server.url}/cdi/integrations{path}", timeout=30
        )

    def trigger(self, name: str) -> None:
        response = self.call("POST", f"/{self.syncs[name].id}/sync")
        assert (response.status_code, response.json()) == (202, {"message": "success"})

    def jobs(self, name: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/{self.syncs[name].id}/job_sync_status").json()["results"])

    def run(self, name: str) -> dict[str, Any]:
        """Trigger a sync and return its job when it has ended."""
        self.trigger(name)
        deadline = time.monotonic() + 60
        while (job := self.jobs(name)[0])["job_status"] == "running" and time.monotonic() < deadline:
            pass
        return job

    def rows(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Insert (seconds after an epoch of the tests, further columns)."""
        for second, *values in rows:
            marks = ", ".join("?" * len(values))
            stamp = "timestamp '2026-01-01' + to_microseconds(cast(? * 1000000 as bigint))"
            self.warehouse.execute(f"insert into {table} values ({stamp}, {marks})", [second, *values])


def user(external_id: str | None, payload: str, **identifiers: str) -> tuple[Any, ...]:
    """Return the columns of a row behind its stamp."""
    return (external_id, *(identifiers.get(kind) for kind in KINDS[1:]), payload)


SYNCS = [
    CdiSync("attributes", "braze.users_attributes"),
    CdiSync("events", "braze.users_events"),
    CdiSync("purchases", "braze.users_purchases"),
    CdiSync("deletes", "braze.users_deletes"),
    CdiSync("deletes", "braze.bad_deletes"),
    CdiSync("catalog_items", "braze.items", catalog="items"),
    CdiSync("canvas_triggers", "braze.triggers"),
    CdiSync("attributes", "braze.known_users", update_existing_only=True),
    CdiSync("attributes", "braze.nowhere"),
    CdiSync("attributes", "braze.no_stamp"),
    CdiSync("attributes", "braze.shared", "shared_1"),
    CdiSync("attributes", "braze.shared", "shared_2"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Any]:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema braze")
        for table in ("users_attributes", "users_events", "users_purchases", "known_users", "shared"):
            connection.execute(f"create table braze.{table} ({USERS}, payload varchar)")
        connection.execute(f"create table braze.users_deletes ({USERS})")
        connection.execute(f"create table braze.bad_deletes ({USERS}, payload varchar)")
        connection.execute(
            "create table braze.items (UPDATED_AT timestamptz, ID varchar, PAYLOAD json, DELETED boolean)"
        )
        connection.execute(
            "create table braze.triggers (updated_at timestamp, external_id varchar, properties varchar)"
        )
        connection.execute("create table braze.no_stamp (external_id varchar, payload varchar)")
        yield connection


@pytest.fixture
def cdi(start: Callable[..., Any], warehouse: Any, tmp_path: Path) -> Callable[..., Cdi]:
    def run(**options: Any) -> Cdi:
        path = tmp_path / "warehouse.duckdb"
        return Cdi(start(warehouse=path, cdi_syncs=SYNCS, **options), warehouse, SYNCS)

    return run


def test_attributes_are_applied_as_by_rest(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.rows(
        "braze.users_attributes",
        (1, *user("a", '{"plan": "gold", "first_name": "Ann"}')),
        (2, *user(None, '{"plan": "silver"}', email="e@example.com")),
        (3, *user("a", '{"plan": null, "tags": {"add": ["x"]}}')),
    )
    job = one.run("users_attributes")
    assert one.braze.user("a")["first_name"] == "Ann"
    assert one.braze.custom("a") == {"tags": ["x"]}
    assert one.braze.export(email_address="e@example.com")["users"][0]["custom_attributes"] == {
        "plan": "silver"
    }
    assert (job["job_status"], job["rows_synced"], job["rows_failed_with_errors"]) == ("success", 3, 0)
    assert job["last_timestamp_synced"] == "2026-01-01T00:00:03.000000Z"
    assert job["sync_start_time"] <= job["sync_finish_time"]


@pytest.mark.parametrize(
    ("boundary", "added", "taken"),
    [
        ("exclusive", [], []),
        ("exclusive", [(3, "later")], ["later"]),
        ("exclusive", [(2, "at"), (3, "later")], ["two", "at", "later"]),
        ("exclusive", [(1, "late")], []),
        ("inclusive", [], ["two"]),
        ("inclusive", [(3, "later")], ["two", "later"]),
        ("inclusive", [(1, "late")], ["two"]),
    ],
)
def test_the_watermark_under_both_readings(
    cdi: Callable[..., Cdi], boundary: str, added: list[tuple[int, str]], taken: list[str]
) -> None:
    one = cdi(cdi_boundary=boundary)

    def event(name: str) -> tuple[Any, ...]:
        return user("a", f'{{"name": "{name}"}}')

    one.rows("braze.users_events", (1, *event("one")), (2, *event("two")))
    assert one.run("users_events")["rows_synced"] == 2
    before = one.braze.events()
    one.rows("braze.users_events", *((second, *event(name)) for second, name in added))
    assert one.run("users_events")["rows_synced"] == len(taken)
    assert sorted(one.braze.events()[len(before) :]) == sorted(taken)


def test_a_third_run_counts_from_the_second(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    synced = []
    for second in (1, 1, 2, 2):
        one.rows("braze.users_attributes", (second, *user("a", f'{{"n": {second}}}')))
        synced.append(one.run("users_attributes")["rows_synced"])
    assert synced == [1, 2, 1, 2]
    assert one.run("users_attributes")["rows_synced"] == 0


def test_a_row_without_a_stamp_is_never_read(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.rows("braze.users_attributes", (None, *user("a", '{"n": 1}')), (1, *user("b", '{"n": 1}')))
    assert [one.run("users_attributes")["rows_synced"] for _ in range(2)] == [1, 0]
    assert one.braze.user("a") == {}


def test_stamps_with_a_zone_are_read_in_utc(cdi: Callable[..., Cdi], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    one = cdi()
    fields = [{"name": "id", "type": "string"}]
    one.braze.accepted("/catalogs", {"catalogs": [{"name": "items", "fields": fields}]})
    one.warehouse.execute("insert into braze.items values ('2026-01-01 10:00:00+00', 'one', '{}', false)")
    assert one.run("items")["last_timestamp_synced"] == "2026-01-01T10:00:00.000000Z"


def test_stamps_are_compared_to_the_microsecond(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.rows("braze.users_attributes", (1.000001, *user("a", '{"n": 1}')))
    assert one.run("users_attributes")["last_timestamp_synced"] == "2026-01-01T00:00:01.000001Z"
    one.rows("braze.users_attributes", (1.000002, *user("a", '{"n": 2}')))
    assert one.run("users_attributes")["rows_synced"] == 1


def test_events_and_purchases_fall_back_to_the_stamp(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.rows("braze.users_events", (1, *user("a", '{"name": "visit"}')))
    purchase = '{"product_id": "p", "currency": "EUR", "price": 2, "time": "2026-01-05T00:00:00Z"}'
    without_time = '{"product_id": "p", "currency": "EUR", "price": 2}'
    one.rows("braze.users_purchases", (1, *user("a", purchase)), (2, *user("a", without_time)))
    assert one.run("users_events")["job_status"] == one.run("users_purchases")["job_status"] == "success"
    assert one.braze.table("select time from custom_events") == [("2026-01-01T00:00:01.000Z",)]
    bought = ("2026-01-05T00:00:00.000Z", "2026-01-01T00:00:02.000Z")
    assert one.braze.table("select time from purchases order by id") == [(time,) for time in bought]


def test_a_row_that_fails_is_logged_and_the_rest_goes_on(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    failing = {
        '{"a": "' + "x" * 1_000_000 + '"}': "Payload was greater than 1MB",
        "{" + ",".join(f'"k{n}":1' for n in range(251)) + "}": "Payload has more than 250 keys",
        "[1]": "Payload is not a JSON object",
        "{": "Payload is not a JSON object",
        '{"external_id": "b"}': "Payload holds an identifier",
        '{"email_subscribe": "maybe"}': "BAD_EMAIL_SUBSCRIPTION_STATE",
    }
    rows = [(n, *user(f"bad-{n}", payload)) for n, payload in enumerate(failing)]
    one.rows("braze.users_attributes", *rows, (9, *user("good", '{"n": 1}')))
    job = one.run("users_attributes")
    assert (job["job_status"], job["rows_synced"], job["rows_failed_with_errors"]) == (
        "partial",
        1,
        len(failing),
    )
    logged = one.braze.table("select updated_at, identifier, error from cdi_row_errors order by updated_at")
    assert logged == [
        (f"2026-01-01T00:00:{n:02d}.000Z", f"bad-{n}", error) for n, error in enumerate(failing.values())
    ]
    assert one.braze.custom("good") == {"n": 1}
    assert one.run("users_attributes")["rows_synced"] == 0


def test_the_text_of_a_time_that_is_none(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.rows("braze.users_events", (1, *user("bad", '{"name": "visit", "time": "soon"}')))
    assert one.run("users_events")["job_status"] == "partial"
    assert one.braze.table("select error from cdi_row_errors") == [("Time must be string in ISO8601 Format",)]


def test_identifiers_of_rows(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.braze.accepted("/users/alias/new", {"user_aliases": [{"alias_name": "n", "alias_label": "crm"}]})
    braze_id = one.braze.by_alias("n")["braze_id"]
    one.rows(
        "braze.users_attributes",
        (1, *user(None, '{"by": "alias"}', alias_name="n", alias_label="crm")),
        (2, *user(None, '{"id": true}', braze_id=braze_id)),
        (3, *user(None, '{"by": "email"}', email="e@example.com", phone="+4930999001")),
        (4, *user(None, '{"by": "phone"}', phone="+4930999001")),
        (5, *user(None, '{"lost": 1}', alias_name="n")),
        (6, *user(None, '{"lost": 1}', braze_id="f" * 24)),
        (7, *user(None, '{"email": "e@example.com", "lost": 1}')),
        (8, *user("a", '{"lost": 1}', braze_id=braze_id)),
    )
    job = one.run("users_attributes")
    assert (job["rows_synced"], job["rows_failed_with_errors"]) == (5, 3)
    assert one.braze.by_alias("n")["custom_attributes"] == {"by": "alias", "id": True}
    for body, by in (({"email_address": "e@example.com"}, "email"), ({"phone": "+4930999001"}, "phone")):
        (found,) = one.braze.export(**body)["users"]
        assert found["custom_attributes"] == {"by": by}


def test_update_existing_users_only(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.braze.attributes({"external_id": "known", "n": 0})
    one.rows("braze.known_users", (1, *user("known", '{"n": 1}')), (2, *user("unknown", '{"n": 1}')))
    one.run("known_users")
    assert one.braze.custom("known") == {"n": 1}
    assert one.braze.user("unknown") == {}


def test_deletes(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.braze.attributes({"external_id": "a", "n": 1}, {"external_id": "b", "n": 1})
    one.rows("braze.users_deletes", (1, *user("a", "")[:-1]), (2, *user("nobody", "")[:-1]))
    assert one.run("users_deletes")["job_status"] == "success"
    assert (one.braze.user("a"), one.braze.custom("b")) == ({}, {"n": 1})


def test_a_deletion_names_one_user_in_one_way(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.braze.attributes({"external_id": "a", "email": "a@example.com"})
    braze_id = one.braze.user("a")["braze_id"]
    rows = [
        user("a", "", braze_id=braze_id),
        user("a", "", email="a@example.com"),
        user(None, "", email="a@example.com"),
        user(None, "", phone="+4930999002"),
        user(None, "", alias_name="n"),
    ]
    one.rows("braze.users_deletes", *((n, *row[:-1]) for n, row in enumerate(rows)))
    assert one.run("users_deletes")["rows_failed_with_errors"] == len(rows)
    assert one.braze.user("a") != {}


def test_catalog_items_are_put_and_deleted(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    assert one.run("items")["job_status"] == "error"
    fields = [{"name": "id", "type": "string"}, {"name": "title", "type": "string"}]
    one.braze.accepted("/catalogs", {"catalogs": [{"name": "items", "fields": fields}]})
    one.rows(
        "braze.items",
        (1, "one", '{"title": "T"}', False),
        (2, "two", '{"title": "U"}', None),
        (3, "no id", '{"title": "V"}', False),
        (4, "four", '{"other": 1}', False),
    )
    job = one.run("items")
    assert (job["job_status"], job["rows_synced"], job["rows_failed_with_errors"]) == ("partial", 2, 2)
    one.rows("braze.items", (5, "one", "{}", True))
    one.run("items")
    listed = one.braze.session.get(one.braze.server.url + "/catalogs/items/items", timeout=30).json()
    assert listed["items"] == [{"id": "two", "title": "U"}]


def test_canvas_triggers_are_noted_for_users_that_exist(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.braze.attributes({"external_id": "a", "n": 1})
    one.rows("braze.triggers", (1, "a", '{"reason": "x"}'), (2, "nobody", "{}"), (3, "a", "no object"))
    job = one.run("triggers")
    assert (job["job_status"], job["rows_synced"], job["rows_failed_with_errors"]) == ("partial", 2, 1)
    assert one.braze.table("select properties from canvas_entries") == [('{"reason":"x"}',)]
    assert one.braze.custom("a") == {"n": 1}


def test_runs_that_fail_as_a_whole(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    failing = {
        "bad_deletes": ("error", "The table has a PAYLOAD column"),
        "nowhere": ("error", "The warehouse can't be read: CatalogException."),
        "no_stamp": ("error", "The warehouse can't be read: BinderException."),
        "shared_1": ("config_error", "Incorrect Integration Object"),
    }
    for name, (status, _) in failing.items():
        job = one.run(name)
        assert (job["job_status"], job["rows_synced"], job["last_timestamp_synced"]) == (status, 0, None)
    messages = [message for (message,) in one.braze.table("select message from cdi_jobs order by number")]
    assert messages == [message for _, message in failing.values()]
    assert one.run("nowhere")["job_status"] == "error"


def test_a_run_takes_so_many_rows(cdi: Callable[..., Cdi]) -> None:
    one = cdi(cdi_max_rows=2)
    one.rows("braze.users_attributes", *((n, *user("a", '{"n": 1}')) for n in range(3)))
    assert one.run("users_attributes")["job_status"] == "error"
    assert one.braze.table("select message from cdi_jobs") == [("Limit exceeded",)]
    assert one.braze.user("a") == {}


def test_one_run_at_a_time(cdi: Callable[..., Cdi]) -> None:
    one = cdi(cdi_seconds=DAY)
    one.rows("braze.users_attributes", (1, *user("a", '{"n": 1}')))
    one.trigger("users_attributes")
    assert one.jobs("users_attributes")[0]["job_status"] == "running"
    again = one.call("POST", f"/{one.syncs['users_attributes'].id}/sync")
    assert (again.status_code, again.json()) == (429, {"message": "Another job is in progress"})
    one.trigger("users_events")
    one.braze.flush()
    (job,) = one.jobs("users_attributes")
    assert (job["job_status"], job["rows_synced"]) == ("success", 1)
    one.trigger("users_attributes")


def test_a_run_survives_a_restart(cdi: Callable[..., Cdi]) -> None:
    first = cdi(cdi_seconds=DAY)
    first.rows("braze.users_attributes", (1, *user("a", '{"n": 1}')))
    first.trigger("users_attributes")
    first.braze.server.stop()
    with closing(sqlite3.connect(first.braze.server.settings.db)) as connection, connection:
        connection.execute("update cdi_jobs set rows_synced = 7")  # it had begun
    second = cdi(cdi_seconds=DAY)
    second.braze.flush()
    (job,) = second.jobs("users_attributes")
    assert (job["job_status"], job["rows_synced"]) == ("success", 1)
    assert second.braze.custom("a") == {"n": 1}


def test_with_a_lag_the_rows_of_a_run_come_in_any_order(cdi: Callable[..., Cdi]) -> None:
    one = cdi(lag=DAY, seed=3)
    names = [f"e{n:02d}" for n in range(30)]
    one.rows(
        "braze.users_events", *((n, *user("a", f'{{"name": "{name}"}}')) for n, name in enumerate(names))
    )
    one.run("users_events")
    assert sorted(one.braze.events()) == names
    assert one.braze.events() != names


def test_more_rows_than_one_batch(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    one.warehouse.execute(
        "insert into braze.users_attributes (updated_at, external_id, payload)"
        " select timestamp '2026-01-01', 'u' || n, '{\"n\": ' || n || '}' from range(5000) t(n)"
    )
    assert one.run("users_attributes")["rows_synced"] == 5_000
    assert one.braze.state()["profiles"] == 5_000
    assert one.braze.custom("u4999") == {"n": 4_999}


def test_integrations_are_listed_10_a_page(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    first = one.call("GET", "")
    second = one.braze.session.get(first.links["next"]["url"], timeout=30)
    results = first.json()["results"] + second.json()["results"]
    assert [len(page.json()["results"]) for page in (first, second)] == [10, 2]
    assert [result["integration_name"] for result in results] == [sync.name for sync in SYNCS]
    assert one.braze.session.get(second.links["prev"]["url"], timeout=30).json() == first.json()
    assert results[0]["last_job_status"] is None
    one.run("users_attributes")
    assert one.call("GET", "").json()["results"][0]["last_job_status"] == "success"


def test_runs_are_listed_10_a_page_newest_first(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    for second in range(11):
        one.rows("braze.users_attributes", (second, *user("a", '{"n": 1}')))
        one.run("users_attributes")
    first = one.call("GET", f"/{one.syncs['users_attributes'].id}/job_sync_status")
    second = one.braze.session.get(first.links["next"]["url"], timeout=30)
    stamps = [job["last_timestamp_synced"] for job in first.json()["results"] + second.json()["results"]]
    assert len(stamps) == 11
    assert stamps == sorted(stamps, reverse=True)


def test_a_page_leads_to_the_one_before_and_the_one_behind() -> None:
    link = links("http://localhost/list", 20, 10, more=True)["link"]
    cursors = re.findall(r"cursor=(\w+)>; rel=\"(\w+)\"", link)
    assert [(rel, offset_of(cursor)) for cursor, rel in cursors] == [("prev", 10), ("next", 30)]


def test_unknown_integrations(cdi: Callable[..., Cdi]) -> None:
    one = cdi()
    unknown = "00000000-0000-4000-8000-000000000000"
    for method, path in (("POST", "sync"), ("GET", "job_sync_status")):
        assert one.call(method, f"/no-uuid/{path}").status_code == 400
        assert one.call(method, f"/{unknown}/{path}").status_code == 404
    assert one.call("GET", "?cursor=x").status_code == 400


@pytest.mark.parametrize(
    ("path", "allowed"), [("GET ", "50"), ("POST /x/sync", "20"), ("GET /x/job_sync_status", "100")]
)
def test_allowances_of_cdi(braze: Any, path: str, allowed: str) -> None:
    method, _, rest = path.partition(" ")
    response = braze.session.request(method, f"{braze.server.url}/cdi/integrations{rest}", timeout=30)
    assert response.headers["x-ratelimit-limit"] == allowed


def test_syncs_as_text() -> None:
    assert CdiSync.parse("attributes:braze.users") == CdiSync("attributes", "braze.users", "users")
    assert CdiSync.parse("catalog_items:items,catalog=c,update_existing_only=true,name=n") == CdiSync(
        "catalog_items", "items", "n", "c", update_existing_only=True
    )
    for text in ("users", "merges:t", "attributes:", "catalog_items:items", "attributes:t,other=1"):
        with pytest.raises(ConfigError):
            CdiSync.parse(text)


def test_two_syncs_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="same name"):
        Settings(cdi_syncs=[CdiSync("attributes", "a.t"), CdiSync("events", "b.t")])


def test_syncs_survive_the_way_to_the_child() -> None:
    settings = Settings(warehouse=Path("w.duckdb"), cdi_syncs=tuple(SYNCS))
    assert Settings.from_json(settings.to_json()) == settings


def test_syncs_of_a_project_are_those_that_braze_reads(tmp_path: Path) -> None:
    def model(name: str, **meta: Any) -> dict[str, Any]:
        config = {"meta": {"braze": meta}, "materialized": "incremental"}
        found = {
            "name": name,
            "schema": "braze",
            "database": "shop",
            "resource_type": "model",
            "config": config,
        }
        return {f"model.shop.{name}": {"unique_id": f"model.shop.{name}", **found}}

    nodes = {
        **model("users", sync="attributes", deliver="cdi", update_existing_only=True),
        **model("items", sync="catalog_items", deliver="cdi", catalog="restaurants"),
        **model("pushed", sync="attributes", deliver="rest"),
        **model("merges", sync="merges", deliver="cdi"),
    }
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "manifest.json").write_text(json.dumps({"metadata": metadata, "nodes": nodes}))
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    assert syncs_of(tmp_path) == (
        CdiSync("attributes", "braze.users", "users", update_existing_only=True),
        CdiSync("catalog_items", "braze.items", "items", "restaurants"),
    )
