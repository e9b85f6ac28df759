"""BigQuery's stand-in gives what Google's reference implementation of the language gives."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from adapter_sql import AdapterSql
from engines.bigquery import HERE, BigQuery, quoted
from values import STRINGS

JSON_TEXTS = (
    *(
        "null",
        " null ",
        "1",
        '"null"',
        '{"a":null}',
        "[1,null]",
        '{"a":[{"b":null}],"c":null}',
        "[1,]",
        '{"a":1,}',
    ),
    *(
        "nan",
        "[NaN]",
        "1e999",
        '"\\ud800"',
        '"\\u0000"',
        "bad",
        '"a\nb"',
        "",
        "[1] x",
        "01",
        "18446744073709551616",
    ),
    *('{"b":1,"a":{"d":2,"c":[1.50,1e5,-0.0,123456789012345678901,0.1]}}', '{"a":1,"a":2}', ' {"k" : [ ]} '),
    *(
        '["b","a","b",{"y": 1, "x": 2},1.0,1]',
        '{"a b\'c": "s\\n"}',
        '{"":1,"b.c":{"d":1}}',
        '["é","\\u00e9"]',
    ),
)
NUMBERS = (
    "1.5",
    "0",
    "-0.0",
    "1e20",
    "1e15",
    "0.1",
    "5e-324",
    "nan",
    "inf",
    "-inf",
    "1e-7",
    "2.5",
    "-2.5",
    "1e29",
)
DECIMALS = ("12.50", "0", "-0.000000001", "99999999999999999999999999999.999999999", "100")
TIMES = (
    *(
        "1970-01-01 00:00:00",
        "1969-12-31 23:59:59.999999",
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.999999",
    ),
    *("2024-02-29 12:00:00.001", "2020-06-01 00:00:00.0009", "2026-01-02 03:04:05.10"),
)
VALUES: dict[str, Sequence[str]] = {
    "string": [*map(quoted, STRINGS), "cast(null as string)"],
    "text of JSON": [*map(quoted, JSON_TEXTS), "cast(null as string)"],
    "JSON": [f"safe.parse_json({quoted(text)}, wide_number_mode => 'round')" for text in JSON_TEXTS],
    "float": [f"cast('{number}' as float64)" for number in NUMBERS],
    "numeric": [f"cast('{number}' as numeric)" for number in DECIMALS],
    "integer": [f"cast('{number}' as int64)" for number in (0, -1, 2**53 + 1, 2**63 - 1)],
    "timestamp": [f"cast('{time}+00' as timestamp)" for time in TIMES],
    "datetime": [f"cast('{time}' as datetime)" for time in TIMES],
    "date": [f"cast('{time[:10]}' as date)" for time in TIMES],
    "array": ["['a', null, '\"']", "cast([] as array<string>)", "['b\\\\']"],
    "object": [
        "struct('a' as city, cast(null as timestamp) as since, [1, 2] as items, 1.0 as `a b`)",
        "struct(cast(null as string) as city, timestamp '2026-01-01 00:00:00.5+00' as since, [3] as items, 2.5 as `a b`)",
    ],
}
EXPRESSIONS = {
    "to_json_string(x)": [kind for kind in VALUES if kind != "text of JSON"],
    "to_json_string(to_json(x))": [kind for kind in VALUES if kind != "text of JSON"],
    "cast(x as string)": ["float", "numeric", "integer", "date"],
    "cast(safe_cast(x as int64) as string)": ["float", "numeric", "text of JSON"],
    "cast(safe_cast(x as numeric) as string)": ["float", "integer"],
    "format('%t', x)": ["string", "JSON"],
    "format_timestamp('%E4Y-%m-%dT%H:%M:%E3SZ', x, 'UTC')": ["timestamp"],
    "format_timestamp('%E4Y-%m-%d %H:%M:%E6S', x, 'UTC')": ["timestamp"],
    "to_json_string(safe.parse_json(x, wide_number_mode => 'round'))": ["text of JSON"],
    "to_json_string(json_strip_nulls(x, include_arrays => false))": ["JSON"],
    "to_json_string(json_strip_nulls(x))": ["JSON"],
    "cast(array_length(json_keys(x, 1)) as string)": ["JSON"],
    "json_query(x, '$.\"a b\\'c\"')": ["text of JSON"],
    "array_to_string(x, ',')": ["array"],
    "regexp_replace(x, r'\"([^\"\\\\]|\\\\.)*\"', '')": ["string", "text of JSON"],
    "to_hex(md5(x)) || substring(x, 2, 3)": ["string"],
}


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdapterSql]:
    engine = BigQuery(tmp_path_factory.mktemp("bigquery"))
    try:
        engine.start()
        yield AdapterSql(engine.output())
    finally:
        engine.stop()


def query_of(expression: str, kind: str) -> str:
    """Return a query of one text with the values of an expression over all values of a kind."""
    rows = " union all ".join(f"select {n} as place, {value} as x" for n, value in enumerate(VALUES[kind]))
    return f"select string_agg(coalesce({expression}, 'none'), ' ¦ ' order by place) from ({rows})"


def test_functions_give_what_the_reference_implementation_gives(sql: AdapterSql) -> None:
    queries = [query_of(expression, kind) for expression, kinds in EXPRESSIONS.items() for kind in kinds]
    answer = subprocess.run(
        [BigQuery.bin("python"), HERE / "reference.py"],
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=True,
    )
    different = [
        (query.split(" from ")[0], given, expected)
        for query, all_expected in zip(queries, json.loads(answer.stdout), strict=True)
        for given, expected in zip(sql(query)[0][0].split(" ¦ "), all_expected.split(" ¦ "), strict=True)
        if given != expected
    ]
    assert different == []


def test_places_in_an_array_count_from_0_in_every_query_around(sql: AdapterSql) -> None:
    places = "select element, place from unnest(['a', 'b']) as element with offset as place"
    assert sql(f"select element, place + 0 from ({places}) order by place") == [("a", 0), ("b", 1)]


def test_the_engine_keeps_its_files_in_its_folder(tmp_path: Path) -> None:
    assert BigQuery(tmp_path).judge(["create table shop.a.b (c string)", "select c from shop.a.b"]) == []
    assert list(tmp_path.iterdir()) == []
