import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from braze_runner.currents import catalogue, layout


def test_every_event_has_an_id_a_time_and_known_types() -> None:
    assert len(catalogue.events()) == 103
    for event in catalogue.events().values():
        fields = {field.name: field for field in event.fields}
        assert fields["id"].required
        assert fields["time"].required
        assert fields["time"].type in {"int", "long"}
        assert {field.type for field in event.fields} <= set(catalogue.ARROW_TYPES)


def test_tables_are_distinct_and_lower_case() -> None:
    tables = [event.table for event in catalogue.events().values()]
    assert len(set(tables)) == len(tables)
    assert catalogue.events()["users.messages.email.Open"].table == "users_messages_email_open"


@pytest.mark.parametrize(
    ("version", "has_from_domain", "has_send_time"), [(8, False, False), (9, True, False), (12, True, True)]
)
def test_fields_come_with_their_version(version: int, *, has_from_domain: bool, has_send_time: bool) -> None:
    send = catalogue.events()["users.messages.email.Send"].fields_at(version)
    click = catalogue.events()["users.messages.email.Click"].fields_at(version)
    assert ("from_domain" in {field.name for field in send}) is has_from_domain
    assert ("send_time" in {field.name for field in click}) is has_send_time


def test_optional_fields_are_unions_with_null() -> None:
    schema = catalogue.events()["users.messages.email.Click"].avro_schema(12)
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert (schema["namespace"], schema["name"]) == ("users.messages.email", "Click")
    assert types["id"] == "string"
    assert types["suspected_bot_click_reason"] == ["null", {"type": "array", "items": "string"}]


def test_layout_reads_what_it_builds(tmp_path: Path) -> None:
    hour = datetime(2026, 8, 5, 13, tzinfo=UTC)
    built = layout.build("users.messages.email.Open", hour, 11, 3, 42)
    file = layout.parse(tmp_path / "any" / "prefix" / built)
    assert file is not None
    assert (file.event_type, file.hour, file.version) == ("users.messages.email.Open", hour, 11)
    assert file.key.startswith("event_type=users.messages.email.Open/date=2026-08-05-13/version=11/us-01/")
    moved = layout.parse(tmp_path / built)
    assert moved is not None
    assert moved.key == file.key


@pytest.mark.parametrize(
    "path", ["a.avro", "event_type=/a.avro", "date=2026-08-05-13/a.avro", "event_type=x.avro"]
)
def test_a_path_without_event_type_is_no_currents_file(path: str) -> None:
    assert layout.parse(Path(path)) is None


def test_strange_dates_and_versions_are_left_open() -> None:
    file = layout.parse(Path("event_type=users.X/date=soon/version=next/a.avro"))
    assert file is not None
    assert (file.hour, file.version) == (None, None)


def test_the_package_has_what_the_catalogue_says() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "tools/generate_catalogue.py", "--check"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
