"""Attributes: which rows are rejected, and what of the others goes to Braze."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plan_helpers import CUSTOMER, TRACKED, Value, attributes, batch_of, json_values, plan_one, reason, sent

from braze_runner.plan import Identifiers, Reject, Row
from braze_runner.plan.payloads import data_points, is_repeatable, without_values
from braze_runner.plan.planner import IdentifiedPlanner
from braze_runner.plan.track import AttributesPlanner


def of_size(size: int) -> str:
    return '{"a":"' + "x" * (size - 8) + '"}'


def with_keys(count: int) -> str:
    return json.dumps({f"key_{number}": number for number in range(count)})


@pytest.mark.parametrize(
    ("identifiers", "payload", "expected"),
    [
        (Identifiers(), '{"a":1}', "no_identifier"),
        (Identifiers(external_id=""), '{"a":1}', "no_identifier"),
        (Identifiers(external_id="c", braze_id="b"), '{"a":1}', "several_identifiers"),
        (Identifiers(external_id="c", alias_name="n", alias_label="l"), '{"a":1}', "several_identifiers"),
        (Identifiers(external_id="c", alias_label="l"), '{"a":1}', "several_identifiers"),
        (Identifiers(email="a@b.example", phone="+1"), '{"a":1}', "several_identifiers"),
        (Identifiers(alias_name="n"), '{"a":1}', "incomplete_alias"),
        (Identifiers(alias_label="l"), '{"a":1}', "incomplete_alias"),
        (Identifiers(external_id="é" * 494), '{"a":1}', "external_id_too_long"),
        (Identifiers(external_id="c" * 988), '{"a":1}', "external_id_too_long"),
        (Identifiers(alias_name="n" * 237, alias_label="l"), '{"a":1}', "alias_too_long"),
        (Identifiers(alias_name="n", alias_label="é" * 119), '{"a":1}', "alias_too_long"),
        (CUSTOMER, None, "payload_missing"),
        (CUSTOMER, "", "payload_not_json"),
        (CUSTOMER, '{"a":1', "payload_not_json"),
        (CUSTOMER, '{"a":NaN}', "payload_not_json"),
        (CUSTOMER, '{"a":Infinity}', "payload_not_json"),
        (CUSTOMER, '{"a":1e999}', "payload_not_json"),
        (CUSTOMER, b'{"a":"\xff"}', "payload_not_json"),
        (CUSTOMER, b'{"a":"\xed\xa0\x80"}', "payload_not_json"),
        (CUSTOMER, '{"a":"\\ud800"}', "payload_not_json"),
        (CUSTOMER, b'\xef\xbb\xbf{"a":1}', "payload_not_json"),
        (CUSTOMER, '{"a":"\n"}', "payload_not_json"),
        (CUSTOMER, '{"a":1,}', "payload_not_json"),
        (CUSTOMER, '{"a":1} {"b":2}', "payload_not_json"),
        (CUSTOMER, '{"a":' + "[" * 2_000 + "]" * 2_000 + "}", "payload_not_json"),
        (CUSTOMER, "[1]", "payload_not_object"),
        (CUSTOMER, '"{}"', "payload_not_object"),
        (CUSTOMER, "null", "payload_not_object"),
        (CUSTOMER, " { } ", "payload_empty"),
        (CUSTOMER, of_size(1_000_001), "payload_too_large"),
        (CUSTOMER, with_keys(251), "too_many_keys"),
        (CUSTOMER, '{"external_id":"x"}', "identifier_in_payload"),
        (CUSTOMER, '{"\\u0065xternal_id":"x"}', "identifier_in_payload"),
        (CUSTOMER, '{"user_alias":{}}', "identifier_in_payload"),
        (CUSTOMER, '{"braze_id":null}', "identifier_in_payload"),
        (Identifiers(email="a@b.example"), '{"email":"c@d.example"}', "identifier_in_payload"),
        (Identifiers(phone="+1"), '{"phone":"+2"}', "identifier_in_payload"),
        (Identifiers(phone="+1"), '{"email":"c@d.example"}', "identifier_in_payload"),
    ],
)
def test_rows_that_are_rejected(identifiers: Identifiers, payload: Value, expected: str) -> None:
    planned = attributes(identifiers, payload)
    assert reason(planned) == expected
    assert isinstance(planned, Reject)
    assert orjson.loads(planned.identifier) == {
        name: value for name, value in identifiers._asdict().items() if value
    }
    assert planned.payload == (payload.encode() if isinstance(payload, str) else payload)


@pytest.mark.parametrize(
    ("identifiers", "payload", "expected"),
    [
        (CUSTOMER, '{"email":"a@b.example"}', '{"external_id":"customer-000001","email":"a@b.example"}'),
        (CUSTOMER, '\n { "a" : 1.50 } ', '{"external_id":"customer-000001", "a" : 1.50 } '),
        (CUSTOMER, '{"a":1,"a":2}', '{"external_id":"customer-000001","a":1,"a":2}'),
        (
            CUSTOMER,
            '{"a":{"b":[1,{"c":null}]}}',
            '{"external_id":"customer-000001","a":{"b":[1,{"c":null}]}}',
        ),
        (Identifiers(braze_id="b"), '{"a":null}', '{"braze_id":"b","a":null}'),
        (
            Identifiers(alias_name='n"', alias_label="l"),
            '{"a":1}',
            '{"user_alias":{"alias_name":"n\\"","alias_label":"l"},"a":1}',
        ),
        (Identifiers(email="a@b.example"), '{"phone":"+1"}', '{"email":"a@b.example","phone":"+1"}'),
        (Identifiers(phone="+1"), '{"a":1}', '{"phone":"+1","a":1}'),
    ],
)
def test_rows_that_are_sent(identifiers: Identifiers, payload: str, expected: str) -> None:
    assert sent(attributes(identifiers, payload)) == expected


@pytest.mark.parametrize("payload", [of_size(1_000_000), with_keys(250)])
@pytest.mark.parametrize("external_id", ["c" * 987, "é" * 493, "c" * 246, "c" * 247])
def test_limits_are_inclusive(external_id: str, payload: str) -> None:
    assert isinstance(attributes(Identifiers(external_id=external_id), payload), Row)


def test_an_identifier_that_is_no_text_is_shown_escaped() -> None:
    planned = plan_one(AttributesPlanner(TRACKED), external_id=b"c\xff", payload='{"a":1}')
    assert reason(planned) == "identifier_not_text"
    assert orjson.loads(planned.identifier) == {"external_id": "c\\xff"}
    planned = plan_one(AttributesPlanner(TRACKED), external_id=b"c\xff", braze_id="b", payload='{"a":1}')
    assert reason(planned) == "identifier_not_text"


def test_settings_come_from_the_model() -> None:
    planned = attributes(CUSTOMER, '{"a":1}', _update_existing_only=True, _merge_objects=False)
    assert sent(planned) == (
        '{"external_id":"customer-000001","_update_existing_only":true,"_merge_objects":false,"a":1}'
    )
    planned = attributes(CUSTOMER, '{"_update_existing_only":false,"a":1}', _update_existing_only=True)
    assert reason(planned) == "setting_in_payload"
    assert isinstance(attributes(CUSTOMER, '{"_update_existing_only":false,"a":1}'), Row)


def test_absent_columns_count_as_null() -> None:
    planner = AttributesPlanner(TRACKED)
    good, bad = planner.plan_batch(
        batch_of([{"external_id": "c", "payload": '{"a":1}'}, {"external_id": None, "payload": "x"}])
    )
    assert (sent(good), reason(bad)) == ('{"external_id":"c","a":1}', "no_identifier")
    assert reason(plan_one(planner, payload='{"a":1}')) == "no_identifier"
    assert reason(plan_one(planner, external_id="c")) == "payload_missing"


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
        ({"objects": {"$update": ["no object", {"$new_object": 5}]}}, 2),
        ({"objects": {"$remove": [{"$identifier_key": "id", "$identifier_value": 1}]}}, 1),
        ({"email_subscribe": "opted_in", "subscription_groups": [{}], "push_tokens": [{}]}, 0),
        ({"_merge_objects": True, "first_name": "Given 1"}, 1),
    ],
)
def test_data_points(payload: dict[str, Any], points: int) -> None:
    assert data_points(payload) == points
    planned = attributes(CUSTOMER, json.dumps(payload))
    assert isinstance(planned, Row)
    assert (planned.attributes, planned.data_points) == (len(payload), points)


@pytest.mark.parametrize("operator", ["add", "remove", "inc", "$add", "$remove", "$update"])
def test_an_operator_must_not_arrive_twice(operator: str) -> None:
    planned = attributes(CUSTOMER, json.dumps({"a": 1, "b": {operator: [1]}}))
    assert isinstance(planned, Row)
    assert not planned.repeatable
    assert is_repeatable({"b": {"c": 1}, operator: [1]})


payload_texts = st.one_of(
    st.dictionaries(st.text(), json_values, max_size=5).map(json.dumps),
    st.dictionaries(st.text(), json_values, max_size=5).map(lambda value: json.dumps(value, indent=1)),
    st.sampled_from(
        [
            "{}",
            "[1]",
            '{"a":"{"}',
            '{"a":"["}',
            " {}",
            '{"a":1}}',
            '{"push_tokens":null}',
            '{"_merge_objects":true,"a":1}',
        ]
    ),
    st.text(max_size=10),
    st.binary(max_size=10),
)
external_ids = st.one_of(
    st.text(max_size=5),
    st.integers(200, 1_000).map(lambda size: "c" * size),
    st.sampled_from(["é" * 247, b"\xff", ""]),
)


@given(
    st.lists(st.tuples(st.none() | external_ids, st.none() | payload_texts), min_size=1, max_size=6),
    st.sampled_from([{}, {"_update_existing_only": True}]),
)
@example(
    [("c", with_keys(250)), ("c", with_keys(251)), ("c", of_size(1_000_000)), ("c", of_size(1_000_001))], {}
)
def test_the_short_way_gives_what_the_long_way_gives(
    values: list[tuple[Value, Value]], settings: dict[str, bool]
) -> None:
    batch = batch_of([{"external_id": external_id, "payload": payload} for external_id, payload in values])
    planner = AttributesPlanner(TRACKED, settings)
    short, long = planner.plan_batch(batch), IdentifiedPlanner.plan_batch(planner, batch)
    assert list(short) == list(long)
    assert [type(each) for each in short] == [type(each) for each in long]


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError

    planner = AttributesPlanner(TRACKED)
    monkeypatch.setattr(planner, "plan_row", refuse)
    assert (
        sent(plan_one(planner, external_id="c", email=None, payload='{"a":1}')) == '{"external_id":"c","a":1}'
    )
    with pytest.raises(AssertionError):
        plan_one(planner, external_id="c", email="a@b.example", payload='{"a":1}')


def test_a_message_without_the_values_of_a_row() -> None:
    row = (
        b'{"external_id":"customer-1"}',
        b'{"tags":["gold",{"size":"4711"}],"a":"is","b":4.5,"c":null,"d":"x.y+z"}',
    )
    message = "'size' of customer-1 is 4711, gold costs 4.5: x.y+z"
    assert without_values(message, *row) == "'size' of … is …, … costs …: …"
    assert without_values("a message", b"no json", None) == "a message"
