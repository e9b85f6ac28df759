"""Avro container files to Arrow: fastavro decodes the records, this module checks that the file is whole."""

import importlib
import io
import zlib
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from braze_runner.currents.catalogue import ARROW_TYPES
from braze_runner.errors import BrazeRunnerError
from braze_runner.extras import require_extra

MAGIC = b"Obj\x01"
# Bytes at the end of a block: snappy's checksum, then the sync marker (avro.apache.org, specification).
SYNC_BYTES = 16
CHECKSUM_BYTES = 4

Row = dict[str, Any]


class DamagedFileError(BrazeRunnerError):
    """A file that is not Avro, is cut off, or does not hold what its header says; nothing of it is used."""

    exit_code = 1


def read_table(path: Path) -> pa.Table:
    """Read a whole file as one Arrow table, a column for each field of its own schema.

    Raises DamagedFileError with a plain reason. A Currents file holds 100,000 events at most (braze.com/docs,
    Currents, event delivery), so it fits into memory.
    """
    fastavro = _fastavro()
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DamagedFileError(f"cannot be read: {exc.strerror or exc}") from exc
    try:
        return _decode(fastavro, data)
    except Exception as exc:  # what fastavro and its codecs raise on damaged bytes has no common base class
        plain = isinstance(exc, ValueError) and str(exc)
        reason = plain or f"it is cut off or its bytes are changed ({type(exc).__name__})"
        raise DamagedFileError(f"not a whole Avro file: {reason}") from exc


def column_type(avro_type: Any) -> str | None:
    """Return the catalogue's name of an Avro type, nullable or not; None for those that become text."""
    if isinstance(avro_type, list):
        members = [member for member in avro_type if member != "null"]
        return column_type(members[0]) if len(members) == 1 else None
    if isinstance(avro_type, dict):
        if "logicalType" in avro_type:
            return None
        if avro_type["type"] == "array":
            return "array<string>" if column_type(avro_type["items"]) == "string" else None
        return column_type(avro_type["type"])
    return avro_type if avro_type in ARROW_TYPES else None


def _decode(fastavro: Any, data: bytes) -> pa.Table:
    """Decode a file; the ValueErrors of its own are for damage that fastavro lets pass."""
    if not data.startswith(MAGIC):
        raise ValueError("it does not start as Avro does")
    stream = io.BytesIO(data)
    blocks = fastavro.block_reader(stream)
    rows: list[Row] = []
    for block in blocks:
        plain = block.bytes_.getvalue()
        if not 0 <= block.num_records <= len(plain):
            raise ValueError("a block has more records than bytes")
        end = stream.tell() - SYNC_BYTES
        checksum = int.from_bytes(data[end - CHECKSUM_BYTES : end], "big")
        if block.codec == "snappy" and zlib.crc32(plain) != checksum:
            raise ValueError("a block's checksum is wrong")
        rows.extend(block)
        if block.bytes_.tell() != len(plain):
            raise ValueError("a block is longer or shorter than its records")
    return _table(blocks.writer_schema, rows)


def _table(schema: dict[str, Any], rows: list[Row]) -> pa.Table:
    types = {field["name"]: column_type(field["type"]) for field in schema["fields"]}
    for name in [name for name, known in types.items() if known is None]:
        for row in rows:
            row[name] = _as_text(row[name])
    struct = pa.struct([(name, ARROW_TYPES[known or "string"]) for name, known in types.items()])
    return pa.Table.from_struct_array(pa.array(rows, struct))


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(
        value, default=lambda other: other.hex() if isinstance(other, bytes) else str(other)
    ).decode()


def _fastavro() -> Any:
    require_extra("currents", "Reading Currents files")
    return importlib.import_module("fastavro")
