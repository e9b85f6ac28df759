"""Hostile rows: what is sent is the row's own text, byte for byte, or nothing of it (R10)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plan_helpers import ENVELOPES, Value, batch_of, bodies, json_values
from push_helpers import Shop

from braze_runner import limits
from braze_runner.plan import Planner, Reject, Row
from braze_runner.plan.actions import ActionPlanner
from braze_runner.plan.catalogs import CatalogPlanner
from braze_runner.plan.deletes import DeletesPlanner
from braze_runner.plan.members import elements, members
from braze_runner.plan.states import EmailStatusPlanner, SubscriptionPlanner
from braze_runner.plan.track import ActivityPlanner, AttributesPlanner

TIME = "2026-01-01T00:00:00Z"
# Planner, the columns that name the row, and the members that make its payload complete.
PLANNERS: dict[str, tuple[Planner, dict[str, Value], str]] = {
    "attributes": (AttributesPlanner(ENVELOPES["total"]), {"external_id": "c"}, '"first":1'),
    "attributes_by_email": (AttributesPlanner(ENVELOPES["total"]), {"email": "a@b.example"}, '"first":1'),
    "events": (
        ActivityPlanner("events", ENVELOPES["total"]),
        {"external_id": "c"},
        f'"name":"n","time":"{TIME}"',
    ),
    "purchases": (
        ActivityPlanner("purchases", ENVELOPES["total"]),
        {"braze_id": "b"},
        f'"product_id":"p","currency":"USD","price":1.50,"time":"{TIME}"',
    ),
    "catalog_items": (CatalogPlanner("items"), {"id": "item-1"}, '"first":1'),
    "aliases": (ActionPlanner("aliases"), {}, '"alias_name":"n","alias_label":"l"'),
    "alias_updates": (
        ActionPlanner("alias_updates"),
        {},
        '"alias_label":"l","old_alias_name":"o","new_alias_name":"n"',
    ),
    "identifies": (ActionPlanner("identifies"), {}, '"external_id":"c","user_alias":{"alias_name":"n"}'),
    "merges": (
        ActionPlanner("merges"),
        {},
        '"identifier_to_merge":{"external_id":"b"},"identifier_to_keep":{"external_id":"c"}',
    ),
    "external_id_renames": (
        ActionPlanner("external_id_renames"),
        {},
        '"current_external_id":"b","new_external_id":"c"',
    ),
}
NESTED = "[" * 500 + "]" * 500
# Texts of a value in JSON, as a warehouse may write them.
VALUES = [
    "12345678901234567890",
    "-9223372036854775808",
    "18446744073709551615",
    "12345678901234567890123456789012345678",
    "0.10000000000000000000000000000000000001",
    "1E+2",
    "-0",
    "-0.0",
    "1.50",
    "5e-324",
    '""',
    '"\\u0000\\u001f\\u007f"',
    '"\x7f\u0080\u2028\u2029\ufeff\uffff"',
    '"👩‍👩‍👧‍👦 \\ud83d\\ude00"',
    '"שלום \u202e עולם"',
    '"' + "x" * 256 + '"',
    '"' + "é" * 300 + '"',
    '"\\/\\"\\\\"',
    NESTED,
    '{"a":{"a":{"$time":"x","a.b":null}}}',
    '{"":1,"":2}',
    "[null,[],{}]",
    "null",
    "true",
]
# Texts that no JSON parser may take, or that hold what JSON has no word for.
BROKEN: list[bytes] = [
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"nan",
    b"1e400",
    b"01",
    b"+1",
    b".5",
    b"0x1F",
    b"'a'",
    b'"\xff"',
    b'"\xc0\xaf"',
    b'"\xed\xa0\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\\ud800"',
    b'"\\ude00\\ud83d"',
    b'"\x00"',
    b'"\n"',
    b'"\\x41"',
    b"undefined",
    b"/* */ 1",
    b"1}",
    b"]",
    b"[" * 2_000 + b"]" * 2_000,
]


def payload_with(name: str, value: bytes) -> bytes:
    return b' { "hostile" : ' + value + b" , " + PLANNERS[name][2].encode() + b" } "


def plan(name: str, *payloads: bytes) -> list[Row | Reject]:
    planner, columns, _ = PLANNERS[name]
    return list(planner.plan_batch(batch_of([{**columns, "payload": payload} for payload in payloads])))


def own_text(name: str, payload: bytes) -> bytes:
    """Return what of a payload goes on the wire: all of it, or all behind its first brace."""
    return payload if not PLANNERS[name][1] else payload[payload.index(b"{") + 1 :]


def check_sent(name: str, payloads: list[bytes]) -> None:
    """Each payload's own bytes stand in a body, in order, and each body is one JSON object of as many."""
    rows = [row for row in plan(name, *payloads) if isinstance(row, Row)]
    assert len(rows) == len(payloads)
    wire, place, objects = b"\n".join(bodies(rows)), 0, 0
    for payload in payloads:
        place = wire.index(own_text(name, payload), place) + len(own_text(name, payload))
    for body in bodies(rows):
        [(_, listed)] = orjson.loads(body).items()
        objects += len(listed)
    assert objects == len(payloads)


@pytest.mark.parametrize("name", PLANNERS)
def test_any_value_goes_out_as_it_is(name: str) -> None:
    check_sent(name, [payload_with(name, value.encode()) for value in VALUES])


@pytest.mark.parametrize("name", PLANNERS)
@pytest.mark.parametrize("value", BROKEN)
def test_what_is_no_json_is_rejected_with_its_bytes(name: str, value: bytes) -> None:
    payload = payload_with(name, value)
    before, planned, after = plan(name, payload_with(name, b"1"), payload, payload_with(name, b"2"))
    assert isinstance(planned, Reject)
    assert (planned.reason, planned.payload) == ("payload_not_json", payload)
    assert isinstance(before, Row)
    assert isinstance(after, Row)


@given(st.sampled_from(sorted(PLANNERS)), st.binary(max_size=30))
@example("attributes", b'1},{"external_id":"other"')
@example("events", b"1}]}")
def test_any_bytes_either_are_a_value_or_send_nothing(name: str, value: bytes) -> None:
    """Nothing in a payload can end its object early and begin another."""
    payload = payload_with(name, value)
    [planned] = plan(name, payload)
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(planned, Row):
        assert isinstance(parsed, dict)
        check_sent(name, [payload])
    else:
        assert planned.payload == payload
        assert parsed is None or planned.reason != "payload_not_json"


member_names = st.text(max_size=300) | st.sampled_from(["", "a.b", "$a", "שם", "👋", "a" * 300, " a "])


@given(
    st.sampled_from(sorted(PLANNERS)),
    st.lists(st.tuples(member_names, json_values | st.integers(10**37, 10**39)), max_size=5),
    st.booleans(),
    st.sampled_from([None, 1]),
)
@settings(deadline=None)
def test_any_object_goes_out_as_it_is(
    name: str, members: list[tuple[str, Any]], ascii_only: bool, indent: int | None
) -> None:
    """Keys may repeat; a reserved one is the planner's own business and rejected."""
    parts = [
        json.dumps(key, ensure_ascii=ascii_only)
        + ":"
        + json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        for key, value in members
    ]
    text = "{" + ",".join([*parts, PLANNERS[name][2]]) + "}"
    payload = text.encode("utf-8", "surrogatepass")
    [planned] = plan(name, payload)
    if isinstance(planned, Row):
        check_sent(name, [payload, payload])
    else:
        reserved = limits.IDENTIFIER_KEYS | {"email", "phone", "id", "user_alias"}
        lone = re.search("[\ud800-\udfff]|\\\\ud[89a-f]", text)
        assert lone or reserved & {key for key, _ in members}, planned.reason


@given(st.lists(st.tuples(st.text(max_size=9), json_values), max_size=5), st.sampled_from([None, 0, 2]))
@settings(deadline=None)
def test_an_object_is_taken_apart_into_its_own_texts(
    pairs: list[tuple[str, Any]], indent: int | None
) -> None:
    """What is sent of several rows of a user, or once more, is made of these."""
    written = [json.dumps(value, ensure_ascii=bool(indent), indent=indent) for _, value in pairs]
    space = "" if indent is None else "\n" + " " * indent
    named = [f"{json.dumps(key)}{space}:{space}{text}" for (key, _), text in zip(pairs, written, strict=True)]
    of_object = space + f"{space},{space}".join(named) + space
    of_array = space + f"{space},{space}".join(written) + space
    assert members(f"{space}{{{of_object}}}") == [
        (key, text) for (key, _), text in zip(pairs, written, strict=True)
    ]
    assert elements(f"{space}[{of_array}]") == written


@pytest.mark.parametrize("value", [*VALUES, "[" * 1_020 + "]" * 1_020, '{"a":' * 1_020 + "1" + "}" * 1_020])
def test_any_value_is_taken_out_as_it_is(value: str) -> None:
    assert members(f'{{"a":{value} , "b":[{value}]}}') == [("a", value), ("b", f"[{value}]")]
    assert elements(f"[{value}\t,{value}]") == [value, value]


@given(st.text(max_size=300) | st.binary(max_size=30))
@example("c" * 987)
@example('\x00\x1f"\\,}]')
@example("\ud800")
def test_an_identifier_is_one_value_whatever_it_holds(text: str | bytes) -> None:
    planners = {"external_ids": DeletesPlanner(), "attributes": AttributesPlanner(ENVELOPES["total"])}
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    for array, planner in planners.items():
        [planned] = planner.plan_batch(batch_of([{"external_id": data, "payload": '{"a":1}'}]))
        if isinstance(planned, Reject):
            assert planned.reason in ("no_identifier", "external_id_too_long", "identifier_not_text")
            assert isinstance(orjson.loads(planned.identifier), dict)
            continue
        assert orjson.loads(b"{" + planned.identifier + b"}") == {"external_id": data.decode()}
        [body] = bodies([planned])
        [named] = orjson.loads(body)[array]
        assert (named if array == "external_ids" else named["external_id"]) == data.decode()


@pytest.mark.parametrize("planner", [SubscriptionPlanner(), EmailStatusPlanner()])
@given(st.text(max_size=300), st.text(max_size=50), st.text(max_size=50))
@settings(deadline=None)
def test_states_are_one_value_each(planner: Planner, email: str, group: str, state: str) -> None:
    payload = json.dumps({"subscription_group_id": group, "subscription_state": state})
    [planned] = planner.plan_batch(batch_of([{"email": email, "payload": payload}]))
    if isinstance(planned, Row):
        [body] = bodies([planned])
        parsed = orjson.loads(body)
        [entry] = parsed.get("subscription_groups", [parsed])
        assert (entry.get("emails") or entry["email"]) == [email]
        assert entry["subscription_state"] == state
        assert entry.get("subscription_group_id", group) == group
    else:
        assert isinstance(orjson.loads(planned.identifier), dict)


def test_batches_of_the_largest_payloads() -> None:
    value = b'"' + b"x" * 999_000 + b'"'
    payloads = [payload_with("attributes", value)] * 9
    rows = [row for row in plan("attributes", *payloads) if isinstance(row, Row)]
    sizes = [len(body) for body in bodies(rows)]
    assert len(sizes) == 3
    assert 3_990_000 < max(sizes) <= limits.TRACK_BYTES
    check_sent("attributes", payloads)


def hostile_rows() -> Iterator[tuple[str, bytes]]:
    for number, value in enumerate(VALUES):
        yield f"customer-{number:03}", payload_with("attributes", value.encode())
    yield "customer-👋", b'{"big":"' + b"x" * 900_000 + b'"}'
    yield 'לקוח\u202e"\\\x7f', b'{"a":1}'


def test_hostile_rows_from_a_table_to_the_wire(shop: Shop) -> None:
    """Through a real warehouse, its Arrow batches and a real HTTP server."""
    rows = list(hostile_rows())
    shop.add([(external_id, payload.decode()) for external_id, payload in rows])
    summary = shop.push()
    assert (summary.counts.rows_sent, summary.counts.rows_rejected) == (len(rows), 0)
    wire = b"\n".join(shop.braze.raw)
    for external_id, payload in rows:
        member = b'{"external_id":' + orjson.dumps(external_id) + b"," + payload[payload.index(b"{") + 1 :]
        assert wire.count(member) == 1
    # The fake's own parser has taken every body.
    assert shop.braze.users() == sorted(external_id for external_id, _ in rows)


def test_broken_rows_from_a_table_to_the_rejects(shop: Shop) -> None:
    """What DuckDB can hold: no text of it is invalid UTF-8."""
    payloads = [payload_with("attributes", value) for value in BROKEN if is_text(value)]
    shop.add([("c", payload.decode()) for payload in payloads])
    summary = shop.push()
    assert (summary.counts.rows_rejected, summary.counts.rows_sent) == (len(payloads), 0)
    assert shop.query("select payload, reason from braze.braze_sync_rejects order by braze_row") == [
        (payload.decode(), "payload_not_json") for payload in payloads
    ]
    assert shop.braze.raw == []


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
