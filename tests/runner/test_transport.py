"""The transport against real sockets: what is an answer, what is none, and whether the request may have arrived."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests.utils
from push_helpers import KEY, FakeBraze
from raw_server import (
    RawServer,
    Speak,
    answer,
    answering,
    certificate,
    keeping,
    proxying,
    read_request,
    resetting,
    serving,
)

from braze_runner.client import Answer, HttpTransport, TransportError, braze_transport, connections
from braze_runner.client.connections import Origin
from braze_runner.config import BrazeConfig, Secret
from braze_runner.errors import ConfigError

PROXY_PASSWORD = "word-that-nobody-may-see"  # noqa: S105 (made up)
BRAZE_HOST = "rest.iad-01.braze.com"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def transport(braze: FakeBraze) -> Iterator[HttpTransport]:
    with closing(to(braze.url)) as opened:
        yield opened


def to(url: str) -> HttpTransport:
    return braze_transport(BrazeConfig(url, "127.0.0.1", Secret(KEY)))


def send_to(url: str, *, is_loopback: bool = True, body: bytes = b"{}") -> Answer:
    with closing(HttpTransport(Origin(url, is_loopback=is_loopback), Secret(f"Bearer {KEY}"))) as transport:
        return transport.send("POST", "/users/track", body)


def refused(url: str, *, is_loopback: bool = True) -> TransportError:
    with pytest.raises(TransportError) as caught:
        send_to(url, is_loopback=is_loopback)
    assert KEY not in str(caught.value)
    assert PROXY_PASSWORD not in str(caught.value)
    return caught.value


def test_what_goes_over_the_wire(transport: HttpTransport, braze: FakeBraze) -> None:
    got = transport.send("POST", "/users/track", b'{"attributes":[]}')
    assert (got.status, json.loads(got.body)["message"]) == (201, "success")
    assert braze.raw == [b'{"attributes":[]}']
    sent = braze.headers[0]
    assert sent["Authorization"] == f"Bearer {KEY}"
    assert sent["Content-Type"] == "application/json"
    assert sent["User-Agent"].startswith("dbt-braze/")
    assert [name for name, value in sent.items() if KEY in value] == ["Authorization"]


def test_other_methods_and_queries() -> None:
    with serving(answering(answer(b"{}"), answer(b"{}"))) as server:
        with closing(to(f"http://127.0.0.1:{server.port}")) as transport:
            transport.send("GET", "/cdi/integrations", query={"cursor": "a b&c=d"})
            transport.send("DELETE", "/catalogs/x")
        first, second = server.requests
    assert first.startswith(b"GET /cdi/integrations?cursor=a+b%26c%3Dd HTTP/1.1\r\n")
    assert second.startswith(b"DELETE /catalogs/x HTTP/1.1\r\n")


@pytest.mark.parametrize("path", ["/x y", "/x\r\nInjected: yes", "x", "/é"])
def test_a_path_stays_in_its_line(transport: HttpTransport, braze: FakeBraze, path: str) -> None:
    with pytest.raises(ValueError, match="characters that no URL has"):
        transport.send("POST", path, b"{}")
    assert braze.raw == []


def test_answers_of_a_kept_connection() -> None:
    whole = [
        answer(b""),
        answer(b"<html>down</html>", "502 Bad Gateway", "Content-Type: text/html"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"after"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        answer(b"last", "200 OK", "x-ratelimit-reset: 7"),
    ]
    with serving(answering(*whole)) as server, closing(to(f"http://127.0.0.1:{server.port}")) as transport:
        got = [transport.send("GET", "/") for _ in whole]
        assert server.connections == 1
    assert [(each.status, each.body) for each in got] == [
        (201, b""),
        (502, b"<html>down</html>"),
        (201, b"after"),
        (200, b"abcde"),
        (204, b""),
        (200, b"last"),
    ]
    assert got[-1].headers["X-RateLimit-Reset"] == "7"


@pytest.mark.parametrize("header", [(), ("Connection: close",)])
def test_a_server_that_answers_and_closes(header: tuple[str, ...]) -> None:
    speak = answering(answer(b"{}", "201 Created", *header))
    with serving(speak) as server, closing(to(f"http://127.0.0.1:{server.port}")) as transport:
        for number in (1, 2, 3):
            assert transport.send("POST", "/users/track", b"{}").status == 201
            assert server.closed.wait(30)
            server.closed.clear()
            assert (server.connections, len(server.requests)) == (number, number)


def test_a_connection_that_the_server_means_to_close_is_not_used_again() -> None:
    """It may be closed just when the next request is on its way."""
    speak = keeping(answer(b"{}", "201 Created", "Connection: close"))
    with serving(speak) as server, closing(to(f"http://127.0.0.1:{server.port}")) as transport:
        transport.send("POST", "/users/track", b"{}")
        transport.send("POST", "/users/track", b"{}")
        assert server.connections == 2


def test_many_threads_share_the_connections() -> None:
    with serving(keeping(answer(b"{}"))) as server:
        with closing(to(f"http://127.0.0.1:{server.port}")) as transport:
            together = threading.Barrier(8)

            def send() -> None:
                for _ in range(20):
                    together.wait()
                    assert transport.send("POST", "/users/track", b"{}").status == 201

            threads = [threading.Thread(target=send) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(server.requests) == 160
        assert server.connections <= 8


def test_a_refusal_that_comes_before_the_body_is_sent_whole() -> None:
    def speak(connection: socket.socket, _: RawServer) -> None:
        connection.recv(1_000)
        connection.sendall(answer(b"", "413 Payload Too Large", "Connection: close"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass

    with serving(speak) as server:
        got = send_to(f"http://127.0.0.1:{server.port}", body=b"x" * 4_000_000)
    assert got.status == 413


CUT_OFF = {
    "nothing": (answering(b""), "closed without an answer"),
    "reset": (resetting, "reset"),
    "half a status line": (answering(b"HTTP/1."), "can't be read"),
    "no HTTP": (answering(b"220 mail.example ESMTP\r\n"), "can't be read"),
    "half a body": (answering(b'HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"message":'), "cut off"),
    "half a chunk": (
        answering(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
        "cut off",
    ),
    "no last chunk": (
        answering(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        "cut off",
    ),
    "interim only": (answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"{}")), "can't be read"),
}


@pytest.mark.parametrize("name", CUT_OFF)
def test_no_whole_answer(name: str) -> None:
    speak, words = CUT_OFF[name]
    with serving(speak) as server:
        error = refused(f"http://127.0.0.1:{server.port}")
        assert len(server.requests) == 1
    assert error.maybe_received
    assert words in str(error)


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.05)
    gone = threading.Event()

    def speak(connection: socket.socket, server: RawServer) -> None:
        read_request(connection, server)
        gone.wait(30)

    with serving(speak) as server:
        error = refused(f"http://127.0.0.1:{server.port}")
        gone.set()
    assert (error.maybe_received, str(error)) == (True, "it took too long")


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error = refused(f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert (error.maybe_received, str(error)) == (False, "nobody listens there")


def test_a_host_that_is_not_known() -> None:
    error = refused("https://nowhere.invalid", is_loopback=False)
    assert (error.maybe_received, str(error)) == (False, "the host name is not known")


def test_nobody_takes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.05)
    with serving(keeping(b"")) as server:
        # The handshake is part of connecting: this server waits for a request first.
        error = refused(f"https://127.0.0.1:{server.port}")
        assert server.requests == []
    assert (error.maybe_received, str(error)) == (False, "it took too long")


@pytest.mark.parametrize(
    ("host", "days", "trusted", "words"),
    [
        ("elsewhere.example", 1, True, "its certificate is not valid: IP address mismatch"),
        ("127.0.0.1", 1, False, "its certificate is not valid: self-signed certificate"),
        ("127.0.0.1", -1, True, "its certificate is not valid: certificate has expired"),
    ],
)
def test_a_wrong_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, days: int, trusted: bool, words: str
) -> None:
    tls = certificate(tmp_path, host, days)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    with serving(keeping(answer(b"{}")), tls) as server:
        error = refused(f"https://127.0.0.1:{server.port}")
        assert server.requests == []
    assert not error.maybe_received
    # OpenSSL's words for "self-signed" have a hyphen or not.
    assert words.replace("-", " ") in str(error).replace("-", " ")


def test_no_tls_behind_https() -> None:
    def speak(connection: socket.socket, _: RawServer) -> None:
        connection.recv(65_536)
        connection.sendall(answer(b"", "400 Bad Request"))

    with serving(speak) as server:
        error = refused(f"https://127.0.0.1:{server.port}")
    assert (error.maybe_received, str(error)) == (False, "no TLS connection could be made")


def test_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = certificate(tmp_path, BRAZE_HOST)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "cert.pem"))
    with serving(keeping(answer(b"{}")), tls) as server, serving(proxying(server)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://proxy-user:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")
        assert send_to(f"https://{BRAZE_HOST}", is_loopback=False).status == 201
        [tunnel], [request] = proxy.requests, server.requests
    assert tunnel.startswith(f"CONNECT {BRAZE_HOST}:443".encode())
    assert b"proxy-authorization: Basic " in tunnel.replace(b"Proxy-A", b"proxy-a")
    assert KEY.encode() not in tunnel
    assert f"Bearer {KEY}".encode() in request


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://proxy-user:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")
        error = refused(f"https://{BRAZE_HOST}", is_loopback=False)
        assert KEY.encode() not in proxy.requests[0]
    assert (error.maybe_received, str(error)) == (False, "the proxy refused to connect (407)")


@pytest.mark.parametrize("url", ["socks5://{}@127.0.0.1:1", "https://{}@127.0.0.1:1", "http://{}@[::1"])
def test_a_proxy_that_is_none_of_http(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url.format(f"proxy-user:{PROXY_PASSWORD}"))
    with pytest.raises(ConfigError, match="HTTPS_PROXY must name an HTTP proxy") as caught:
        send_to(f"https://{BRAZE_HOST}", is_loopback=False)
    assert PROXY_PASSWORD not in str(caught.value)


def test_loopback_never_goes_through_a_proxy(
    braze: FakeBraze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send_to(braze.url).status == 201
    tls = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    with serving(keeping(answer(b"{}")), tls) as server:
        assert send_to(f"https://127.0.0.1:{server.port}").status == 201


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed_and_the_key_stays(status: int) -> None:
    with serving(keeping(answer(b"{}"))) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/users/track"
        with serving(keeping(answer(b"", f"{status} Elsewhere", location))) as server:
            assert send_to(f"http://127.0.0.1:{server.port}").status == status
            assert len(server.requests) == 1
        assert elsewhere.connections == 0


def test_cookies_are_not_kept() -> None:
    speak: Speak = keeping(answer(b"{}", "201 Created", "Set-Cookie: session=1"))
    with serving(speak) as server, closing(to(f"http://127.0.0.1:{server.port}")) as transport:
        transport.send("POST", "/users/track", b"{}")
        transport.send("POST", "/users/track", b"{}")
        assert b"cookie" not in b"".join(server.requests).lower()


def test_netrc_does_not_replace_the_key(
    braze: FakeBraze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert requests.utils.get_netrc_auth(braze.url) == ("u", "p")
    send_to(braze.url)
    assert braze.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        send_to("https://127.0.0.1:1")
