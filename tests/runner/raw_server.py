"""Servers that speak to one connection at a time, byte by byte, and the certificates that they may show."""

import datetime as dt
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Speak = Callable[[socket.socket, "RawServer"], None]


@dataclass
class RawServer:
    """What a server on 127.0.0.1 has seen; `closed` is set whenever it has closed a connection."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(speak: Speak, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Let `speak` handle each connection, in a thread of its own; a TLS handshake that fails ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def handle(connection: socket.socket) -> None:
            try:
                with connection if tls is None else tls.wrap_socket(connection, server_side=True) as spoken:
                    speak(spoken, server)
            except OSError:
                connection.close()
            finally:
                server.closed.set()

        def accept() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                server.connections += 1
                threads.append(threading.Thread(target=handle, args=(connection,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def read_request(connection: socket.socket, server: RawServer) -> bytes:
    """Read one request with its body and note it; empty when the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0].split(b":")[1]):
        body += connection.recv(65_536)
    request = head + b"\r\n\r\n" + body
    server.requests.append(request)
    return request


def answering(*answers: bytes) -> Speak:
    """Answer the requests of a connection with these bytes, one after the other, then close it."""

    def speak(connection: socket.socket, server: RawServer) -> None:
        for answer in answers:
            if not read_request(connection, server):
                return
            connection.sendall(answer)

    return speak


def keeping(answer: bytes) -> Speak:
    """Answer every request with the same bytes and keep the connection until the client closes it."""

    def speak(connection: socket.socket, server: RawServer) -> None:
        while read_request(connection, server):
            connection.sendall(answer)

    return speak


def resetting(connection: socket.socket, server: RawServer) -> None:
    """Read a request and reset the connection."""
    read_request(connection, server)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def proxying(to: RawServer) -> Speak:
    """Grant every CONNECT and pass bytes on to a server, whatever host was asked for."""

    def speak(connection: socket.socket, server: RawServer) -> None:
        read_request(connection, server)
        with socket.create_connection(("127.0.0.1", to.port)) as behind:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(behind, connection))
            back.start()
            _pass_on(connection, behind)
            back.join()

    return speak


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    # Either end may be gone already.
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def answer(body: bytes, status: str = "201 Created", *headers: str) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def certificate(folder: Path, host: str, days: int = 1) -> ssl.SSLContext:
    """Write a self-signed certificate for a host to `cert.pem`; returns the context of its server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
