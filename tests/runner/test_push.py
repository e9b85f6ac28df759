import datetime as dt
import json
from typing import Any

import pytest
from push_helpers import KEY, SYNC, Shop, error, row_name, success, user

from braze_runner.engine import Summary
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.state import State


def counts(summary: Summary) -> tuple[int, int, int, int]:
    each = summary.counts
    return each.rows_read, each.rows_sent, each.rows_rejected, each.rows_held


def test_everything_pending_is_pushed_once(shop: Shop) -> None:
    shop.add_users(200)
    summary = shop.push()
    assert counts(summary) == (200, 200, 0, 0)
    assert (summary.counts.requests, summary.counts.attributes_sent, summary.exit_code) == (3, 200, 0)
    assert shop.braze.users() == [user(number) for number in range(200)]
    again = shop.push()
    assert counts(again) == (0, 0, 0, 0)
    assert (again.exit_code, again.end) == (0, "Nothing is pending.")
    assert len(shop.braze.raw) == 3
    assert shop.ledger() == [("done", "batch-1", 200, 0)]
    assert shop.runs() == ["started", "success", "started", "success"]


def test_the_payload_s_own_text_is_sent(shop: Shop) -> None:
    text = '{ "price": 1.50, "big": 12345678901234567890123, "name":"\\u00e9é" ,"none":null}'
    shop.add([("customer-1", text)])
    shop.push()
    assert shop.braze.raw == [('{"attributes":[{"external_id":"customer-1",' + text[1:] + "]}").encode()]


def test_batches_go_out_oldest_first_and_one_after_the_other(shop: Shop) -> None:
    shop.add_users(160, "newer", day=2)
    shop.add_users(160, "older", day=1)
    shop.push()
    days = [json.loads(raw)["attributes"][0]["day"] for raw in shop.braze.raw]
    assert days == [1, 1, 1, 2, 2, 2]
    assert shop.ledger() == [("done", "older", 160, 0), ("done", "newer", 160, 0)]


def test_several_ranges_read_every_row_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_runner.engine.reader.RANGE_ROWS", 30)
    shop.add_users(500)
    assert counts(shop.push()) == (500, 500, 0, 0)
    assert shop.braze.users() == [user(number) for number in range(500)]


def test_bad_rows_go_to_rejects_and_the_rest_goes_on(shop: Shop) -> None:
    bad: list[tuple[str | None, str | None]] = [
        (None, '{"a":1}'),
        ("customer-2", "no json"),
        ("customer-3", "[1]"),
        ("customer-4", '{"a":"' + "x" * 1_000_000 + '"}'),
        ("customer-5", json.dumps({f"k{n}": n for n in range(251)})),
        ("customer-6", '{"external_id":"other"}'),
        ("customer-7", None),
    ]
    shop.add([("customer-1", '{"a":1}'), *bad, ("customer-8", '{"a":1}')])
    summary = shop.push()
    assert counts(summary) == (9, 2, 7, 0)
    assert summary.exit_code == 1
    assert shop.braze.users() == ["customer-1", "customer-8"]
    reasons = [reason for _, reason, _, _ in shop.rejects()]
    assert reasons == [
        "no_identifier",
        "payload_not_json",
        "payload_not_object",
        "payload_too_large",
        "too_many_keys",
        "identifier_in_payload",
        "payload_missing",
    ]
    assert [json.loads(identifier) for identifier, *_ in shop.rejects()][:2] == [
        {},
        {"external_id": "customer-2"},
    ]
    assert shop.ledger() == [("done", "batch-1", 2, 7)]
    assert counts(shop.push()) == (0, 0, 0, 0)


def test_a_row_twice_in_a_batch(shop: Shop) -> None:
    shop.add([("customer-1", '{"a":1}')])
    shop.query("insert into braze.users_attributes_sync select * from braze.users_attributes_sync")
    assert counts(shop.push()) == (2, 1, 1, 0)
    assert [reason for _, reason, _, _ in shop.rejects()] == ["duplicate_row"]


def test_partial_errors_reach_the_rejects_table(shop: Shop) -> None:
    shop.add_users(100)
    shop.braze.script = lambda _, body: (
        success(74, [error(3, "EMAIL_BAD_FORMAT")]) if len(body["attributes"]) == 75 else None
    )
    summary = shop.push()
    assert counts(summary) == (100, 99, 1, 0)
    assert summary.counts.attributes_sent == 99
    [(identifier, reason, message, status)] = shop.rejects()
    assert (json.loads(identifier), reason) == ({"external_id": user(3)}, "braze_rejected")
    assert (message, status) == ("EMAIL_BAD_FORMAT", 201)
    assert shop.query("select payload from braze.braze_sync_rejects") == [('{"day": 1}',)]


def test_a_poison_row_costs_nobody_else(shop: Shop) -> None:
    shop.add_users(150)

    def refuse(_: int, body: dict[str, Any]) -> Any:
        poisoned = any(each["external_id"] == user(90) for each in body["attributes"])
        return (400, {}, b'{"message":"cannot be processed"}') if poisoned else None

    shop.braze.script = refuse
    assert counts(shop.push()) == (150, 149, 1, 0)
    [(identifier, reason, message, _)] = shop.rejects()
    assert json.loads(identifier) == {"external_id": user(90)}
    assert (reason, message) == ("braze_refused", "cannot be processed")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_stops_with_nothing_marked(shop: Shop, status: int) -> None:
    shop.add_users(1_000)
    shop.braze.script = lambda *_: (status, {}, b"{}")
    summary = shop.push()
    assert summary.exit_code == 3
    assert summary.counts.rows_sent == 0
    assert summary.counts.rows_held == summary.counts.rows_read
    assert shop.ledger() == []
    assert shop.runs() == ["started", "error"]
    assert KEY not in summary.end
    shop.braze.script = lambda *_: None
    assert counts(shop.push()) == (1_000, 1_000, 0, 0)


def test_a_stop_in_the_middle_resumes_with_the_rest(shop: Shop) -> None:
    shop.add_users(2_000)
    shop.braze.script = lambda number, _: (401, {}, b"{}") if number > 10 else None
    first = shop.push(workers=1)
    assert counts(first)[1] == 750
    assert shop.ledger() == [("progress", "batch-1", 750, 0)]
    shop.braze.script = lambda *_: None
    shop.braze.raw.clear()
    second = shop.push(workers=1)
    assert counts(second) == (1_250, 1_250, 0, 0)
    assert shop.braze.users() == [user(number) for number in range(750, 2_000)]
    assert shop.ledger()[1:] == [("done", "batch-1", 1_250, 0)]


def test_a_row_held_back_keeps_what_follows_pending(shop: Shop) -> None:
    """Requests behind a failed one may be accepted, but progress stays before it (R1)."""
    shop.add_users(600)
    shop.braze.script = lambda _, body: (
        (500, {}, b"") if body["attributes"][0]["external_id"] == user(75) else None
    )
    first = shop.push()
    assert (first.exit_code, first.counts.rows_held >= 75) == (3, True)
    assert shop.query("select braze_row from braze.braze_sync_ledger where entry = 'progress'") == [
        (row_name(74, 600),)
    ]
    shop.braze.script = lambda *_: None
    shop.braze.raw.clear()
    assert counts(shop.push()) == (525, 525, 0, 0)
    assert shop.braze.users() == [user(number) for number in range(75, 600)]


def test_a_crash_repeats_at_most_what_was_not_on_record(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add_users(1_500)
    shop.add([("customer-bad", "no json")], "batch-2", day=2)
    saved: list[int] = []
    save = State.save

    def crash_on_second(self: State, *args: Any) -> None:
        saved.append(1)
        if len(saved) > 1:
            raise KeyboardInterrupt
        save(self, *args)

    monkeypatch.setattr("braze_runner.engine.pusher._SAVE_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(State, "save", crash_on_second)
        with pytest.raises(KeyboardInterrupt):
            shop.push(workers=1)
    [(entry, _, sent, _)] = shop.ledger()
    assert entry == "progress"
    assert 0 < sent < 1_500
    before = set(shop.braze.users())
    shop.braze.raw.clear()
    assert counts(shop.push()) == (1_501 - sent, 1_500 - sent, 1, 0)
    assert shop.braze.users() == [user(number) for number in range(sent, 1_500)]
    assert before | set(shop.braze.users()) == {user(number) for number in range(1_500)}


def test_rejects_are_on_record_before_progress(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add([("customer-1", "no json")])

    def fail(*_: Any) -> None:
        raise StoppedError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr(State, "save", fail)
        summary = shop.push()
    assert (summary.exit_code, summary.error) == (3, "the connection is lost")
    assert (len(shop.rejects()), shop.ledger()) == (1, [])
    shop.push()
    assert shop.ledger() == [("done", "batch-1", 0, 1)]
    [reject] = shop.open_rejects()
    assert reject.first_seen < reject.last_seen


def test_destinations_are_separate_and_bound_to_their_host(shop: Shop) -> None:
    shop.add_users(10)
    shop.push()
    assert counts(shop.push(destination="second")) == (10, 10, 0, 0)
    with pytest.raises(ConfigError, match=r"belongs to 127\.0\.0\.1, not to rest\.iad-01\.braze\.com"):
        shop.push(host="rest.iad-01.braze.com")
    assert len(shop.braze.raw) == 2


def test_order_gap_between_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("braze_runner.client.retry.Stop.wait", lambda _, seconds: waits.append(seconds))
    for day in (1, 2, 3):
        shop.add_users(5, f"batch-{day}", day)
    shop.push(host="rest.iad-01.braze.com")
    assert [round(seconds) for seconds in waits] == [5, 5]


def test_order_gap_between_runs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier run had accepted a moment ago may not be applied yet (R2)."""
    waits: list[float] = []
    monkeypatch.setattr("braze_runner.client.retry.Stop.wait", lambda _, seconds: waits.append(seconds))
    for day in (1, 2):
        shop.add_users(5, f"batch-{day}", day)
        shop.push(order_gap=86_400)
    assert len(waits) == 1
    assert 0 < waits[0] <= 86_400


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        ({"sync": "attribute"}, "Model extra: meta.braze.sync is 'attribute', not one of attributes, events"),
        ({"deliver": "rest"}, "Model extra: meta.braze.sync is None"),
        ("attributes", "Model extra: meta.braze.sync is 'attributes'"),
        ({"sync": "attributes", "deliver": "mail"}, "Model extra: meta.braze.deliver is 'mail'"),
        (
            {"sync": "attributes", "update_existing_only": "yes"},
            "update_existing_only is 'yes', not one of true",
        ),
        ({"sync": "canvas_triggers"}, "Model extra: Braze alone reads canvas_triggers"),
        ({"sync": "attributes"}, "Model extra: there is no table"),
    ],
)
def test_a_wrong_model_stops_before_anything_is_sent(shop: Shop, meta: Any, sentence: str) -> None:
    shop.add_users(5)
    shop.write_manifest({"sync": "attributes"}, extra=meta)
    with pytest.raises(ConfigError) as caught:
        shop.push()
    assert sentence in str(caught.value)
    assert shop.braze.raw == []


def test_cdi_models_are_left_out_and_refused_by_name(shop: Shop) -> None:
    shop.add_users(5)
    shop.write_manifest({"sync": "attributes"}, extra={"sync": "deletes", "deliver": "cdi"})
    assert counts(shop.push()) == (5, 5, 0, 0)
    with pytest.raises(ConfigError, match="Braze reads model extra itself"):
        shop.push(select=("extra",))


def test_selection(shop: Shop) -> None:
    shop.add_users(5)
    shop.write_manifest({"sync": "attributes"}, extra={"sync": "events"})
    with pytest.raises(ConfigError, match="nothing is not a sync; syncs: users_attributes_sync, extra"):
        shop.push(select=("nothing",))
    assert counts(shop.push(select=(SYNC,))) == (5, 5, 0, 0)


def test_rows_without_bookkeeping_are_refused(shop: Shop) -> None:
    shop.query(
        "insert into braze.users_attributes_sync "
        "values (timestamp '2026-01-01', 'customer-1', '{}', 'b', null, null, null)"
    )
    with pytest.raises(ConfigError, match="rows without a braze_batch or braze_row"):
        shop.push()


def test_missing_columns_are_named(shop: Shop) -> None:
    shop.query("alter table braze.users_attributes_sync drop column braze_row")
    with pytest.raises(ConfigError, match="its table has no column braze_row"):
        shop.push()


def test_what_the_model_sets_for_its_objects_reaches_braze(shop: Shop) -> None:
    """Merging is of attributes alone (Braze: User attributes object)."""
    settings = {"update_existing_only": True, "merge_objects": True}
    shop.write_manifest({"sync": "attributes"} | settings, events={"sync": "events"} | settings)
    shop.add_users(1)
    event = '{"name":"seen","time":"2026-01-01T00:00:00Z"}'
    shop.query(
        f"create table braze.events as select * replace ('{event}' as payload) from braze.users_attributes_sync"
    )
    shop.push()
    [body] = [json.loads(raw) for raw in shop.braze.raw]
    sent = {"external_id": user(0), "_update_existing_only": True}
    assert body == {
        "attributes": [sent | {"_merge_objects": True, "day": 1}],
        "events": [sent | json.loads(event)],
    }


def test_the_run_is_on_record(shop: Shop) -> None:
    shop.add_users(80)
    shop.push()
    [row] = shop.query(
        "select batches, rows_read, rows_sent, requests, attributes_sent, data_points, newest_updated_at, "
        "ended_at >= started_at, error from braze.braze_sync_runs where status = 'success'"
    )
    assert row == (1, 80, 80, 2, 80, 80, dt.datetime.fromisoformat("2026-01-01"), True, None)


def test_state_lives_where_the_package_declares_it(shop: Shop) -> None:
    shop.add_users(5)
    assert shop.options.project_dir is not None
    path = shop.options.project_dir / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    source = {
        "source_name": "braze_state",
        "name": "braze_sync_ledger",
        "database": "shop",
        "schema": "State",
    }
    manifest["sources"] = {"source.dbt_braze.braze_state.braze_sync_ledger": source}
    path.write_text(json.dumps(manifest))
    shop.push()
    assert shop.query("select count(*) from \"State\".braze_sync_ledger where entry = 'done'") == [(1,)]
    assert shop.query("select count(*) from braze.braze_sync_runs") == [(2,)]


def test_a_warehouse_that_fails_in_the_middle_stops_with_counts_that_add_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add_users(3_000)

    def fail(*_: Any) -> None:
        raise StoppedError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr("braze_runner.engine.pusher._SAVE_SECONDS", 0.0)
        patched.setattr(State, "save", fail)
        summary = shop.push()
    assert (summary.exit_code, summary.error) == (3, "the connection is lost")
    assert summary.counts.rows_sent < 3_000
    assert shop.ledger() == []
    shop.push()
    assert shop.ledger() == [("done", "batch-1", 3_000, 0)]


def test_every_table_is_looked_at_before_the_first_request(shop: Shop) -> None:
    shop.add_users(5)
    shop.query(
        "create table braze.extra as select * replace (null as braze_row) from braze.users_attributes_sync"
    )
    shop.write_manifest({"sync": "attributes"}, extra={"sync": "attributes"})
    with pytest.raises(ConfigError, match="Model extra: rows without"):
        shop.push()
    assert shop.braze.raw == []


def test_two_syncs_have_a_run_and_a_ledger_each(shop: Shop) -> None:
    shop.add_users(5)
    shop.query("create table braze.extra as select * from braze.users_attributes_sync limit 2")
    shop.write_manifest({"sync": "attributes"}, extra={"sync": "attributes"})
    summary = shop.push()
    assert {name: each.rows_sent for name, each in summary.by_sync.items()} == {
        "users_attributes_sync": 5,
        "extra": 2,
    }
    assert summary.counts.rows_sent == 7
    assert shop.query(
        "select sync, rows_sent from braze.braze_sync_ledger where entry = 'done' order by 1"
    ) == [
        ("model.shop.extra", 2),
        (SYNC, 5),
    ]


def test_ranges_take_any_braze_row_exactly_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_runner.engine.reader.RANGE_ROWS", 1)
    shop.add_users(6)
    for number, name in enumerate(("2aaaaaaa", "55555555", "80000000", "", "no hash", "~")):
        where = f"where external_id = '{user(number)}'"
        shop.query(f"update braze.users_attributes_sync set braze_row = '{name}' {where}")
    assert counts(shop.push()) == (6, 6, 0, 0)
    assert shop.braze.users() == [user(number) for number in range(6)]
