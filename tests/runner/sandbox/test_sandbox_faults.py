"""Requests that go wrong, as a client sees them, and what has been applied all the same."""

import socket
import sqlite3
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from braze_runner.errors import ConfigError
from braze_runner.sandbox.faults import KINDS, Fault, Faults
from braze_runner.sandbox.settings import Settings

TRACK = "/users/track"


@pytest.fixture(scope="module")
def faulty(start_once: Callable[..., Any]) -> Any:
    return start_once()


@pytest.fixture(autouse=True)
def _without_faults(faulty: Any) -> Any:
    yield
    faulty.faults()


def item(user: str) -> dict[str, Any]:
    return {"external_id": user, "plan": "gold"}


def is_applied(braze: Any, user: str) -> bool:
    braze.faults()
    return bool(braze.user(user))


@pytest.mark.parametrize(("kind", "applied"), [("reset_before", False), ("reset_after", True)])
def test_a_reset_leaves_no_answer(faulty: Any, kind: str, applied: bool) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": kind})
    with pytest.raises(requests.ConnectionError):
        faulty.track(attributes=[item(user)])
    assert is_applied(faulty, user) is applied


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_applied_or_not(faulty: Any, status: int, applied: bool) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "server_error", "status": status, "applied": applied})
    response = faulty.track(attributes=[item(user)])
    assert (response.status_code, response.json()) == (status, {"message": "Internal Server Error"})
    assert is_applied(faulty, user) is applied


@pytest.mark.parametrize("status", [400, 502, 520])
def test_html_of_the_edge(faulty: Any, status: int) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "html", "status": status})
    response = faulty.track(attributes=[item(user)])
    assert (response.status_code, response.text[:6]) == (status, "<html>")
    assert response.headers["content-type"].startswith("text/html")
    assert not is_applied(faulty, user)


def test_rate_limited_says_how_long_and_has_no_other_header(faulty: Any) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "rate_limited", "seconds": 7})
    response = faulty.track(attributes=[item(user)])
    told = {name: value for name, value in response.headers.items() if name.startswith("x-ratelimit")}
    assert (response.status_code, told) == (429, {"x-ratelimit-retry-after": "7"})
    assert not is_applied(faulty, user)


def test_redirect_to_another_host(faulty: Any) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "redirect", "location": "https://other.example.com"})
    response = faulty.post(TRACK, {"attributes": [item(user)]}, allow_redirects=False)
    assert response.status_code == 302
    assert response.headers["location"] == "https://other.example.com/users/track"
    assert not is_applied(faulty, user)


def test_an_empty_body(faulty: Any) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "empty"})
    response = faulty.track(attributes=[item(user)])
    assert (response.status_code, response.content) == (201, b"")
    assert is_applied(faulty, user)


def test_a_truncated_body(faulty: Any) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "truncated"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        faulty.track(attributes=[item(user)])
    assert is_applied(faulty, user)


def test_a_slow_answer_comes_after_it_was_applied(faulty: Any) -> None:
    user = faulty.new_id()
    faulty.faults({"kind": "slow", "seconds": 60, "paths": [TRACK]})
    body = b'{"attributes":[{"external_id":"%s","plan":"gold"}]}' % user.encode()
    head = "POST /users/track HTTP/1.1\r\nHost: s\r\nContent-Type: application/json\r\nContent-Length: "
    key = faulty.session.headers["Authorization"]
    address = urlsplit(faulty.server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"{head}{len(body)}\r\nAuthorization: {key}\r\n\r\n".encode() + body)
        deadline = time.monotonic() + 60
        while not faulty.user(user) and time.monotonic() < deadline:
            pass
        assert faulty.user(user) != {}
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)


def test_a_slow_answer_is_the_answer(faulty: Any) -> None:
    faulty.faults({"kind": "slow", "seconds": 0.001})
    assert faulty.track(attributes=[item(faulty.new_id())]).json()["attributes_processed"] == 1


def test_faults_hit_a_share_of_some_paths_some_times(faulty: Any) -> None:
    faulty.faults({"kind": "server_error", "paths": [TRACK], "times": 2})
    user = faulty.new_id()
    faulty.export(external_ids=[user])
    statuses = [faulty.track(attributes=[item(user)]).status_code for _ in range(3)]
    assert statuses == [500, 500, 201]
    rules = faulty.session.get(faulty.server.url + "/sandbox/faults", timeout=30).json()
    assert [(rule["kind"], rule["times"]) for rule in rules] == [("server_error", 0)]


def test_the_share_is_drawn_from_the_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults([Fault("empty", share=0.3)], seed)
        return [faults.pick(TRACK) is not None for _ in range(1000)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 230 < sum(hits(1)) < 370


def test_control_requests_are_never_faulted(faulty: Any) -> None:
    faulty.faults({"kind": "reset_before"})
    faulty.flush()
    assert faulty.state()["queued"] == 0


def test_the_log_names_the_fault(start: Callable[..., Any]) -> None:
    braze = start(faults=[Fault("server_error", times=1, applied=True), Fault("reset_before", times=1)])
    braze.track(attributes=[item("customer")])
    with pytest.raises(requests.ConnectionError):
        braze.track(attributes=[item("customer")])
    connection = sqlite3.connect(braze.server.settings.db)
    log = connection.execute("select status, objects, fault from requests").fetchall()
    connection.close()
    assert log == [(201, 1, "server_error"), (0, 0, "reset_before")]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        "reset_after",
        {"kind": "flood"},
        {"kind": "slow", "share": 2},
        {"kind": "slow", "share": "half"},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "speed": 1},
        {"kind": "slow", "times": 0.5},
        {"kind": "redirect", "location": 5},
        {"kind": "html", "applied": "no"},
        {"kind": "slow", "paths": [5]},
        {"kind": "slow", "paths": "/users/track"},
        {"kind": "server_error", "status": 200},
        {"kind": "html", "status": 404},
        {"kind": "reset_before", "applied": True},
    ],
)
def test_a_rule_that_makes_no_sense_is_400(faulty: Any, rule: Any) -> None:
    faulty.faults({"kind": "empty", "paths": []})
    response = faulty.session.put(faulty.server.url + "/sandbox/faults", json=[rule], timeout=30)
    assert response.status_code == 400
    rules = faulty.session.get(faulty.server.url + "/sandbox/faults", timeout=30).json()
    assert [rule["kind"] for rule in rules] == ["empty"]


def test_rules_as_text() -> None:
    assert Fault.parse("reset_after:0.05") == Fault("reset_after", share=0.05)
    assert Fault.parse(
        "server_error,status=503,times=3,applied=true,paths=/users/track+/users/merge"
    ) == Fault("server_error", status=503, times=3, applied=True, paths=("/users/track", "/users/merge"))
    for text in ("flood", "slow:much", "slow:0.1,seconds=long", "slow,speed=1", "slow,", "slow,seconds=inf"):
        with pytest.raises(ConfigError):
            Fault.parse(text)


@pytest.mark.parametrize("kind", KINDS)
def test_faults_survive_the_way_to_the_child(kind: str) -> None:
    settings = Settings(faults=(Fault(kind, 0.5, ("/users/track",), 3, 2.5),))
    assert Settings.from_json(settings.to_json()) == settings
