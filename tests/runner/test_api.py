"""Single calls against a real server that answers from a list."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from push_helpers import KEY
from raw_server import RawServer, Speak, answer, answering, read_request, resetting, serving

from braze_runner.client import RetryPolicy, Stop, braze_transport
from braze_runner.client.api import Api, ApiError
from braze_runner.config import BrazeConfig, Secret

OK = answer(b'{"message":"success"}', "200 OK")


class Waits(Stop):
    """Time that passes only on paper."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.is_set()


@contextmanager
def api(*answers: bytes | Speak, stop: Stop | None = None) -> Iterator[tuple[Api, RawServer]]:
    """An API whose server gives these answers in turn, the last one from then on."""
    rest = list(answers)

    def speak(connection: object, server: RawServer) -> None:
        while True:
            now = rest[0]
            if callable(now):
                rest.pop(0)
                return now(connection, server)
            if not read_request(connection, server):
                return None
            rest[:] = rest[1:] or rest
            connection.sendall(now)

    with serving(speak) as server:
        transport = braze_transport(BrazeConfig(f"http://127.0.0.1:{server.port}", "127.0.0.1", Secret(KEY)))
        policy = RetryPolicy(tries=3, rate_limited_tries=3, random=lambda: 1.0)
        opened = Api(transport, stop or Waits(), policy)
        try:
            yield opened, server
        finally:
            opened.close()


def test_get_and_post() -> None:
    with api(OK) as (calls, server):
        assert calls.get("/a", {"x": "1"}).message == "success"
        assert calls.post("/b", {"é": [1]}).status == 200
        assert calls.post("/c").body == {"message": "success"}
    assert server.requests[0].startswith(b"GET /a?x=1 ")
    assert server.requests[1].endswith('\r\n\r\n{"é":[1]}'.encode())
    assert b"Content-Length: 0\r\n" in server.requests[2]


def page(results: list[object], *links: str) -> bytes:
    headers = [f"link: {','.join(links)}"] if links else []
    return answer(json.dumps({"results": results, "message": "success"}).encode(), "200 OK", *headers)


def test_pages_follow_the_cursor_and_nothing_else_of_the_link() -> None:
    # The example of Braze's documentation has an address that is wrong (GET job_sync_status).
    second = page(
        [{"n": 2}, "no object"],
        '</x?cursor=a>; rel="prev"',
        '<https://evil.example/y?cursor=c%3D>; rel="next"',
    )
    with api(page([{"n": 1}], '</x?cursor=b>; rel="next"'), second, page([{"n": 3}])) as (calls, server):
        assert [each["n"] for each in calls.pages("/x")] == [1, 2, 3]
    assert [request.split(b" ")[1] for request in server.requests] == [
        b"/x",
        b"/x?cursor=b",
        b"/x?cursor=c%3D",
    ]


def test_pages_end_when_a_cursor_comes_again() -> None:
    with api(page([{"n": 1}], '</x?cursor=b>; rel="next"')) as (calls, _):
        assert [each["n"] for each in calls.pages("/x")] == [1, 1]


def test_an_answer_without_results() -> None:
    with api(OK) as (calls, _), pytest.raises(ApiError, match="without results"):
        list(calls.pages("/x"))


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(answer(b"", "500 X"), id="500"),
        pytest.param(answer(b"<html>", "503 X"), id="HTML"),
        pytest.param(answer(b"<html>", "200 OK"), id="a success that is none"),
        pytest.param(answer(b"", "200 OK"), id="empty"),
        pytest.param(resetting, id="reset"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nContent-Le"), id="cut off among the headers"),
    ],
)
def test_trouble_is_tried_again(trouble: bytes | Speak) -> None:
    stop = Waits()
    with api(trouble, trouble, OK, stop=stop) as (calls, server):
        assert calls.get("/x").message == "success"
        assert len(server.requests) == 3
    assert stop.waits == [0.5, 1.0]
    with (
        api(trouble, trouble, trouble, OK) as (calls, _),
        pytest.raises(ApiError, match="in 3 tries") as caught,
    ):
        calls.get("/x")
    assert KEY not in str(caught.value)


def test_rate_limit_waits_as_the_headers_say() -> None:
    stop = Waits()
    limited = answer(b"", "429 X", "x-ratelimit-retry-after: 7")
    with api(limited, answer(b"", "429 X"), OK, stop=stop) as (calls, _):
        calls.get("/x")
    assert stop.waits == [7.0, 1.0]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("401 X", b'{"message":"Invalid API Key"}', "with 401: Invalid API Key."),
        ("403 X", b"<html>", "with 403: without a message."),
        ("404 X", b'{"message":"%s"}' % (b"long " * 999), "with 404: long long"),
        ("302 X", b"", "with 302: redirects, which is never followed."),
    ],
)
def test_refusals_are_final(status: str, body: bytes, words: str) -> None:
    with api(answer(body, status)) as (calls, server):
        with pytest.raises(ApiError) as caught:
            calls.get("/x")
        assert len(server.requests) == 1
    assert words in str(caught.value)
    assert caught.value.status == int(status[:3])
    assert len(str(caught.value)) < 300


def test_a_refusal_may_be_an_answer() -> None:
    with api(answer(b'{"message":"Another job is in progress"}', "429 X")) as (calls, server):
        reply = calls.post("/x", is_answer=lambda each: each.status == 429)
        assert (reply.status, reply.message, len(server.requests)) == (429, "Another job is in progress", 1)


def test_after_a_stop_nothing_is_sent() -> None:
    stop = Stop()
    stop.set()
    with api(OK, stop=stop) as (calls, server), pytest.raises(ApiError, match="Stopped"):
        calls.get("/x")
    assert server.requests == []
