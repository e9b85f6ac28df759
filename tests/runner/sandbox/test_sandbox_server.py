import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.sandbox import SandboxServer, Settings

# A background job of a shell ignores SIGINT, and so would what it starts.
PROGRAM = """
import signal
from braze_runner.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
COMMAND = (sys.executable, "-c", PROGRAM, "sandbox")


def send(url: str, user: str = "customer", key: str = "sandbox") -> int:
    body = {"attributes": [{"external_id": user, "plan": "gold"}]}
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{url}/users/track", json=body, headers=headers, timeout=30).status_code


def test_it_answers_inside_the_block_and_not_after(tmp_path: Path) -> None:
    server = SandboxServer(db=tmp_path / "profiles.sqlite")
    with server:
        url = server.url
        assert url.startswith("http://127.0.0.1:")
        assert send(url) == 201
    with pytest.raises(requests.ConnectionError):
        send(url)
    with pytest.raises(StoppedError):
        _ = server.url


def test_profiles_are_kept_in_one_file(start: Callable[..., Any], tmp_path: Path) -> None:
    first = start()
    first.attributes({"external_id": "customer", "plan": "gold"})
    first.server.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["profiles.sqlite"]
    assert (tmp_path / "profiles.sqlite").stat().st_mode & 0o077 == 0
    second = start()
    second.attributes({"external_id": "customer", "level": 1}, {"external_id": "other", "plan": "silver"})
    assert second.custom("customer") == {"plan": "gold", "level": 1}
    assert second.custom("other") == {"plan": "silver"}


def test_fields_and_addresses_have_columns_of_their_own(start: Callable[..., Any]) -> None:
    braze = start()
    braze.attributes(
        {"external_id": "a", "email": "a@example.com", "phone": "+49301", "gender": "M", "plan": "gold"}
    )
    connection = sqlite3.connect(braze.server.settings.db)
    rows = connection.execute(
        "select braze_id, external_id, email, phone, fields, custom_attributes from profiles"
    ).fetchall()
    connection.close()
    braze_id = braze.user("a")["braze_id"]
    assert rows == [(braze_id, "a", "a@example.com", "+49301", '{"gender":"M"}', '{"plan":"gold"}')]


def test_parallel_requests_lose_nothing(braze: Any) -> None:
    user = braze.new_id()

    def work() -> None:
        with requests.Session() as session:
            session.headers.update(braze.session.headers)
            for _ in range(25):
                body = {"attributes": [{"external_id": user, "count": {"inc": 1}}]}
                session.post(braze.server.url + "/users/track", json=body, timeout=30).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert braze.custom(user) == {"count": 100}


def test_a_failure_inside_is_500_and_keeps_nothing_of_the_request(start: Callable[..., Any]) -> None:
    braze = start()
    connection = sqlite3.connect(braze.server.settings.db)
    connection.execute("drop table custom_events")
    connection.commit()
    connection.close()
    event = {"external_id": "customer", "name": "visit", "time": "2026-01-01T00:00:00Z"}
    response = braze.track(attributes=[{"external_id": "customer", "plan": "gold"}], events=[event])
    assert response.status_code == 500
    assert braze.export(external_ids=["customer"], fields_to_export=["external_id"])["users"] == []


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from braze_runner.sandbox import SandboxServer\n"
        "server = SandboxServer(db=sys.argv[1]).start(); print(server.url, flush=True); sys.stdin.read()"
    )
    # The sandbox inherits the pipe of standard error, which ends only when nobody holds it any more.
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "profiles.sqlite")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert send(url) == 201
        parent.kill()
        parent.communicate(timeout=60)
    with pytest.raises(requests.ConnectionError):
        send(url)


def test_another_host_needs_a_key_of_its_own() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "sandbox.example.com"):  # noqa: S104 (refused here)
        with pytest.raises(ConfigError, match="--api-key"):
            Settings(host=host)
        assert Settings(host=host, api_key="of-its-own").host == host
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert Settings(host=host).host == host


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ConfigError):
        Settings(api_key="")


def test_the_key_is_not_in_the_repr() -> None:
    assert "of-its-own" not in repr(Settings(api_key="of-its-own"))


def test_settings_survive_the_way_to_the_child() -> None:
    settings = Settings(
        db=Path("a b.sqlite"), api_key='"quoted"', long_strings="drop", blocked_external_ids=frozenset({"x"})
    )
    assert Settings.from_json(settings.to_json()) == settings


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("create table notes (text)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="not a database of this sandbox"):
        SandboxServer(db=path).start()
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["missing/profiles.sqlite", "text.txt"])
def test_an_unusable_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.txt").write_text("no database " * 100)
    with pytest.raises(ConfigError, match="cannot use"):
        SandboxServer(db=tmp_path / name).start()


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGINT, [130]), (signal.SIGTERM, [-15, 143])])
def test_command_tells_where_it_is_and_stops_on_a_signal(
    tmp_path: Path, number: int, codes: list[int]
) -> None:
    path = tmp_path / "profiles.sqlite"
    with command("--port", "0", "--db", str(path), "--api-key", "of its own") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        url = next(word.rstrip(",") for word in lines[0].split() if word.startswith("http"))
        assert "of its own" in lines[0]
        variables = f"BRAZE_REST_ENDPOINT={url} BRAZE_API_KEY='of its own' BRAZE_DESTINATION=sandbox"
        assert lines[1] == f"export {variables}\n"
        assert send(url, key="of its own") == 201
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in codes
    assert "Traceback" not in errors
    assert [found.name for found in tmp_path.iterdir()] == ["profiles.sqlite"]


def test_command_says_that_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with command("--port", port, "--db", str(tmp_path / "profiles.sqlite")) as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith(f"braze-runner: The sandbox cannot listen on 127.0.0.1:{port}")
    assert errors.count("\n") == 1


def test_command_refuses_the_network_without_a_key(tmp_path: Path) -> None:
    with command("--host", "0.0.0.0", "--db", str(tmp_path / "profiles.sqlite")) as process:  # noqa: S104
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--api-key" in errors
