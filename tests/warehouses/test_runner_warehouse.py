"""The runner's way into every warehouse, through the user's dbt adapter: what goes in comes out as it was."""

import datetime as dt
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import pyarrow as pa
import pytest
from values import STRINGS
from warehouse import Warehouse, WarehouseProject

from braze_runner.errors import StoppedError
from braze_runner.warehouse import DbtOptions, connect
from braze_runner.warehouse import Warehouse as Runner

COLUMNS = pa.schema(
    {"n": pa.int64(), "words": pa.string(), "seen_at": pa.timestamp("us"), "good": pa.bool_()}
)
KINDS = {"n": "integer", "words": "text", "seen_at": "time", "good": "boolean"}
MOMENTS = [
    dt.datetime.fromisoformat(text)
    for text in ("2026-01-02 03:04:05.123456", "1970-01-01", "2999-12-31 23:59:59")
]
THING = {"city": 'it\'s "x" \\ \n', "since": None}
VALUE = "reader@example.org"


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A dbt project, of which only the profile and a source table are used here."""
    project = warehouse.project("runner")
    kinds = {"id": "string", "thing": "object"}
    project.table("things", kinds)
    # Before the runner is connected: the test's own connection to DuckDB closes that of the same process.
    project.fill("things", kinds, [{"id": "a", "thing": THING}, {"id": "b", "thing": None}])
    return project


@pytest.fixture(scope="module")
def runner(project: WarehouseProject) -> Iterator[Runner]:
    """What the runner has of the warehouse."""
    with closing(connect(DbtOptions(project_dir=project.folder, profiles_dir=project.folder))) as opened:
        for _ in range(2):
            opened.create_schema(opened.schema)
        yield opened


@pytest.fixture
def table(runner: Runner, request: pytest.FixtureRequest) -> str:
    """A new table with a column of every type that the runner writes."""
    return new_table(runner, request.node.originalname)


def new_table(runner: Runner, name: str) -> str:
    relation = runner.relation(runner.schema, name, runner.database)
    columns = ", ".join(f"{column} {runner.types[kind]}" for column, kind in KINDS.items())
    runner.execute(f"create table {relation} ({columns})")
    return relation


def rows(words: list[str | None], first: int = 0) -> pa.Table:
    count = len(words)
    columns = {
        "n": list(range(first, first + count)),
        "words": words,
        "seen_at": [MOMENTS[n % len(MOMENTS)] for n in range(count)],
        "good": [None if n % 3 == 2 else n % 3 == 1 for n in range(count)],
    }
    return pa.table(columns, schema=COLUMNS)


def streamed(runner: Runner, sql: str, batch_rows: int = 1000) -> pa.Table:
    batches = list(runner.stream(sql, batch_rows))
    assert all(0 < batch.num_rows <= batch_rows for batch in batches)
    table = pa.Table.from_batches(batches)
    return table.rename_columns([name.lower() for name in table.column_names])


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """Run things at the same time and return what each returned, or the error."""
    results: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            results[number] = work()
        except Exception as exc:
            results[number] = exc

    threads = [threading.Thread(target=run, args=(number, work)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_every_text_and_moment_comes_back_as_it_was(runner: Runner, table: str) -> None:
    longest = 65_535 if runner.adapter_type == "redshift" else 1_000_000
    words = [
        *STRINGS,
        "שלום עולם",
        "مرحبا \u202eabc",
        "'; drop table x; --",
        "\\'",
        "--",
        "/*",
        "z" * longest,
        None,
    ]
    given = rows(words)
    # In another order than that of the table.
    runner.append(table, given.select(["good", "seen_at", "n", "words"]))
    sql = f"select n, words, seen_at, good from {table} order by n"
    assert runner.fetch_all(sql) == list(zip(*given.to_pydict().values(), strict=True))
    read = streamed(runner, sql)
    assert read.to_pydict() == given.to_pydict()
    assert read.schema.field("words").type == pa.string()
    assert read.schema.field("seen_at").type == pa.timestamp("us")
    for word in [word for word in words if word is not None and len(word) < longest]:
        assert runner.fetch_all(f"select {runner.literal(word)}") == [(word,)]


def test_the_character_nul(runner: Runner, table: str) -> None:
    runner.append(table, rows(["a\0b7"]))
    kept = "a\ufffdb7" if runner.adapter_type == "redshift" else "a\0b7"
    assert runner.fetch_all(f"select words from {table}") == [(kept,)]


def test_nothing_to_append(runner: Runner, table: str) -> None:
    runner.append(table, rows([]))
    assert runner.fetch_all(f"select count(*) from {table}") == [(0,)]
    assert list(runner.stream(f"select n from {table}", 10)) == []


def test_many_rows_in_order_while_another_thread_writes(runner: Runner, table: str) -> None:
    runner.append(table, rows([f"user-{n:05}" for n in range(5_000)]))
    # 10,000 rows and some more.
    doubled = (
        f"select a.n + b.n as n, words from {table} a cross join (select 0 as n union all select 5000) b"
    )
    other = new_table(runner, "written_meanwhile")

    def write() -> int:
        for number in range(5):
            runner.append(other, rows(["meanwhile"], number))
        return int(runner.fetch_all(f"select count(*) from {other}")[0][0])

    read, written = in_threads(lambda: streamed(runner, f"select * from ({doubled}) c order by n"), write)
    assert written == 5
    assert read["n"].to_pylist() == list(range(10_000))
    assert read["words"].to_pylist()[4_999:5_001] == ["user-04999", "user-00000"]


def test_a_stream_that_is_left_half_read_stops_nothing(runner: Runner, table: str) -> None:
    runner.append(table, rows(["a", "b", "c"]))
    with closing(cast("Any", runner.stream(f"select n from {table} order by n", 1))) as stream:
        assert next(stream).num_rows == 1
    assert runner.fetch_all(f"select count(*) from {table}") == [(3,)]
    assert streamed(runner, f"select n from {table} order by n", 2).num_rows == 3


def test_columns_of_a_table_and_of_none(runner: Runner) -> None:
    name = "some_columns"
    relation = new_table(runner, name)
    columns = list(runner.column_types(relation))
    assert [column.lower() for column in columns] == list(KINDS)
    assert list(runner.column_types(runner.relation(runner.schema, name))) == columns
    assert list(runner.column_types(f"{runner.schema}.{name}")) == columns
    assert runner.column_types(runner.relation(runner.schema, "no_such_table")) == {}
    assert runner.column_types(runner.relation("no_such_schema", name)) == {}


def test_what_is_no_text_is_read_as_json(runner: Runner, project: WarehouseProject) -> None:
    things = runner.relation(project.source_schema, "things", runner.database)
    types = {name.lower(): kind for name, kind in runner.column_types(things).items()}
    columns = ", ".join(runner.as_text(name, types[name]) for name in ("id", "thing"))
    [(first, thing), (second, nothing)] = runner.fetch_all(f"select {columns} from {things} order by id")
    assert (first, second, nothing) == ("a", "b", None)
    # Spark's to_json leaves a null out.
    assert json.loads(thing) in (THING, {"city": THING["city"]})


def test_numbers_of_a_json_column(runner: Runner, project: WarehouseProject) -> None:
    """BigQuery holds whole numbers of 64 bits as they are, others as doubles; elsewhere a payload is a text."""
    if runner.adapter_type != "bigquery":
        pytest.skip("only BigQuery has a type of its own for a payload")
    project.statement(f"create table {project.source_schema}.numbers (payload json)")
    text = '{"whole":9223372036854775807,"wide":12345678901234567890123,"long":0.12345678901234567890,"zero":1.50}'
    project.statement(
        f"insert into {project.source_schema}.numbers select parse_json('{text}', wide_number_mode => 'round')"
    )
    numbers = runner.relation(project.source_schema, "numbers", runner.database)
    payload = runner.as_text("payload", runner.column_types(numbers)["payload"])
    [(kept,)] = runner.fetch_all(f"select {payload} from {numbers}")
    assert (
        kept
        == '{"long":0.12345678901234568,"whole":9223372036854775807,"wide":1.2345678901234568e+22,"zero":1.5}'
    )


def test_the_clock_is_the_warehouses_and_in_utc(runner: Runner) -> None:
    first, second = runner.now(), runner.now()
    assert first.tzinfo is None
    assert first < second
    assert abs(first - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)


def test_a_time_is_cast_in_utc(runner: Runner) -> None:
    text, time = runner.types["text"], runner.types["time"]
    moment = "2026-07-01 12:00:00"
    [(shown, value)] = runner.fetch_all(
        f"select cast(cast('{moment}' as {time}) as {text}), cast('{moment}' as {time})"
    )
    assert shown.startswith(moment)
    assert value == dt.datetime.fromisoformat(moment)


def test_what_is_refused_is_one_sentence_without_values(runner: Runner, table: str) -> None:
    label = {"duckdb": "DuckDB", "bigquery": "BigQuery"}.get(
        runner.adapter_type, runner.adapter_type.capitalize()
    )
    runner.append(table, rows([VALUE]))
    missing = runner.relation(runner.schema, "no_such_table")
    number = runner.types["integer"]
    refused = [
        lambda: runner.execute("selec 1"),
        lambda: runner.fetch_all(f"select * from {missing}"),
        lambda: list(runner.stream(f"select * from {missing}", 10)),
        lambda: runner.append(missing, rows([VALUE])),
        lambda: runner.append(table, rows([VALUE]).rename_columns(["n", "nothing", "seen_at", "good"])),
        lambda: runner.fetch_all(f"select cast(words as {number}) from {table}"),
    ]
    for work in refused:
        with pytest.raises(StoppedError, match=f"^{label} refused a statement: .+") as caught:
            work()
        assert "\n" not in str(caught.value)
        assert VALUE not in str(caught.value)
        assert caught.value.__cause__ is None or VALUE not in str(caught.value.__cause__)
    # The connection is there for what comes next.
    assert runner.fetch_all(f"select words from {table}") == [(VALUE,)]


def test_hashes_of_texts(runner: Runner) -> None:
    """Tables made by hand are read in the order of these."""
    for text in ("", "customer-1/", "é🙂"):
        sql = runner.md5(f"cast({runner.literal(text)} as {runner.types['text']})")
        expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        assert runner.fetch_all(f"select {sql}") == [(expected,)]
