import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from push_helpers import KEY, FakeBraze, Shop

from braze_runner.checks import check
from braze_runner.checks.report import Check
from braze_runner.cli import group
from braze_runner.client import RetryPolicy
from braze_runner.errors import ConfigError
from braze_runner.plan.endpoints import ENDPOINTS
from braze_runner.plan.planners import TrackLimit
from braze_runner.sandbox import SandboxServer

QUICK = RetryPolicy(tries=2, rate_limited_tries=2, random=lambda: 0.0)
REST_TYPES = sorted(ENDPOINTS)
NEVER = {"users.delete", "users.merge", "users.external_ids.remove"}
ITEMS = {"catalogs.replace_items", "catalogs.delete_items"}
COLUMNS = {
    "catalog_items": "updated_at timestamp, id varchar, payload varchar, deleted boolean",
    "deletes": "updated_at timestamp, external_id varchar",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SandboxServer]]:
    with ExitStack() as servers:
        yield lambda **options: servers.enter_context(
            SandboxServer(tmp_path / "braze.sqlite", api_key=KEY, limits="off", **options)
        )


def run(shop: Shop, url: str, *select: str, key: str = KEY, **options: Any) -> dict[tuple[str, str], Check]:
    environment = {"BRAZE_REST_ENDPOINT": url, "BRAZE_API_KEY": key}
    report = check(shop.options, environment, select, policy=QUICK, **options)
    return {(each.area, each.subject): each for each in report.checks}


def verdicts(found: dict[tuple[str, str], Check], area: str) -> dict[str, str]:
    return {subject: each.verdict for (of, subject), each in found.items() if of == area}


def requests_to(server: SandboxServer) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(server.settings.db)) as file:
        return file.execute("select method, path, status from requests").fetchall()


def every_type(shop: Shop) -> None:
    metas: dict[str, Any] = {type_: {"sync": type_} for type_ in REST_TYPES if type_ != "attributes"}
    metas["catalog_items"] |= {"catalog": "restaurants"}
    shop.write_manifest({"sync": "attributes"}, **metas)


def test_every_permission_is_tried_but_where_users_are_deleted_or_merged(
    shop: Shop, start: Callable[..., SandboxServer]
) -> None:
    every_type(shop)
    server = start()
    found = run(shop, server.url)
    needed = {endpoint.permission for endpoints in ENDPOINTS.values() for endpoint in endpoints}
    expected = {name: "not proved" if name in NEVER | ITEMS else "ok" for name in needed}
    assert verdicts(found, "permission") == expected
    assert found["key", "BRAZE_API_KEY"].verdict == "ok"
    asked = requests_to(server)
    assert {status for *_, status in asked} == {200, 400}
    assert not {path for _, path, _ in asked} & {
        "/users/delete",
        "/users/merge",
        "/users/external_ids/remove",
    }
    with closing(sqlite3.connect(server.settings.db)) as file:
        assert file.execute("select count(*) from profiles").fetchall() == [(0,)]
        assert file.execute("select count(*) from queue").fetchall() == [(0,)]


def test_a_missing_permission_fails_and_names_the_syncs_that_need_it(
    shop: Shop, start: Callable[..., SandboxServer]
) -> None:
    every_type(shop)
    found = run(shop, start(permissions=["users.alias.new"]).url, "aliases", "*_sync")
    assert verdicts(found, "permission") == {"users.track": "failed", "users.alias.new": "ok"}
    assert "Needed by users_attributes_sync." in found["permission", "users.track"].detail
    assert found["key", "BRAZE_API_KEY"].verdict == "ok"


def test_an_unknown_key_fails(shop: Shop, start: Callable[..., SandboxServer]) -> None:
    found = run(shop, start().url, key="another-key")
    assert found["key", "BRAZE_API_KEY"].verdict == "failed"
    assert "another-key" not in str(found)


def test_where_nothing_may_be_tried_the_key_is_proved_by_an_export_of_nobody(
    shop: Shop, start: Callable[..., SandboxServer]
) -> None:
    shop.write_manifest({"sync": "deletes"})
    server = start()
    found = run(shop, server.url)
    assert verdicts(found, "permission") == {"users.delete": "not proved"}
    assert found["key", "BRAZE_API_KEY"].verdict == "ok"
    assert requests_to(server) == [("POST", "/users/export/ids", 400)]


@pytest.mark.parametrize(
    ("answer", "permission", "key"),
    [
        ((201, {}, b'{"message":"success"}'), "not proved", "ok"),
        ((404, {}, b'{"message":"Not Found"}'), "not proved", "not proved"),
        ((400, {}, b"<html>"), "not proved", "not proved"),
        ((503, {}, b""), "not proved", "failed"),
        ((429, {}, b""), "not proved", "failed"),
        ((302, {"Location": "http://elsewhere"}, b""), "not proved", "not proved"),
        ((401, {}, b'{"message":"Invalid API Key"}'), "failed", "failed"),
    ],
)
def test_other_answers_prove_nothing(shop: Shop, answer: Any, permission: str, key: str) -> None:
    shop.braze.script = lambda *_: answer
    found = run(shop, shop.braze.url)
    assert verdicts(found, "permission") == {"users.track": permission}
    assert found["key", "BRAZE_API_KEY"].verdict == key
    assert all(json.loads(raw) == {} for raw in shop.braze.raw)


def test_bulk_needs_a_permission_of_its_own(shop: Shop, start: Callable[..., SandboxServer]) -> None:
    found = run(shop, start(track_bulk=True).url, track_limit="bulk")
    assert verdicts(found, "permission") == {"users.track.bulk": "ok"}


def test_catalogs_are_there_or_can_be_made(shop: Shop, start: Callable[..., SandboxServer]) -> None:
    fields = [{"name": "city", "type": "string"}]
    shop.write_manifest(
        {"sync": "catalog_items", "catalog": "missing"},
        declared={"sync": "catalog_items", "catalog": "declared", "catalog_fields": fields},
    )
    server = start()
    assert verdicts(run(shop, server.url), "catalog") == {"missing": "failed", "declared": "not proved"}
    weak = run(shop, start(permissions=["catalogs.replace_items"]).url)
    assert verdicts(weak, "catalog") == {"missing": "not proved", "declared": "not proved"}


def test_tables_are_looked_at(shop: Shop) -> None:
    shop.query(f"create table braze.items ({COLUMNS['catalog_items']})")
    shop.query(f"create table braze.gone ({COLUMNS['deletes']}, payload varchar)")
    shop.query("create table braze.odd (updated_at date, external_id integer, payload varchar)")
    shop.query(
        "create table braze.half (updated_at timestamp, email varchar, payload json, braze_row varchar)"
    )
    shop.query("create table braze.entered (updated_at timestamp, external_id varchar, properties varchar)")
    shop.write_manifest(
        {"sync": "attributes"},
        items={"sync": "catalog_items", "catalog": "restaurants"},
        gone={"sync": "deletes"},
        odd={"sync": "events"},
        half={"sync": "attributes"},
        entered={"sync": "canvas_triggers", "deliver": "cdi"},
        not_run={"sync": "attributes", "deliver": "cdi"},
        no_catalog={"sync": "catalog_items"},
    )
    report = check(shop.options, {}, policy=QUICK)
    details: dict[str, list[str]] = {}
    for each in report.checks:
        if each.area == "table" and each.verdict == "failed":
            details.setdefault(each.subject, []).append(each.detail)
    assert details.pop("not_run")[0].endswith("run dbt first, with this target.")
    assert details == {
        "gone": ["there is a column PAYLOAD, with which Braze deletes nobody."],
        "odd": [
            "UPDATED_AT is date; Braze takes timestamp.",
            "EXTERNAL_ID is integer; Braze takes varchar.",
        ],
        "half": ["Model half: its table has no column braze_batch."],
        "no_catalog": ["Model no_catalog: meta.braze.catalog has to name the catalog."],
    }
    fine = {each.subject: each.detail for each in report.checks if each.verdict == "ok"}
    assert "batch by batch" in fine["users_attributes_sync"]
    assert "read by UPDATED_AT" in fine["items"]
    assert "Braze reads it itself" in fine["entered"]


def test_without_variables_the_warehouse_is_looked_at_all_the_same(shop: Shop) -> None:
    report = check(shop.options, {}, policy=QUICK)
    found = {each.area: each.verdict for each in report.checks}
    assert found == {"configuration": "failed", "warehouse": "ok", "table": "ok", "state": "not proved"}


def test_without_a_warehouse_the_key_is_looked_at_all_the_same(
    shop: Shop, start: Callable[..., SandboxServer]
) -> None:
    shop.path.unlink()
    found = run(shop, start().url)
    assert [(area, each.verdict) for (area, _), each in found.items()] == [
        ("warehouse", "failed"),
        ("key", "ok"),
        ("permission", "ok"),
    ]


def test_the_destination_of_another_host_fails(shop: Shop, braze: FakeBraze, tmp_path: Path) -> None:
    shop.push()
    assert run(shop, braze.url)["state", "default"].verdict == "ok"
    other = run(shop, braze.url.replace("127.0.0.1", "localhost"))
    assert other["state", "default"].verdict == "failed"
    path = tmp_path / "state.sqlite"
    assert run(shop, braze.url, state_file=path)["state", "default"].verdict == "not proved"
    assert not path.exists()


def call(shop: Shop, url: str, *arguments: str) -> Result:
    environment = {"BRAZE_REST_ENDPOINT": url, "BRAZE_API_KEY": KEY, "COLUMNS": "200"}
    command = ["check", "--project-dir", str(shop.options.project_dir), *arguments]
    return CliRunner().invoke(group, command, env=environment, catch_exceptions=False)


def test_the_command_ends_with_2_when_something_failed(
    shop: Shop, start: Callable[..., SandboxServer]
) -> None:
    server = start()
    before = shop.path.read_bytes()
    fine = call(shop, server.url)
    assert (fine.exit_code, "permission users.track" in fine.output) == (0, True)
    assert shop.path.read_bytes() == before
    shop.query("alter table braze.users_attributes_sync alter payload type integer")
    wrong = call(shop, server.url, "--output", "json")
    printed = json.loads(wrong.stdout)
    assert (wrong.exit_code, printed["exit_code"]) == (2, 2)
    [failed] = [each for each in printed["checks"] if each["verdict"] == "failed"]
    assert failed["detail"] == "PAYLOAD is integer; Braze takes varchar or json."
    assert KEY not in fine.output + wrong.output


@pytest.mark.parametrize("limit", get_args(TrackLimit))
def test_the_command_takes_every_way_to_track(
    shop: Shop, start: Callable[..., SandboxServer], limit: str
) -> None:
    result = call(shop, start(track_bulk=True).url, "--track-limit", limit)
    assert (result.exit_code, "permission users.track" in result.output) == (0, True), result.output


def test_a_name_that_is_no_sync_is_an_error(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="nobody is not a sync"):
        check(shop.options, {}, ["nobody"])
