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
SCHEMA = {"type": "record", "name": "Event", "fields": [{"name": "a", "type": "long"}]}
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
@given(file=flat_files(), codec=st.sampled_from(["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]))
def test_values_survive(tmp_path: Path, file: Any, codec: str) -> None:
    schema, rows = file
    table = read(tmp_path, encoded(schema, rows, codec, sync_interval=50))
    assert table.to_pylist() == rows
    assert table.column_names == [field["name"] for field in schema["fields"]]


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


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
def test_every_place_to_cut(tmp_path: Path, codec: str) -> None:
    data = encoded(SCHEMA, [{"a": number} for number in range(300)], codec, sync_interval=250)
    whole = [at + len(SYNC) for at in range(len(data)) if data.startswith(SYNC, at)]
    assert len(whole) > 2
    readable = []
    for cut in range(len(data) + 1):
        with contextlib.suppress(avro.DamagedFileError):
            found = read(tmp_path, data[:cut])
            assert found.column("a").to_pylist() == list(range(found.num_rows))
            readable.append(cut)
    assert readable == whole


@pytest.mark.parametrize(
    ("avro_type", "values", "arrow_type"),
    [
        (["null", "long"], [None, 2**40], pa.int64()),
        (["long", "null"], [None, -5], pa.int64()),
        (["null", "int"], [None, 5], pa.int64()),
        ("float", [0.5], pa.float64()),
        (["string", "null"], ["ä", None, ""], pa.string()),
        ({"type": "string", "avro.java.string": "String"}, ["x"], pa.string()),
        (["null", {"type": "array", "items": "string"}], [None, [], ["a", "b"]], pa.list_(pa.string())),
        ({"type": "array", "items": ["null", "string"]}, [["a", None]], pa.list_(pa.string())),
        ("boolean", [True, False], pa.bool_()),
        (["null", "string", "long"], ["x", 3, None], pa.string()),
        ({"type": "array", "items": "long"}, [[1, 2]], pa.string()),
        ("null", [None, None], pa.string()),
    ],
)
def test_types_of_columns(tmp_path: Path, avro_type: Any, values: list[Any], arrow_type: pa.DataType) -> None:
    fields = [{"name": "id", "type": "long"}, {"name": "a", "type": avro_type}]
    rows = [{"id": 1, "a": value} for value in values]
    found = read(tmp_path, encoded({"type": "record", "name": "Event", "fields": fields}, rows)).column("a")
    as_text = {3: "3", (1, 2): "[1,2]"} if arrow_type == pa.string() else {}
    keys = [tuple(value) if isinstance(value, list) else value for value in values]
    expected = [as_text.get(key, value) for key, value in zip(keys, values, strict=True)]
    assert (found.type, found.to_pylist()) == (arrow_type, expected)


def test_a_date_becomes_text(tmp_path: Path) -> None:
    date = {"type": "int", "logicalType": "date"}
    schema = {"type": "record", "name": "Event", "fields": [{"name": "a", "type": ["null", date]}]}
    plain = {"type": "record", "name": "Event", "fields": [{"name": "a", "type": ["null", "int"]}]}
    data = encoded(plain, [{"a": 1}, {"a": None}])
    header = encoded(schema, [])
    data = header[: header.index(SYNC)] + data[data.index(SYNC) :]
    assert read(tmp_path, data).column("a").to_pylist() == ['"1970-01-02"', None]


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


def block(count: int, plain: bytes) -> bytes:
    """One uncompressed block that claims ``count`` records; each number fits into one byte."""
    return bytes([2 * count, 2 * len(plain)]) + plain + SYNC


HEADER = encoded(SCHEMA, [])


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (HEADER + block(2, b"\x02"), "more records than bytes"),
        (HEADER + block(1, b"\x02\x04"), "longer or shorter than its records"),
        (HEADER + b"\x01\x00" + SYNC, "more records than bytes"),
        (HEADER + block(1, b"\x02")[:-1] + b"?", "sync marker"),
        (HEADER + block(1, b"\x02") + b"\x80", "cut off or its bytes are changed"),
        (HEADER + block(1, b"\x02") + b"garbage", "not a whole Avro file"),
        (b"Obj\x02" + HEADER[4:], "does not start as Avro does"),
        (HEADER.replace(b"\x08null", b"\x08lzo9"), "lzo9"),
        (HEADER + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\x02\x02" + SYNC, "more records than bytes"),
        (HEADER + b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" + SYNC, "cut off or its bytes are changed"),
    ],
)
def test_damage_is_named(tmp_path: Path, damaged: bytes, reason: str) -> None:
    with pytest.raises(avro.DamagedFileError, match=reason):
        read(tmp_path, damaged)


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    data = bytearray(encoded(SCHEMA, [{"a": 1}], "snappy"))
    data[-len(SYNC) - 1] ^= 1
    with pytest.raises(avro.DamagedFileError, match="checksum"):
        read(tmp_path, bytes(data))


def test_a_file_that_is_gone_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(avro.DamagedFileError, match="cannot be read"):
        avro.read_table(tmp_path / "gone.avro")
