import contextlib
import io
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_runner.currents import avro

TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "string": ("string", st.text(max_size=200)),
    "int": ("int", st.integers(-(2**31), 2**31 - 1)),
    "long": ("long", st.integers(-(2**63), 2**63 - 1)),
    "boolean": ("boolean", st.booleans()),
    "float": ("float", st.floats(width=32, allow_nan=False)),
    "double": ("double", st.floats(allow_nan=False)),
    "strings": ({"type": "array", "items": "string"}, st.lists(st.text(max_size=70), max_size=5)),
}
SYNC = b"0123456789abcdef"
in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def flat_files(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A record schema of flat fields, and rows of it."""
    fields, values = [], {}
    for number in range(draw(st.integers(1, 8))):
        avro_type, strategy = TYPES[draw(st.sampled_from(sorted(TYPES)))]
        union = draw(st.sampled_from([None, ["null", avro_type], [avro_type, "null"]]))
        fields.append({"name": f"field_{number}", "type": union or avro_type})
        values[f"field_{number}"] = strategy if union is None else st.none() | strategy
    rows = draw(st.lists(st.fixed_dictionaries(values), max_size=20))
    return {"type": "record", "name": "Event", "fields": fields}, rows


def encoded(
    schema: Any, rows: list[dict[str, Any]], codec: str = "null", sync_interval: int = 16000
) -> bytes:
    stream = io.BytesIO()
    fastavro.writer(stream, schema, rows, codec=codec, sync_marker=SYNC, sync_interval=sync_interval)
    return stream.getvalue()


def read(folder: Path, data: bytes) -> pa.Table:
    path = folder / "file.avro"
    path.write_bytes(data)
    return avro.read_table(path)


@in_a_folder
@given(file=flat_files(), codec=st.sampled_from(["null", "deflate", "snappy", "bzip2", "xz"]))
def test_reads_what_fastavro_wrote(tmp_path: Path, file: Any, codec: str) -> None:
    schema, rows = file
    assert read(tmp_path, encoded(schema, rows, codec, sync_interval=50)).to_pylist() == rows


@in_a_folder
@given(file=flat_files(), cut=st.integers(0, 10**6))
def test_a_file_cut_off_is_damaged_or_ends_with_a_block(tmp_path: Path, file: Any, cut: int) -> None:
    schema, rows = file
    data = encoded(schema, rows, sync_interval=100)
    part = data[: cut % len(data)]
    try:
        found = read(tmp_path, part).to_pylist()
    except avro.DamagedFileError:
        return
    assert part.endswith(SYNC)
    assert found == rows[: len(found)]


@in_a_folder
@given(
    file=flat_files(),
    codec=st.sampled_from(["null", "deflate", "snappy"]),
    at=st.integers(0, 10**6),
    byte=st.integers(0, 255),
)
def test_a_changed_byte_is_never_more_than_a_damaged_file(
    tmp_path: Path, file: Any, codec: str, at: int, byte: int
) -> None:
    data = bytearray(encoded(*file, codec))
    data[at % len(data)] = byte
    with contextlib.suppress(avro.DamagedFileError):
        read(tmp_path, bytes(data))


def test_zstandard(tmp_path: Path) -> None:
    cramjam = pytest.importorskip("cramjam")
    plain = encoded(
        {"type": "record", "name": "Event", "fields": [{"name": "a", "type": "long"}]}, [{"a": 7}]
    )
    block = bytes(cramjam.zstd.compress(b"\x0e"))
    header = plain[: plain.index(SYNC)].replace(b"\x14avro.codec\x08null", b"\x14avro.codec\x12zstandard")
    size = bytes([2 * len(block)])
    assert read(tmp_path, header + SYNC + b"\x02" + size + block + SYNC).to_pylist() == [{"a": 7}]


def test_nested_fields_become_json_text(tmp_path: Path) -> None:
    nested = {"type": "record", "name": "Inner", "fields": [{"name": "b", "type": ["null", "int"]}]}
    colour = {"type": "enum", "name": "Colour", "symbols": ["red", "blue"]}
    fields = [
        {"name": "a", "type": "string"},
        {"name": "inner", "type": ["null", nested]},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "colour", "type": colour},
    ]
    rows = [
        {"a": "x", "inner": {"b": 1}, "counts": {"n": 2}, "colour": "red"},
        {"a": "y", "inner": None, "counts": {}, "colour": "blue"},
    ]
    assert read(
        tmp_path, encoded({"type": "record", "name": "Event", "fields": fields}, rows)
    ).to_pylist() == [
        {"a": "x", "inner": '{"b":1}', "counts": '{"n":2}', "colour": "red"},
        {"a": "y", "inner": None, "counts": "{}", "colour": "blue"},
    ]


@pytest.mark.parametrize("data", [b"", b"Obj", b"PAR1 is another format", b"Obj\x01\x00" + SYNC])
def test_what_is_not_avro_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(avro.DamagedFileError):
        read(tmp_path, data)


def test_an_unknown_codec_is_named(tmp_path: Path) -> None:
    schema = {"type": "record", "name": "Event", "fields": [{"name": "a", "type": "long"}]}
    data = encoded(schema, [{"a": 1}]).replace(b"\x08null", b"\x08lzo9")
    with pytest.raises(avro.DamagedFileError, match="lzo9"):
        read(tmp_path, data)


def test_a_file_that_is_gone_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(avro.DamagedFileError, match="cannot be read"):
        avro.read_table(tmp_path / "gone.avro")
