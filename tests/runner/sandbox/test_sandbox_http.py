import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from braze_runner.limits import TRACK_BYTES
from braze_runner.sandbox import SandboxServer
from braze_runner.sandbox.json_text import MAX_DEPTH

ONE = {"attributes": [{"external_id": "customer", "plan": "gold"}]}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "wrong", "Basic key-of-the-tests"])
def test_wrong_key_is_401(braze: Any, header: str) -> None:
    response = braze.post("/users/track", ONE, headers={"Authorization": header})
    assert (response.status_code, response.json()) == (401, {"message": "Invalid API Key"})


def test_missing_key_is_401(braze: Any) -> None:
    response = requests.post(braze.server.url + "/users/track", json=ONE, timeout=30)
    assert (response.status_code, response.json()) == (401, {"message": "Invalid API Key"})


@pytest.mark.parametrize(
    ("key", "host", "status"),
    [
        ("sandbox", "localhost:8642", 201),
        ("sandbox", "sandbox.example.com", 401),
        ("of-its-own", "sandbox.example.com", 201),
    ],
)
def test_the_key_that_everybody_knows_counts_under_a_local_name(
    tmp_path: Path, key: str, host: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {key}", "Host": host}
    with SandboxServer(db=tmp_path / "profiles.sqlite", api_key=key) as server:
        response = requests.post(server.url + "/users/track", json=ONE, headers=headers, timeout=30)
    assert response.status_code == status


@pytest.mark.parametrize("path", ["/users/track/", "/users", "/", "/users/Track", "/users/export/ids/"])
def test_unknown_path_is_404(braze: Any, path: str) -> None:
    assert braze.post(path, ONE, allow_redirects=False).status_code == 404


def test_other_method_is_404(braze: Any) -> None:
    assert braze.session.get(braze.server.url + "/users/track", timeout=30).status_code == 404


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type_is_415(braze: Any, content_type: str) -> None:
    url = braze.server.url + "/users/track"
    response = braze.session.post(url, data=b"{}", headers={"Content-Type": content_type}, timeout=30)
    assert response.status_code == 415


def test_content_type_may_name_the_charset(braze: Any) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert braze.post("/users/track", ONE, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"attributes": [],}', b'{"a": NaN}', b'{"a": "\xff"}', b"// c\n{}"]
)
def test_body_that_is_no_json_is_400(braze: Any, body: bytes) -> None:
    url = braze.server.url + "/users/track"
    response = braze.session.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30)
    assert response.status_code == 400


@pytest.mark.parametrize(("extra", "status"), [(0, 201), (1, 413)])
def test_body_over_4_mb_is_413(braze: Any, extra: int, status: int) -> None:
    start, end = b'{"attributes":[{"external_id":"large","plan":"', b'"}]}'
    body = start + b"x" * (TRACK_BYTES + extra - len(start) - len(end)) + end
    headers = {"Content-Type": "application/json"}
    response = braze.session.post(braze.server.url + "/users/track", data=body, headers=headers, timeout=30)
    assert response.status_code == status


@pytest.mark.parametrize("body", [{}, [], "text", {"attributes": {}}, {"attributes": []}, {"users": []}])
def test_no_valid_array_is_400(braze: Any, body: Any) -> None:
    response = braze.post("/users/track", body)
    assert response.status_code == 400
    assert response.json()["message"].startswith("Valid data must be provided in the 'attributes'")


def test_more_than_75_objects_in_total_is_400(braze: Any) -> None:
    user = braze.new_id()
    attributes = [{"external_id": user, "count": n} for n in range(74)]
    event = {"external_id": user, "name": "visit", "time": "2026-01-01T00:00:00Z"}
    over = braze.track(attributes=attributes, events=[event, event])
    assert (over.status_code, over.json()) == (400, {"message": "Max Input Length Exceeded"})
    assert braze.user(user) == {}
    assert braze.track(attributes=attributes, events=[event]).status_code == 201


def test_75_objects_in_each_array_by_switch(start: Callable[..., Any]) -> None:
    braze = start(track_limit="per-array")
    event = {"external_id": "c", "name": "visit", "time": "2026-01-01T00:00:00Z"}
    purchase = {**event, "product_id": "p", "currency": "EUR", "price": 1}
    arrays = {"attributes": [{"external_id": "c", "plan": "gold"}] * 75, "events": [event] * 75}
    response = braze.track(**arrays, purchases=[purchase] * 75)
    assert (response.status_code, response.json()["events_processed"]) == (201, 75)
    over = braze.track(attributes=arrays["attributes"], events=[event] * 76)
    assert (over.status_code, over.json()) == (400, {"message": "Max Input Length Exceeded"})


def nested(levels: int) -> Any:
    value: Any = "t"
    for _ in range(levels):
        value = {"a": value}
    return value


def test_what_is_taken_of_a_nested_body_is_queued_stored_and_exported(start: Callable[..., Any]) -> None:
    braze = start(lag=86_400)
    deep = nested(MAX_DEPTH - 3)  # in an attribute, or beside one, of an object in an array of a body
    flat = {"alias_name": "n", "alias_label": "crm"}
    tokens = [{"token": "t", "more": nested(MAX_DEPTH - 5)}]
    item = {"external_id": "c", "deep": deep, "facebook": deep, "push_tokens": tokens}
    event = {"external_id": "c", "name": "visit", "time": "2026-01-01", "beside": deep}
    assert braze.track(attributes=[item], events=[event]).status_code == 201
    braze.flush()
    braze.accepted("/users/alias/new", {"user_aliases": [{**flat, "external_id": "c", "beside": deep}]})
    braze.flush()
    assert braze.state()["failed"] == 0
    found = braze.user("c")
    assert (found["custom_attributes"], found["push_tokens"]) == ({"deep": deep}, tokens)
    assert found["user_aliases"] == [flat]


@pytest.mark.parametrize("levels", [MAX_DEPTH - 2, 300, 1_100])
def test_a_body_nested_too_deep_is_400(braze: Any, levels: int) -> None:
    user = braze.new_id()
    body = b'{"attributes":[{"external_id":"%s","deep":%s}]}'
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    headers = {"Content-Type": "application/json"}
    response = braze.session.post(
        braze.server.url + "/users/track", data=body % (user.encode(), deep), headers=headers, timeout=30
    )
    assert response.status_code == 400
    assert braze.user(user) == {}


def test_request_log_holds_counts_and_no_key(start: Callable[..., Any]) -> None:
    braze = start()
    braze.track(attributes=[{"external_id": "customer", "plan": "gold"}, {"plan": "gold"}])
    braze.post("/users/track", ONE, headers={"Authorization": "Bearer another-key"})
    braze.post("/nothing", ONE)
    braze.server.stop()
    path = braze.server.settings.db
    connection = sqlite3.connect(path)
    log = connection.execute("select number, path, status, objects, errors from requests").fetchall()
    connection.close()
    assert log == [
        (1, "/users/track", 201, 2, 1),
        (2, "/users/track", 401, 0, 0),
        (3, "/nothing", 404, 0, 0),
    ]
    content = path.read_bytes()
    assert b"key-of-the-tests" not in content
    assert b"another-key" not in content
