"""The page on the root."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from braze_runner.sandbox import SandboxServer
from braze_runner.sandbox.page import ROWS

KEY = "key-of-the-tests"


def look(braze: Any, **headers: str) -> requests.Response:
    return requests.get(braze.server.url + "/", headers=headers, timeout=30)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


def test_it_shows_profiles_requests_and_errors(start: Callable[..., Any]) -> None:
    braze = start()
    braze.track(attributes=[{"external_id": "customer-1", "plan": "gold"}, {"plan": "lost"}])
    braze.track(attributes=[{"plan": "lost"}])
    text = look(braze).text
    for shown in (
        "customer-1",
        "gold",
        "/users/track",
        "201",
        "400",
        "&#x27;external_id&#x27;",
        "Latest errors",
    ):
        assert shown in text, shown
    assert 'http-equiv="refresh"' in text
    assert "://" not in text
    assert KEY not in text


def test_it_shows_what_is_queued_and_the_faults(start: Callable[..., Any]) -> None:
    braze = start(lag=86_400)
    braze.attributes({"external_id": "customer-1", "plan": "gold"})
    braze.faults({"kind": "reset_after", "paths": ["/users/merge"]})
    text = look(braze).text
    assert "<td>writes</td><td>1</td>" in text
    assert "reset_after" in text
    assert "customer-1" not in text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td>&lt;"]
)
def test_everything_is_escaped(start: Callable[..., Any], hostile: str) -> None:
    braze = start()
    braze.attributes(
        {"external_id": hostile, hostile: hostile, "first_name": hostile, "email": "a@example.com"}
    )
    braze.session.get(f"{braze.server.url}/{requests.utils.quote(hostile)}", timeout=30)
    response = look(braze)
    assert hostile not in response.text
    assert "<script" not in response.text
    assert "<img" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_looking_is_no_request_to_braze(start: Callable[..., Any]) -> None:
    braze = start()
    braze.faults({"kind": "reset_before"})
    assert look(braze).status_code == 200
    assert braze.state()["requests"] == 0


@pytest.mark.parametrize("host", ["sandbox.example.com", "127.0.0.1.example.com", "192.0.2.1"])
def test_another_name_for_it_needs_the_key(braze: Any, host: str) -> None:
    assert look(braze, Host=host).status_code == 401
    assert look(braze, Host=host, Authorization=basic("wrong")).status_code == 401
    assert look(braze, Host=host, Authorization="Basic x").status_code == 401
    assert look(braze, Host=host, Authorization=basic(KEY)).status_code == 200
    assert look(braze, Host=host, Authorization=f"Bearer {KEY}").status_code == 200


def test_another_name_and_the_key_that_everybody_knows_open_nothing(tmp_path: Path) -> None:
    with SandboxServer(db=tmp_path / "profiles.sqlite") as server:
        headers = {"Host": "sandbox.example.com", "Authorization": basic("sandbox")}
        assert requests.get(server.url, headers=headers, timeout=30).status_code == 401
        assert requests.get(server.url, timeout=30).status_code == 200


def test_a_header_does_not_say_who_asks(braze: Any) -> None:
    for address in ("192.0.2.1", "no address"):
        assert look(braze, **{"X-Forwarded-For": address}).status_code == 200


def test_it_stays_short_however_many_paths_were_asked_for(start: Callable[..., Any]) -> None:
    braze = start()
    for number in range(ROWS + 5):
        braze.session.get(f"{braze.server.url}/catalogs/c{number}", timeout=30)
    braze.attributes({"external_id": "customer-1"}, {"external_id": "customer-2"})
    braze.attributes({"external_id": "customer-1"})
    requested = look(braze).text.split("<h2>Requests</h2>")[1].split("</table>")[0]
    assert requested.count("<tr>") == 1 + ROWS
    assert "<td>/users/track</td><td>201</td><td>2</td><td>3</td>" in requested


def test_on_the_network_it_needs_the_key(start: Callable[..., Any]) -> None:
    braze = start(host="0.0.0.0")  # noqa: S104 (with a key of its own)
    url = braze.server.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 (where it listens)
    response = requests.get(url, timeout=30)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Basic realm="sandbox"')
    assert requests.get(url, headers={"Authorization": basic(KEY)}, timeout=30).status_code == 200
