"""Rows as Arrow tables."""

import datetime as dt
import subprocess
import sys

import pyarrow as pa

from braze_runner.warehouse.arrow import table_of

SCHEMA = pa.schema({"name": pa.string(), "number": pa.int64(), "moment": pa.timestamp("us")})
NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 123_456)  # noqa: DTZ001 (UTC without a zone)


def test_rows_come_out_as_they_went_in() -> None:
    rows = [
        {"name": 'a\n"b"\u2028ü', "number": 2**62, "moment": NOON},
        # Texts that look like something else, and one larger than a block of the reader.
        {"name": "2026-01-01", "number": None},
        {"name": "1.5" + "x" * 3_000_000, "moment": NOON.replace(tzinfo=dt.UTC), "other": 1},
    ]
    names = SCHEMA.names
    expected = [{name: row.get(name) for name in names} for row in rows]
    expected[2]["moment"] = NOON
    table = table_of(rows, SCHEMA)
    assert table.schema == SCHEMA
    assert table.to_pylist() == expected


def test_no_rows_are_an_empty_table() -> None:
    assert table_of([], SCHEMA).schema == SCHEMA
    assert table_of([], SCHEMA).num_rows == 0


def test_pandas_is_not_imported() -> None:
    code = (
        "import sys, pyarrow as pa; from braze_runner.warehouse.arrow import table_of; "
        "table_of([{'a': 'b'}], pa.schema({'a': pa.string()})); sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
