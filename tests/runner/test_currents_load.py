import io
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from braze_runner.cli import main
from braze_runner.currents import catalogue, layout
from braze_runner.currents.load import load
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.warehouse import DbtOptions, Warehouse, connect

OPEN = "users.messages.email.Open"
TABLE = "braze_currents.users_messages_email_open"


@pytest.fixture
def warehouse(options: DbtOptions) -> Iterator[Warehouse]:
    opened = connect(options)
    yield opened
    opened.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "currents"


def event(number: int, **fields: Any) -> dict[str, Any]:
    required = {"id": f"event-{number}", "user_id": f"user-{number}", "time": 1_785_000_000 + number}
    return required | {"email_address": f"customer-{number:06d}@example.com"} | fields


def write(
    tree: Path,
    rows: list[dict[str, Any]],
    event_type: str = OPEN,
    *,
    version: int = 12,
    offset: int = 0,
    more: tuple[dict[str, Any], ...] = (),
) -> Path:
    """Write one file where Braze would; ``more`` are fields that the catalogue does not have."""
    known = catalogue.events().get(event_type)
    schema = known.avro_schema(version) if known else {"type": "record", "name": "Unknown", "fields": []}
    schema["fields"] = [*schema["fields"], *more]
    path = tree / layout.build(event_type, datetime(2026, 9, 3, 4, tzinfo=UTC), version, 0, offset)
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    fastavro.writer(stream, schema, rows, codec="deflate", sync_interval=200)
    path.write_bytes(stream.getvalue())
    return path


def ids(warehouse: Warehouse, table: str = TABLE) -> list[str]:
    return sorted(row[0] for row in warehouse.fetch_all(f"select id from {table}"))


def test_every_catalogued_event_gets_its_table(warehouse: Warehouse, tree: Path) -> None:
    write(tree, [event(1)])
    load(warehouse, tree, "braze_currents")
    found = warehouse.fetch_all(
        "select table_name from information_schema.tables where table_schema = 'braze_currents'"
    )
    expected = {known.table for known in catalogue.events().values()} | {"braze_currents_files"}
    assert {row[0] for row in found} == expected


def test_values_and_types(warehouse: Warehouse, tree: Path) -> None:
    click = "users.messages.email.Click"
    write(tree, [event(1, suspected_bot_click_reason=["a", "b"], is_suspected_bot_click=True)], click)
    load(warehouse, tree, "braze_currents")
    row = warehouse.fetch_all(
        "select id, time, is_suspected_bot_click, suspected_bot_click_reason, url,"
        " braze_file like 'event_type=%', braze_loaded_at <= now() at time zone 'UTC'"
        " from braze_currents.users_messages_email_click"
    )
    assert row == [("event-1", 1_785_000_001, True, ["a", "b"], None, True, True)]
    types = warehouse.column_types("braze_currents.users_messages_email_click")
    assert (types["time"], types["suspected_bot_click_reason"]) == ("BIGINT", "VARCHAR[]")
    assert (types["is_amp"], types["braze_loaded_at"]) == ("BOOLEAN", "TIMESTAMP")


def test_a_second_run_loads_only_what_is_new(warehouse: Warehouse, tree: Path) -> None:
    write(tree, [event(1), event(2)])
    first = load(warehouse, tree, "braze_currents")
    write(tree, [event(3)], offset=1)
    second = load(warehouse, tree, "braze_currents")
    assert (first.loaded, first.events) == (1, 2)
    assert (second.found, second.loaded, second.already, second.events) == (2, 1, 1, 1)
    assert ids(warehouse) == ["event-1", "event-2", "event-3"]


def test_a_moved_tree_is_known(warehouse: Warehouse, tree: Path, tmp_path: Path) -> None:
    write(tree, [event(1)])
    load(warehouse, tree, "braze_currents")
    shutil.move(tree, tmp_path / "elsewhere")
    assert load(warehouse, tmp_path / "elsewhere", "braze_currents").already == 1


def test_one_file_twice_in_a_tree_is_loaded_once(warehouse: Warehouse, tree: Path) -> None:
    write(tree / "a", [event(1)])
    shutil.copytree(tree / "a", tree / "b")
    summary = load(warehouse, tree, "braze_currents")
    assert (summary.found, summary.loaded, summary.already) == (2, 1, 1)
    assert ids(warehouse) == ["event-1"]


def test_a_file_that_has_grown_replaces_its_rows(warehouse: Warehouse, tree: Path) -> None:
    write(tree, [event(1)])
    load(warehouse, tree, "braze_currents")
    write(tree, [event(1), event(2), event(3)])
    assert load(warehouse, tree, "braze_currents").events == 3
    assert ids(warehouse) == ["event-1", "event-2", "event-3"]
    assert warehouse.fetch_all("select rows from braze_currents.braze_currents_files") == [(3,)]


def test_older_versions_and_unknown_fields(warehouse: Warehouse, tree: Path) -> None:
    future = {"name": "example_field", "type": ["null", "double"], "default": None}
    write(tree, [event(1)], version=8)
    write(tree, [event(2, send_time=5)], version=12)
    load(warehouse, tree, "braze_currents")
    write(tree, [event(3, example_field=0.5)], version=13, more=(future,), offset=1)
    load(warehouse, tree, "braze_currents")
    rows = warehouse.fetch_all(f"select id, send_time, example_field from {TABLE} order by id")
    assert rows == [("event-1", None, None), ("event-2", 5, None), ("event-3", None, 0.5)]


def test_an_unknown_event_gets_a_table_of_its_schema(warehouse: Warehouse, tree: Path) -> None:
    fields = ({"name": "id", "type": "string"}, {"name": "Score", "type": ["null", "int"]})
    write(tree, [{"id": "event-1", "Score": 4}], "users.example.New", more=fields)
    load(warehouse, tree, "braze_currents")
    more = (*fields, {"name": "kind", "type": ["null", "string"]})
    write(tree, [{"id": "event-2", "Score": None, "kind": "x"}], "users.example.New", more=more, offset=1)
    load(warehouse, tree, "braze_currents")
    rows = warehouse.fetch_all("select id, score, kind from braze_currents.users_example_new order by id")
    assert rows == [("event-1", 4, None), ("event-2", None, "x")]


@pytest.mark.parametrize("kept", [0, 10, 400, -1])
def test_a_damaged_file_leaves_nothing_and_stops_nothing(warehouse: Warehouse, tree: Path, kept: int) -> None:
    write(tree, [event(1)])
    damaged = write(tree, [event(number) for number in range(10, 60)], offset=1)
    damaged.write_bytes(damaged.read_bytes()[:kept])
    write(tree, [event(2)], offset=2)
    summary = load(warehouse, tree, "braze_currents")
    assert [path for path, _ in summary.damaged] == [damaged]
    assert (summary.loaded, ids(warehouse)) == (2, ["event-1", "event-2"])
    write(tree, [event(3)], offset=1)
    repaired = load(warehouse, tree, "braze_currents")
    assert (repaired.loaded, repaired.already) == (1, 2)


def test_a_field_of_another_type_is_widened_or_the_file_named(warehouse: Warehouse, tree: Path) -> None:
    fields = ({"name": "id", "type": "string"}, {"name": "n", "type": "long"})
    write(tree, [{"id": "event-1", "n": 1}], "users.example.New", more=fields)
    load(warehouse, tree, "braze_currents")
    as_double = (fields[0], {"name": "n", "type": "double"})
    write(tree, [{"id": "event-2", "n": 2.0}], "users.example.New", more=as_double, offset=1)
    lossy = write(tree, [{"id": "event-3", "n": 2.5}], "users.example.New", more=as_double, offset=2)
    summary = load(warehouse, tree, "braze_currents")
    assert summary.damaged == [(lossy, "its field n is DOUBLE, its column BIGINT")]
    assert warehouse.fetch_all("select id, n from braze_currents.users_example_new order by id") == [
        ("event-1", 1),
        ("event-2", 2),
    ]


def test_a_crash_while_writing_loads_nothing_twice(
    warehouse: Warehouse, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, [event(1)])
    append = type(warehouse).append

    def fail_at_ledger(self: Warehouse, table: str, rows: Any) -> None:
        if "braze_currents_files" in table:
            raise StoppedError("the ledger cannot be written")
        append(self, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(type(warehouse), "append", fail_at_ledger)
        with pytest.raises(StoppedError):
            load(warehouse, tree, "braze_currents")
    assert ids(warehouse) == []
    assert load(warehouse, tree, "braze_currents").loaded == 1
    assert ids(warehouse) == ["event-1"]


def test_small_batches_give_the_same(
    warehouse: Warehouse, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("braze_runner.currents.load.BATCH_FILES", 2)
    for offset in range(7):
        write(tree, [event(offset)], offset=offset)
    left: list[int] = []
    load(warehouse, tree, "braze_currents", progress=lambda _, pending: left.append(pending))
    assert left == [5, 3, 1, 0]
    assert ids(warehouse) == [f"event-{offset}" for offset in range(7)]


def test_a_large_tree_is_decoded_in_processes_and_gives_the_same(
    warehouse: Warehouse, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for offset in range(6):
        write(tree, [event(number) for number in range(10 * offset, 10 * offset + 10)], offset=offset)
    damaged = write(tree, [event(99)], offset=7)
    damaged.write_bytes(damaged.read_bytes()[:-20])
    monkeypatch.setattr("braze_runner.currents.load.POOL_FROM_BYTES", 1)
    monkeypatch.setattr("braze_runner.currents.load.BATCH_FILES", 2)
    summary = load(warehouse, tree, "braze_currents")
    assert (summary.loaded, summary.events, [path for path, _ in summary.damaged]) == (6, 60, [damaged])
    assert sorted(ids(warehouse)) == sorted(f"event-{number}" for number in range(60))


def die(_paths: object) -> None:
    os._exit(3)


def test_a_decoder_that_dies_ends_the_load_with_a_sentence(
    warehouse: Warehouse, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, [event(1)])
    monkeypatch.setattr("braze_runner.currents.load.POOL_FROM_BYTES", 1)
    monkeypatch.setattr("braze_runner.currents.load.decode", die)
    with pytest.raises(StoppedError, match="was ended from outside"):
        load(warehouse, tree, "braze_currents")
    assert ids(warehouse) == []


@pytest.mark.parametrize(("exists", "message"), [(False, "does not exist"), (True, "holds no .avro file")])
def test_nothing_to_read(warehouse: Warehouse, tree: Path, message: str, *, exists: bool) -> None:
    if exists:
        tree.mkdir()
    with pytest.raises(ConfigError, match=message):
        load(warehouse, tree, "braze_currents")


def test_other_warehouses_are_told_what_to_do(
    warehouse: Warehouse, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "adapter_type", "snowflake")
    with pytest.raises(ConfigError, match="loads into DuckDB; snowflake loads"):
        load(warehouse, tree, "braze_currents")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["load-currents", *arguments])
    output = capsys.readouterr()
    return int(str(stopped.value.code or 0)), output.out, output.err


def test_command(project_dir: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tree, [event(1), event(2)])
    options = ("--project-dir", str(project_dir), "--schema", "raw")
    code, out, _ = run(capsys, str(tree), *options)
    assert code == 0
    assert "1 files: 1 loaded, 0 already there, 0 damaged, 0 not recognised." in out
    assert "2 events in" in out
    damaged = write(tree, [event(3)], offset=1)
    damaged.write_bytes(damaged.read_bytes()[:-3])
    stray = tree / "stray.avro"
    stray.write_bytes(b"")
    code, out, err = run(capsys, str(tree), *options)
    assert code == 1
    assert "3 files: 0 loaded, 1 already there, 1 damaged, 1 not recognised." in out
    assert f"Damaged: {damaged}" in err
    assert f"Not recognised: {stray}" in err


def test_command_without_a_folder(project_dir: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, str(tree), "--project-dir", str(project_dir))
    assert (code, err) == (
        2,
        f"braze-runner: {tree} does not exist: name the folder that Currents writes to.\n",
    )
