"""What is posted to the user's webhook, to a real server."""

import json

import pytest
from push_helpers import KEY
from raw_server import RawServer, answer, answering, keeping, resetting, serving

from braze_runner import notify
from braze_runner.errors import ConfigError
from braze_runner.notify import Notification, Notifier

NOTE = Notification(
    "run-1", "default", ["users"], f"Braze stopped it: {KEY} é.", {"rows_read": 4, "rows_sent": 3}, 3
)


def url(server: RawServer) -> str:
    return f"http://127.0.0.1:{server.port}/hook/secret-path?a=b"


def test_what_is_posted() -> None:
    with serving(answering(answer(b"ok", "200 OK"))) as server:
        assert Notifier.read(url(server), [KEY]).send(NOTE) is None
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook/secret-path?a=b HTTP/1.1\r\n")
    assert b"authorization" not in head.lower()
    assert json.loads(body) == {
        "run_id": "run-1",
        "destination": "default",
        "syncs": ["users"],
        "error": "Braze stopped it: … é.",
        "counts": {"rows_read": 4, "rows_sent": 3},
        "exit_code": 3,
    }


def test_a_refusal_is_one_sentence() -> None:
    with serving(keeping(answer(b"", "302 Found", "Location: http://127.0.0.1:9/"))) as server:
        problem = Notifier.read(url(server)).send(NOTE)
        assert len(server.requests) == 1
    assert problem == "The notification was refused with status 302."


def test_no_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(resetting) as server:
        assert Notifier.read(url(server)).send(NOTE) == (
            "The notification could not be sent: the connection was reset."
        )
    monkeypatch.setattr(notify, "READ_SECONDS", 0.05)
    with serving(keeping(b"")) as server:
        assert (
            Notifier.read(url(server)).send(NOTE) == "The notification could not be sent: it took too long."
        )


def test_a_webhook_that_is_taken() -> None:
    notifier = Notifier.read("https://hooks.example:8443")
    assert notifier._origin.url == "https://hooks.example:8443"
    assert notifier._target == "/"


@pytest.mark.parametrize(
    "text",
    [
        "http://hooks.example/x",
        "https://user:secret-word@hooks.example/x",
        "https://hooks.example@evil.example/x",
        "https://hooks.example/secret-word\r\nX: y",
        "https://hooks.example/x#y",
        "https://",
        "ftp://127.0.0.1/x",
        "hooks.example/secret-word",
        "https://[::1/secret-word",
        "https://hooks.example:99999/secret-word",
    ],
)
def test_a_webhook_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="--notify must be an https URL") as caught:
        Notifier.read(text)
    assert "secret-word" not in str(caught.value)
