"""Avro container files to Arrow: Currents records are flat, so each field is decoded into its own column.

Schemas with other types than Currents has today (maps, nested records, …) go through fastavro, whose nested
values become JSON text; both ways give the same table for the same file.
"""

import bz2
import importlib
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from braze_runner.currents.catalogue import ARROW_TYPES
from braze_runner.currents.columns import Kind, decoders_for, read_long
from braze_runner.errors import BrazeRunnerError, ConfigError

MAGIC = b"Obj\x01"
SYNC_BYTES = 16


class DamagedFileError(BrazeRunnerError):
    """A file that is not Avro, is cut off, or does not hold what its header says; nothing of it is used."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Header:
    """What an Avro container file says of itself; ``start`` is the offset of its first block."""

    fields: list[dict[str, Any]]
    codec: str
    sync: bytes
    start: int


def read_table(path: Path) -> pa.Table:
    """Read a whole file as one Arrow table, a column for each field of its own schema.

    Raises DamagedFileError with a plain reason. A Currents file holds 100,000 events at most (braze.com/docs,
    Currents, event delivery), so it fits into memory.
    """
    try:
        data = path.read_bytes()
        header = read_header(data)
        kinds = [kind for field in header.fields if (kind := flat_kind(field["type"]))]
        if len(kinds) < len(header.fields):
            return _read_nested(data)
        return _read_flat(data, header, kinds)
    except OSError as exc:
        raise DamagedFileError(f"cannot be read: {exc.strerror or exc}") from exc
    except (
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
    ) as exc:
        raise DamagedFileError(f"not a whole Avro file: {exc}") from exc


def read_header(data: bytes) -> Header:
    """Read the header of a container file; raises ValueError, IndexError or KeyError when it is none."""
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not start as Avro does")
    meta: dict[str, bytes] = {}
    count, at = read_long(data, len(MAGIC))
    while count:
        if count < 0:
            count, (_, at) = -count, read_long(data, at)
        for _ in range(count):
            key, at = _read_bytes(data, at)
            meta[key.decode()], at = _read_bytes(data, at)
        count, at = read_long(data, at)
    schema = json.loads(meta["avro.schema"])
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("its schema is not a record")
    sync = data[at : at + SYNC_BYTES]
    if len(sync) < SYNC_BYTES:
        raise ValueError("it ends in its header")
    return Header(schema["fields"], meta.get("avro.codec", b"null").decode(), sync, at + SYNC_BYTES)


def flat_kind(avro_type: Any) -> Kind | None:
    """Return catalogue type and position of null in the union of a flat Avro type; None for any other."""
    null_at = None
    if isinstance(avro_type, list):
        if len(avro_type) != 2 or "null" not in avro_type:
            return None
        null_at = avro_type.index("null")
        avro_type = avro_type[1 - null_at]
    if isinstance(avro_type, dict):
        is_strings = avro_type.get("type") == "array" and avro_type.get("items") == "string"
        avro_type = "array<string>" if is_strings else avro_type.get("type")
    return (avro_type, null_at) if isinstance(avro_type, str) and avro_type in ARROW_TYPES else None


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_long(data, at)
    if size < 0 or at + size > len(data):
        raise ValueError("it ends too early")
    return data[at : at + size], at + size


def _read_flat(data: bytes, header: Header, kinds: list[Kind]) -> pa.Table:
    columns: list[list[Any]] = [[] for _ in kinds]
    decoders = decoders_for(kinds, columns)
    for count, block in _blocks(data, header):
        if count > len(block):
            raise ValueError("a block has more records than bytes")
        at = 0
        for _ in range(count):
            for decode in decoders:
                at = decode(block, at)
        if at != len(block):
            raise ValueError("a block is longer or shorter than its records")
    arrays = [pa.array(column, ARROW_TYPES[kind]) for (kind, _), column in zip(kinds, columns, strict=True)]
    return pa.Table.from_arrays(arrays, names=[field["name"] for field in header.fields])


def _blocks(data: bytes, header: Header) -> Iterator[tuple[int, bytes]]:
    decompress = _decompressor(header.codec)
    at = header.start
    while at < len(data):
        count, at = read_long(data, at)
        block, at = _read_bytes(data, at)
        if count < 0 or data[at : at + SYNC_BYTES] != header.sync:
            raise ValueError("a sync marker is wrong or missing")
        at += SYNC_BYTES
        yield count, decompress(block)


def _decompressor(codec: str) -> Callable[[bytes], bytes]:
    match codec:
        case "null":
            return bytes
        case "deflate":
            return lambda block: zlib.decompress(block, wbits=-15)
        case "snappy":
            return _snappy
        case "zstandard":
            return lambda block: _cramjam("zstd", "decompress", block)
        case "bzip2":
            return bz2.decompress
        case "xz":
            return lzma.decompress
    raise ValueError(f"its codec {codec!r} is none of Avro's")


def _snappy(block: bytes) -> bytes:
    plain = _cramjam("snappy", "decompress_raw", block[:-4])
    if zlib.crc32(plain) != int.from_bytes(block[-4:], "big"):
        raise ValueError("a block's checksum is wrong")
    return plain


def _cramjam(module: str, function: str, block: bytes) -> bytes:
    cramjam = _optional("cramjam")
    try:
        return bytes(getattr(getattr(cramjam, module), function)(block))
    except cramjam.DecompressionError as exc:
        raise ValueError("a block cannot be decompressed") from exc


def _read_nested(data: bytes) -> pa.Table:
    fastavro = _optional("fastavro")
    try:
        reader = fastavro.reader(io.BytesIO(data))
        rows = list(reader)
        fields = reader.writer_schema["fields"]
    except Exception as exc:  # fastavro has no base class for its errors
        raise ValueError(exc) from exc
    arrays = []
    for field in fields:
        kind = flat_kind(field["type"])
        values = [row[field["name"]] if kind else _as_text(row[field["name"]]) for row in rows]
        arrays.append(pa.array(values, ARROW_TYPES[kind[0] if kind else "string"]))
    return pa.Table.from_arrays(arrays, names=[field["name"] for field in fields])


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(
        value, default=lambda other: other.hex() if isinstance(other, bytes) else str(other)
    ).decode()


def _optional(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise ConfigError(
            "Reading this file needs one more package: pip install 'dbt-braze[currents]'."
        ) from exc
