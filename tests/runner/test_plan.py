import itertools
import json
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_runner import limits
from braze_runner.plan import Identifiers, Packer, Reject, Request, Row, RowPlanner
from braze_runner.plan.datapoints import data_points

CUSTOMER = Identifiers(external_id="customer-000001")


def plan(identifiers: Identifiers, payload: str | bytes | None, **settings: Any) -> Row | Reject:
    data = payload.encode() if isinstance(payload, str) else payload
    return RowPlanner(**settings).plan_row("a" * 32, identifiers, data)


def of_size(size: int) -> str:
    return '{"a":"' + "x" * (size - 8) + '"}'


def with_keys(count: int) -> str:
    return json.dumps({f"key_{number}": number for number in range(count)})


@pytest.mark.parametrize(
    ("identifiers", "payload", "reason"),
    [
        (Identifiers(), '{"a":1}', "no_identifier"),
        (Identifiers(external_id=""), '{"a":1}', "no_identifier"),
        (Identifiers(external_id="c", braze_id="b"), '{"a":1}', "several_identifiers"),
        (Identifiers(external_id="c", alias_name="n", alias_label="l"), '{"a":1}', "several_identifiers"),
        (Identifiers(email="a@b.example", phone="+1"), '{"a":1}', "several_identifiers"),
        (Identifiers(alias_name="n"), '{"a":1}', "incomplete_alias"),
        (Identifiers(alias_label="l"), '{"a":1}', "incomplete_alias"),
        (Identifiers(external_id="é" * 494), '{"a":1}', "external_id_too_long"),
        (Identifiers(alias_name="n" * 237, alias_label="l"), '{"a":1}', "alias_too_long"),
        (CUSTOMER, None, "payload_missing"),
        (CUSTOMER, "", "payload_not_json"),
        (CUSTOMER, '{"a":1', "payload_not_json"),
        (CUSTOMER, '{"a":NaN}', "payload_not_json"),
        (CUSTOMER, b'{"a":"\xff"}', "payload_not_json"),
        (CUSTOMER, '{"a":1} {"b":2}', "payload_not_json"),
        (CUSTOMER, "[1]", "payload_not_object"),
        (CUSTOMER, '"{}"', "payload_not_object"),
        (CUSTOMER, " { } ", "payload_empty"),
        (CUSTOMER, of_size(1_000_001), "payload_too_large"),
        (CUSTOMER, with_keys(251), "too_many_keys"),
        (CUSTOMER, '{"external_id":"x"}', "identifier_in_payload"),
        (CUSTOMER, '{"user_alias":{}}', "identifier_in_payload"),
        (Identifiers(email="a@b.example"), '{"email":"c@d.example"}', "identifier_in_payload"),
        (Identifiers(phone="+1"), '{"phone":"+2"}', "identifier_in_payload"),
        (Identifiers(phone="+1"), '{"email":"c@d.example"}', "identifier_in_payload"),
    ],
)
def test_rows_that_are_rejected(identifiers: Identifiers, payload: str | bytes | None, reason: str) -> None:
    planned = plan(identifiers, payload)
    assert isinstance(planned, Reject)
    assert planned.reason == reason
    assert planned.message.endswith(".")


@pytest.mark.parametrize(
    ("identifiers", "payload", "sent"),
    [
        (CUSTOMER, '{"email":"a@b.example"}', '{"external_id":"customer-000001","email":"a@b.example"}'),
        (CUSTOMER, '\n { "a" : 1.50 } ', '{"external_id":"customer-000001", "a" : 1.50 } '),
        (CUSTOMER, '{"a":1,"a":2}', '{"external_id":"customer-000001","a":1,"a":2}'),
        (Identifiers(braze_id="b"), '{"a":null}', '{"braze_id":"b","a":null}'),
        (
            Identifiers(alias_name='n"', alias_label="l"),
            '{"a":1}',
            '{"user_alias":{"alias_name":"n\\"","alias_label":"l"},"a":1}',
        ),
        (Identifiers(email="a@b.example"), '{"phone":"+1"}', '{"email":"a@b.example","phone":"+1"}'),
    ],
)
def test_rows_that_are_sent(identifiers: Identifiers, payload: str, sent: str) -> None:
    planned = plan(identifiers, payload)
    assert isinstance(planned, Row)
    assert planned.object.decode() == sent


@pytest.mark.parametrize("payload", [of_size(1_000_000), with_keys(250)])
def test_limits_are_inclusive(payload: str) -> None:
    assert isinstance(plan(Identifiers(external_id="c" * 987), payload), Row)


def test_update_existing_only_comes_from_the_model() -> None:
    planned = plan(CUSTOMER, '{"a":1}', update_existing_only=True)
    assert isinstance(planned, Row)
    assert json.loads(planned.object) == {
        "external_id": "customer-000001",
        "_update_existing_only": True,
        "a": 1,
    }
    planned = plan(CUSTOMER, '{"_update_existing_only":false,"a":1}', update_existing_only=True)
    assert isinstance(planned, Reject)
    assert planned.reason == "setting_in_payload"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(st.text().map(lambda key: "a" + key), json_values, min_size=1, max_size=5)


@given(payloads, st.booleans(), st.sampled_from([None, 1]), st.text(" \n\t", max_size=2))
def test_the_payloads_own_text_is_sent(
    payload: Any, ascii_only: bool, indent: int | None, space: str
) -> None:
    text = space + json.dumps(payload, ensure_ascii=ascii_only, indent=indent) + space
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a lone surrogate can't come from a warehouse other than escaped
        data = json.dumps(payload).encode()
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        assert isinstance(plan(CUSTOMER, data), Reject)
        return
    planned = plan(CUSTOMER, data)
    assert isinstance(planned, Row)
    assert planned.object.endswith(data[data.index(b"{") + 1 :])
    assert orjson.loads(planned.object) == {"external_id": "customer-000001"} | parsed
    assert planned.attributes == len(parsed)


def test_columns_in_any_case_and_absent_ones() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"BRAZE_ROW": ["1", "2"], "PAYLOAD": ['{"a":1}', "x"], "External_Id": ["c", None]}
    )
    good, bad = RowPlanner().plan_batch(batch)
    assert isinstance(good, Row)
    assert good.object == b'{"external_id":"c","a":1}'
    assert isinstance(bad, Reject)
    assert bad.reason == "no_identifier"


def row(number: int, size: int = 40, *, good: bool = True, name: str | None = None) -> Row | Reject:
    braze_row = f"{number:032x}" if name is None else name
    if not good:
        return Reject(braze_row, b"{}", None, "payload_missing", "PAYLOAD is null.")
    return Row(braze_row, b"{}", b"{}", b"x" * size, 1, 1)


def pack(rows: list[Row | Reject]) -> list[Request]:
    packer = Packer("attributes", itertools.count(1))
    packed = [packer.add(each) for each in rows] + [packer.flush()]
    return [request for request in packed if request]


sizes = st.sampled_from([40, 40, 40, 1_000, 999_000])


@given(st.lists(st.tuples(sizes, st.booleans()), max_size=400))
def test_packing_keeps_order_limits_and_every_row(shapes: list[tuple[int, bool]]) -> None:
    rows = [row(number, size, good=good) for number, (size, good) in enumerate(shapes)]
    requests = pack(rows)
    assert [each for request in requests for each in request.rows] == [r for r in rows if isinstance(r, Row)]
    rejects = [each for request in requests for each in request.rejects]
    assert rejects == [r for r in rows if isinstance(r, Reject)]
    for request in requests:
        assert len(request.rows) <= 75
        assert len(request.body()) <= 4_000_000
        assert request.mark == max(each.braze_row for each in [*request.rows, *request.rejects])
    assert [request.mark for request in requests] == sorted({request.mark for request in requests})


def test_packing_is_full() -> None:
    assert [len(request.rows) for request in pack([row(number) for number in range(160)])] == [75, 75, 10]
    assert [len(request.rows) for request in pack([row(n, 1_000_000) for n in range(8)])] == [3, 3, 2]


def test_body_is_exactly_at_the_limit() -> None:
    envelope = len(b'{"attributes":[]}')
    fitting = limits.TRACK_BYTES - envelope - 3 * 1_000_001
    [request] = pack([row(number, 1_000_000) for number in range(3)] + [row(3, fitting)])
    assert len(request.body()) == limits.TRACK_BYTES
    assert len(pack([row(number, 1_000_000) for number in range(3)] + [row(3, fitting + 1)])) == 2


@given(st.lists(st.integers(0, 60), max_size=300))
def test_equal_braze_rows_are_rejected_and_never_parted(numbers: list[int]) -> None:
    requests = pack([row(number) for number in sorted(numbers)])
    assert sum(len(request.rows) for request in requests) == len(set(numbers))
    assert sum(request.row_count for request in requests) == len(numbers)
    assert all(reject.reason == "duplicate_row" for request in requests for reject in request.rejects)
    marks = [request.mark for request in requests]
    assert len(set(marks)) == len(marks)


def test_rejects_alone_make_progress() -> None:
    requests = pack([row(number, good=False) for number in range(2_500)])
    assert [request.row_count for request in requests] == [1_000, 1_000, 500]


@pytest.mark.parametrize(
    ("payload", "points"),
    [
        ({"a": 1, "b": "x", "c": True}, 3),
        ({"a": None}, 1),
        ({"list": [1, 2, 3]}, 1),
        ({"list": []}, 1),
        ({"list": {"add": ["a", "b"]}}, 2),
        ({"list": {"add": ["a"], "remove": ["b", "c"]}}, 3),
        ({"count": {"inc": 2}}, 1),
        ({"object": {"a": 1, "b": 2}}, 2),
        ({"objects": [{"a": 1, "b": 2}, {"a": 3}]}, 3),
        ({"objects": {"$add": [{"a": 1, "b": 2}]}}, 2),
        ({"objects": {"$update": [{"$identifier_key": "id", "$new_object": {"a": 1, "b": 2}}]}}, 2),
        ({"objects": {"$remove": [{"$identifier_key": "id", "$identifier_value": 1}]}}, 1),
        ({"email_subscribe": "opted_in", "subscription_groups": [{}], "push_tokens": [{}]}, 0),
        ({"_merge_objects": True, "first_name": "Given 1"}, 1),
    ],
)
def test_data_points(payload: dict[str, Any], points: int) -> None:
    assert data_points(payload) == points
