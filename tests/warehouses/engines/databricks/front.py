"""A local SQL warehouse: its protocol, Thrift over HTTPS, in front of a Sail server.

front.py PORT REMOTE FOLDER; the certificate for clients to trust is FOLDER/certificate.pem.
"""

import datetime as dt
import ipaddress
import json
import ssl
import sys
import traceback
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

warnings.filterwarnings("ignore")

from databricks.sql.thrift_api.TCLIService import TCLIService  # noqa: E402
from sail import Sail  # noqa: E402
from service import Service  # noqa: E402

REPLY = 2


class Handler(BaseHTTPRequestHandler):
    """Thrift calls by POST; by GET what a client wants to know of the host, and the catalogue for the judge."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    sail: Sail
    service: Service

    def do_GET(self) -> None:
        if self.path == "/.well-known/databricks-config":
            self._json({"host_type": "workspace", "oidc_endpoint": ""})
        elif self.path == "/catalogue":
            self._json(self.sail.catalogue())
        else:
            self._reply(404, b"{}", "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "thrift" not in (self.headers.get("Content-Type") or ""):
            self._reply(404, b"{}", "application/json")
            return
        try:
            self._reply(200, self._call(body), "application/x-thrift")
        except Exception:
            traceback.print_exc()
            self._reply(500, b"", "text/plain")

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing of single requests."""

    def _call(self, body: bytes) -> bytes:
        protocol = TBinaryProtocol(TMemoryBuffer(body))
        name, _, number = protocol.readMessageBegin()
        arguments = getattr(TCLIService, f"{name}_args")()
        arguments.read(protocol)
        answer = getattr(self.service, name)(arguments.req)
        buffer = TMemoryBuffer()
        protocol = TBinaryProtocol(buffer)
        protocol.writeMessageBegin(name, REPLY, number)
        getattr(TCLIService, f"{name}_result")(success=answer).write(protocol)
        protocol.writeMessageEnd()
        result: bytes = buffer.getvalue()
        return result

    def _json(self, content: Any) -> None:
        self._reply(200, json.dumps(content).encode(), "application/json")

    def _reply(self, code: int, content: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def tls(folder: Path) -> ssl.SSLContext:
    """Return TLS with a new certificate for loopback, in the folder: clients insist on https."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def main(port: int, remote: str, folder: Path) -> None:
    """Serve until ended."""
    context = tls(folder)
    Handler.sail = Sail(remote, folder)
    Handler.service = Service(Handler.sail)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
