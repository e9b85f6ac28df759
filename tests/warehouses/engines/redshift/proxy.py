"""The wire between redshift_connector and PostgreSQL: one answers as Redshift, the other reads its own SQL."""

import asyncio
import struct
from functools import partial

from refused import refusals
from rewrite import rewrite

# What PostgreSQL would not know in the connector's startup packet is left out.
KEPT_PARAMETERS = (b"user", b"database", b"application_name", b"client_encoding", b"options")
REQUESTS_FOR_ENCRYPTION = (80877103, 80877104)
PROTOCOL = 196608
SERVER_VERSION = b"server_version\x008.0.2\0"


def translated(sql: str) -> str:
    """Return what PostgreSQL runs for a statement: an error, if Redshift would refuse it."""
    reasons = refusals(sql)
    if reasons:
        return "select public.refused($reason$" + "; ".join(reasons) + "$reason$)"
    return rewrite(sql)


def translated_message(kind: bytes, body: bytes) -> bytes:
    """Return the body of a message of the client with its SQL translated (Query, Parse)."""
    if kind == b"Q":
        return translated(body[:-1].decode()).encode() + b"\0"
    if kind == b"P":
        name, sql, rest = body.split(b"\0", 2)
        return b"\0".join((name, translated(sql.decode()).encode(), rest))
    return body


def startup_packet(body: bytes) -> bytes:
    """Return the startup packet for PostgreSQL."""
    parts = body[4:].split(b"\0")
    pairs = zip(parts[0::2], parts[1::2], strict=False)
    kept = b"".join(name + b"\0" + value + b"\0" for name, value in pairs if name in KEPT_PARAMETERS)
    packet = struct.pack("!i", PROTOCOL) + kept + b"\0"
    return struct.pack("!i", len(packet) + 4) + packet


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the kind and the body of the next message."""
    kind = await reader.readexactly(1)
    return kind, await read_body(reader)


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """Return what follows a length."""
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    return await reader.readexactly(length - 4)


async def to_server(
    client: asyncio.StreamReader, answers: asyncio.StreamWriter, server: asyncio.StreamWriter
) -> None:
    """Hand on what the client sends."""
    while True:
        body = await read_body(client)
        if struct.unpack("!i", body[:4])[0] not in REQUESTS_FOR_ENCRYPTION:
            break
        answers.write(b"N")
        await answers.drain()
    server.write(startup_packet(body))
    while True:
        kind, body = await read_message(client)
        body = translated_message(kind, body)
        server.write(kind + struct.pack("!i", len(body) + 4) + body)
        await server.drain()


async def to_client(server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    """Hand on what PostgreSQL answers."""
    while True:
        kind, body = await read_message(server)
        if kind == b"S" and body.startswith(b"server_version\0"):
            body = SERVER_VERSION
        client.write(kind + struct.pack("!i", len(body) + 4) + body)
        await client.drain()


async def serve_connection(port: int, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
    """Serve one client until one side hangs up."""
    server, requests = await asyncio.open_connection("127.0.0.1", port)
    tasks = [
        asyncio.create_task(to_server(client, answers, requests)),
        asyncio.create_task(to_client(server, answers)),
    ]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for writer in (requests, answers):
        writer.close()
    for task in done:
        if not isinstance(task.exception(), asyncio.IncompleteReadError | ConnectionError):
            task.result()


async def serve(port: int, server_port: int) -> None:
    """Accept clients on loopback, for ever."""
    listener = await asyncio.start_server(partial(serve_connection, server_port), "127.0.0.1", port)
    async with listener:
        await listener.serve_forever()
