"""What the primitives compile to, held fast where a stand-in can't tell right from wrong: golden/<warehouse>.txt.

A change there is checked against the warehouse's documentation and then written by hand, or by running this file's test
with GOLDEN=write.
"""

import json
import os
from pathlib import Path

import pytest
from warehouse import Warehouse

GOLDEN = Path(__file__).parent / "golden"
OF_A_VALUE = [
    "json_string",
    "json_integer",
    "json_decimal",
    "json_float",
    "json_boolean",
    "json_date",
    "json_timestamp",
    "json_array",
    "json_object",
    "json_passed_through",
    "json_is_sound",
    "json_object_size",
    "json_array_as_set",
    "json_comparable",
    "byte_length",
    "hex_to_integer",
    "updated_at_text",
    "payload_value",
    "epoch_to_timestamp",
]
CALLS = [
    *([name, "v"] for name in OF_A_VALUE),
    ["literal", 'it\'s a \\ and a "quote"'],
    ["regexp_replace_all", "v", 'a\\ b"', "\\1"],
    ["contains", "v", "'x'"],
    ["join_present", ["a", "b"]],
    ["now_utc"],
    ["add_microseconds", "v", "5"],
    ["updated_at_literal", "2026-01-02 03:04:05.678901"],
    ["object_field", "o", "k", "timestamp"],
    ["json_field", "v", "k"],
    ["json_array_elements", "r", ["k"], "v"],
    ["replaced_table", "db.s.t", "select 1 as a"],
    ["replaced_view", "db.s.t", "select 1 as a"],
    ["upserted_rows", "db.s.t", "select 1 as k, 2 as a", "k", ["k", "a"]],
    *([name] for name in ("type_text", "type_updated_at", "type_double", "type_text_array", "type_payload")),
]
MACRO = """
{% macro compiled(calls) %}
    {%- for call in calls %}
        {%- do log('COMPILED ' ~ tojson(dbt_braze[call[0]](*call[1:]) | trim), info=true) %}
    {%- endfor %}
{% endmacro %}
"""


def test_the_primitives_compile_to_what_was_checked(warehouse: Warehouse) -> None:
    golden = GOLDEN / f"{warehouse.name}.txt"
    if not golden.exists():
        pytest.skip("its stand-in, or the warehouse itself, tells")
    project = warehouse.project("golden")
    (project.folder / "macros").mkdir()
    (project.folder / "macros" / "compiled.sql").write_text(MACRO)
    output = project.dbt("run-operation", "compiled", "--args", json.dumps({"calls": CALLS}))
    compiled = [
        json.loads(line.partition("COMPILED ")[2]) for line in output.splitlines() if "COMPILED " in line
    ]
    text = "".join(
        f"== {' '.join(map(str, call))}\n{sql}\n" for call, sql in zip(CALLS, compiled, strict=True)
    )
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
    refusals = warehouse.engine.judge([f"select {sql} from t" for sql in compiled[: len(OF_A_VALUE)]])
    assert refusals == []
