"""Tables for the data tests of the package: rows that are right and rows that are wrong, each with what is wrong with it."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 (UTC, as every UPDATED_AT)
FUTURE = datetime(2999, 1, 1)  # noqa: DTZ001


class Table(NamedTuple):
    """Rows with the problem that the test is to report for each, or None; columns in order."""

    test: str
    sync: str | None
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]

    @property
    def problems(self) -> list[tuple[datetime | None, str]]:
        """What the test is to report, by UPDATED_AT."""
        found = {(row["UPDATED_AT"], row["problem"]) for row in self.rows if row["problem"]}
        return sorted(found, key=str)


def table(test: str, sync: str | None, *cases: tuple[str | None, dict[str, Any]]) -> Table:
    """Complete the rows: each has a stamp of its own unless it says which."""
    columns = dict.fromkeys(["UPDATED_AT", *(name for _, values in cases for name in values)])
    rows = [
        {"UPDATED_AT": FIRST + timedelta(seconds=n), **values, "problem": problem}
        for n, (problem, values) in enumerate(cases)
    ]
    return Table(test, sync, tuple(columns), rows)


def users(problem: str | None, payload: Any, **values: Any) -> tuple[str | None, dict[str, Any]]:
    """One row of a user table; a payload that is no text is written as JSON."""
    text = payload if payload is None or isinstance(payload, str) else json.dumps(payload)
    return problem, {"EXTERNAL_ID": "a", **values, "PAYLOAD": text}


def ids(problem: str | None, *values: str | None) -> tuple[str | None, dict[str, Any]]:
    """One row of identifiers."""
    columns = ("EXTERNAL_ID", "ALIAS_NAME", "ALIAS_LABEL", "EMAIL")
    return problem, dict(zip(columns, values, strict=True))


IDENTIFIERS = table(
    "braze_one_identifier",
    "attributes",
    ids(None, "a", None, None, None),
    ids(None, None, "a", "crm", None),
    ids(None, None, None, None, "a@example.com"),
    ids(None, "x" * 987, "", None, None),
    ids("no identifier", None, None, None, None),
    ids("no identifier", "", None, None, ""),
    ids("more than one kind of identifier", "a", None, None, "a@example.com"),
    ids("more than one kind of identifier", "a", "b", None, None),
    ids("an alias needs both alias_name and alias_label", None, "a", None, None),
    ids("an alias needs both alias_name and alias_label", None, "", "crm", None),
    ids("external_id is longer than 987 bytes", "é" * 494, None, None, None),
    ids("alias_name is longer than 236 bytes", None, "x" * 237, "crm", None),
    ids("alias_label is longer than 236 bytes", None, "a", "x" * 237, None),
)
ITEM_IDS = table(
    "braze_one_identifier",
    "catalog_items",
    (None, {"ID": "item_1-A"}),
    ("no id", {"ID": None}),
    ("no id", {"ID": ""}),
    ("id has characters other than letters, digits, - and _", {"ID": "item 1"}),
    ("id is longer than 250 characters", {"ID": "x" * 251}),
)

NO_OBJECT = "PAYLOAD is not a JSON object"
NULL_INSIDE = "a null is inside of an object or array"
WRONG_TIME = "a $time is not ISO 8601"
PAYLOADS = table(
    "braze_payload_is_sound",
    "attributes",
    users(None, {}),
    users(None, ' \n {"a" : null, "b":1.5e3, "c":[ ], "d":{}, "e":"é日"} '),
    users(None, {"a": {"b": {"c": [1, {"d": "a null, or [null] or \\"}]}}, "n": None, "t": "n"}),
    users(None, {'quote " \\': 'say ": null', "brackets": "}{][,null"}),
    users(None, {"a": [[[[[[[[[[1]]]]]]]]]], "b": None}),
    users(None, {"email": "a@example.com", "phone": "1"}),
    users(None, {"a": {"add": ["x"], "remove": []}, "b": {"$add": [{"id": 1}]}}),
    users(None, {"a": {"b": {"$time": "2026-01-31T12:00:00.000Z"}, "c": {"$time": "2026-01-31"}}}),
    users(None, '{"a":{"$time" : "2026-01-31T12:00:00:123+0100"},"b":"\\"$time\\""}'),
    users(None, {f"a{n}": n for n in range(250)}),
    users("no PAYLOAD", None),
    users(NO_OBJECT, "text"),
    users(NO_OBJECT, ""),
    users(NO_OBJECT, "[]"),
    users(NO_OBJECT, '"text"'),
    users(NO_OBJECT, '{"a":1'),
    users(NO_OBJECT, "{'a':1}"),
    users(NO_OBJECT, '{"a":}'),
    users(NO_OBJECT, '{"a":nullx}'),
    users("PAYLOAD is larger than 1 MB", {"a": "x" * 1_000_000}),
    users("PAYLOAD has more than 250 attributes", {f"a{n}": n for n in range(251)}),
    users("PAYLOAD holds the identifier external_id", {"external_id": "a"}),
    users("PAYLOAD holds the identifier user_alias", {"user_alias": {"alias_name": "a", "alias_label": "b"}}),
    users("PAYLOAD holds the identifier braze_id", {"x": 1, "braze_id": "b"}),
    users("PAYLOAD holds the identifier email", {"email": "a@b.c"}, EXTERNAL_ID=None, EMAIL="a@b.c"),
    users(NULL_INSIDE, {"a": {"b": None}}),
    users(NULL_INSIDE, {"a": [1, None]}),
    users(NULL_INSIDE, '{"z":null,"a":{"b":[{"c":{"d" : null}}]}}'),
    users(NULL_INSIDE, {"a": [[], {}, {"b": None, "c": []}]}),
    users(NULL_INSIDE, {"z": None, "a": [[[1], {"b": [[]]}], {}, None]}),
    users(WRONG_TIME, {"a": {"$time": "2026-01-31 12:00:00"}}),
    users(WRONG_TIME, {"a": {"$time": "2026-01-31", "b": {"$time": 5}}}),
    users(WRONG_TIME, {"a": [{"$time": "2026-13-01"}]}),
)

NO_ISO = "time is not ISO 8601"
EVENT = {"name": "Signed up", "time": "2026-01-31T12:00:00Z"}
EVENTS = table(
    "braze_events_are_complete",
    None,
    users(None, EVENT),
    users(None, {**EVENT, "app_id": "app", "properties": {"n": 1, "when": None}}),
    users(None, {**EVENT, "app_id": None, "properties": None, "time": "2026-01-31T12:00:00+02:00"}),
    users(None, {**EVENT, "time": "2026-01-31"}),
    users(NO_OBJECT, "text"),
    users("no PAYLOAD", None),
    users("no name", {"time": EVENT["time"]}),
    users("no name", {**EVENT, "name": ""}),
    users("name is not a text", {**EVENT, "name": 5}),
    users("no time", {"name": "Signed up"}),
    users(NO_ISO, {**EVENT, "time": "2026-01-31 12:00:00"}),
    users(NO_ISO, {**EVENT, "time": 1769860800}),
    users(NO_ISO, {**EVENT, "time": "2026-01-31T12:00:00Z UTC"}),
    users("app_id is not a text", {**EVENT, "app_id": 1}),
    users("properties is not an object", {**EVENT, "properties": [1]}),
    users("the property event_name is reserved by Braze", {**EVENT, "properties": {"event_name": "x"}}),
    users("the property time is reserved by Braze", {**EVENT, "properties": {"time": 1}}),
    users("properties are larger than 102400 bytes", {**EVENT, "properties": {"a": "x" * 102_400}}),
)

NO_CODE = "currency is not an ISO 4217 code"
NO_QUANTITY = "quantity is not a whole number from 1 to 100"
PURCHASE = {"product_id": "shoe", "currency": "USD", "price": 12.5, "time": "2026-01-31T12:00:00Z"}
PURCHASES = table(
    "braze_purchases_are_complete",
    None,
    users(None, PURCHASE),
    users(None, {**PURCHASE, "price": -3, "quantity": 100, "properties": {"size": "L"}}),
    users(None, {**PURCHASE, "product_id": 'é"' * 127 + "x", "quantity": None}),
    users("no product_id", {k: v for k, v in PURCHASE.items() if k != "product_id"}),
    users("product_id is not a text", {**PURCHASE, "product_id": 5}),
    users("product_id is longer than 255 characters", {**PURCHASE, "product_id": "x" * 256}),
    users("no currency", {k: v for k, v in PURCHASE.items() if k != "currency"}),
    users(NO_CODE, {**PURCHASE, "currency": "usd"}),
    users(NO_CODE, {**PURCHASE, "currency": "US dollar"}),
    users("no price", {**PURCHASE, "price": None}),
    users("price is not a number", {**PURCHASE, "price": "12.50"}),
    users(NO_QUANTITY, {**PURCHASE, "quantity": 0}),
    users(NO_QUANTITY, {**PURCHASE, "quantity": 101}),
    users(NO_QUANTITY, {**PURCHASE, "quantity": 1.5}),
    users("no time", {**PURCHASE, "time": None}),
    users("time is not ISO 8601", {**PURCHASE, "time": "yesterday"}),
    users("properties is not an object", {**PURCHASE, "properties": "x"}),
    users("the property price is reserved by Braze", {**PURCHASE, "properties": {"price": 1}}),
    users("properties are larger than 51200 bytes", {**PURCHASE, "properties": {"a": "x" * 51_200}}),
)

STATES = "opted_in, unsubscribed, subscribed"
LOCATION = "current_location is not an object with the numbers longitude and latitude"
RIGHT_FIELDS = {
    "first_name": "é",
    "last_name": "",
    "email": "a.b+c@example.co",
    "dob": "1990-02-28",
    "gender": "F",
    "country": "DE",
    "language": "de",
    "current_location": {"longitude": -1.5, "latitude": 5},
    "date_of_first_session": "2026-01-31T12:00:00.000Z",
    "date_of_last_session": "2026-01-31 12:00:00",
    "email_subscribe": "opted_in",
    "email_open_tracking_disabled": False,
    "subscription_groups": [],
    "facebook": {"id": "1"},
    "image_url": "https://example.com/" + "é" * 1000,
}
RESERVED = table(
    "braze_reserved_fields",
    None,
    users(None, RIGHT_FIELDS),
    users(None, dict.fromkeys(RIGHT_FIELDS)),
    users(None, {"First_Name": 5, "GENDER": "x", "nested": {"gender": "x"}}),
    users(NO_OBJECT, "text"),
    *(
        users(f"{name} is not {words}", {"points": 1, name: value})
        for name, value, words in [
            ("first_name", 5, "a text"),
            ("phone", 491234567, "a text"),
            ("email", "nobody", "an email address"),
            ("dob", "1990-02-28T00:00:00Z", "YYYY-MM-DD"),
            ("dob", "28.02.1990", "YYYY-MM-DD"),
            ("gender", "male", "M, F, O, N, P"),
            ("country", "Germany", "a code of two letters"),
            ("language", "de_DE", "a code of two letters"),
            ("current_location", {"longitude": 1}, LOCATION.removeprefix("current_location is not ")),
            ("current_location", {"longitude": "1", "latitude": "2"}, LOCATION.split(" not ")[1]),
            ("current_location", [1, 2], LOCATION.split(" not ")[1]),
            ("date_of_first_session", "31.1.2026", "a time"),
            ("marked_email_as_spam_at", 1769860800, "a time"),
            ("email_subscribe", True, STATES),
            ("push_subscribe", "yes", STATES),
            ("email_click_tracking_disabled", "true", "true or false"),
            ("subscription_groups", {"subscription_group_id": "x"}, "a list"),
            ("push_tokens", "token", "a list"),
            ("twitter", "name", "an object"),
            ("image_url", "x" * 1025, "a text of 1024 characters at most"),
        ]
    ),
    users("email_subscription_info is not allowed", {"email_subscription_info": "x"}),
)

STAMPS = table(
    "braze_updated_at_is_sound",
    None,
    (None, {"EXTERNAL_ID": "a"}),
    ("no UPDATED_AT", {"UPDATED_AT": None}),
    ("UPDATED_AT is in the future", {"UPDATED_AT": FUTURE}),
)
TWICE = "more than one row of one UPDATED_AT"
REPEATED = table(
    "braze_one_row_per_user",
    "attributes",
    (None, {"EXTERNAL_ID": "a", "ALIAS_NAME": None, "ALIAS_LABEL": None}),
    (None, {"EXTERNAL_ID": "a"}),
    *((TWICE, {"EXTERNAL_ID": "b", "UPDATED_AT": FIRST + timedelta(days=1)}) for _ in range(2)),
    *((None, {"EXTERNAL_ID": name, "UPDATED_AT": FIRST + timedelta(days=2)}) for name in "cd"),
    *(
        (TWICE, {"ALIAS_NAME": "a", "ALIAS_LABEL": "l", "UPDATED_AT": FIRST + timedelta(days=3)})
        for _ in "xyz"
    ),
    *(
        (None, {"ALIAS_NAME": "a", "ALIAS_LABEL": label, "UPDATED_AT": FIRST + timedelta(days=4)})
        for label in "lm"
    ),
    *((None, {"EXTERNAL_ID": None, "UPDATED_AT": FIRST + timedelta(days=5)}) for _ in range(2)),
)

TABLES = {
    "identifiers": IDENTIFIERS,
    "item_ids": ITEM_IDS,
    "payloads": PAYLOADS,
    "events": EVENTS,
    "purchases": PURCHASES,
    "reserved": RESERVED,
    "stamps": STAMPS,
    "repeated": REPEATED,
}


def stored_test(name: str, case: Table) -> dict[str, Any]:
    """The data test in YAML, whose findings are kept in the table <schema>_found.<name>."""
    arguments = {"sync": case.sync} if case.sync else {}
    config = {"store_failures": True, "schema": "found", "alias": name}
    return {f"dbt_braze.{case.test}": {"arguments": arguments, "config": config}}
