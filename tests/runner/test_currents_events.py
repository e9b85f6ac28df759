import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from braze_runner.currents import avro, catalogue, layout
from braze_runner.demo.events import write_events
from braze_runner.demo.recorder import FUTURE_FIELD, Summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    root = tmp_path_factory.mktemp("events")
    return root, write_events(root, 600, target=12_000, seed=3)


@pytest.fixture(scope="module")
def events(written: tuple[Path, Summary]) -> list[tuple[layout.CurrentsFile, dict[str, Any]]]:
    files = [layout.parse(path) for path in layout.find(written[0])]
    return [(file, row) for file in files if file for row in avro.read_table(file.path).to_pylist()]


def of(events: list[tuple[layout.CurrentsFile, dict[str, Any]]], short: str) -> list[dict[str, Any]]:
    return [row for file, row in events if file.event_type == f"users.messages.email.{short}"]


def digest(root: Path) -> str:
    total = hashlib.sha256()
    for path in layout.find(root):
        total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_events(tmp_path / folder, 50, days=8, target=800, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_counts(written: tuple[Path, Summary], events: list[Any]) -> None:
    summary = written[1]
    assert summary.events == len(events)
    assert summary.events == pytest.approx(12_000, rel=0.1)
    assert summary.by_type == Counter(file.event_type for file, _ in events)


def test_files_have_the_fields_of_their_version(events: list[Any]) -> None:
    versions = Counter()
    for file, row in events:
        expected = [field.name for field in catalogue.events()[file.event_type].fields_at(file.version)]
        if file.version > catalogue.newest_version():
            expected.append(FUTURE_FIELD)
        assert list(row) == expected
        versions[file.version] += 1
    assert len(versions) == 4


def test_files_are_queued_after_their_events(events: list[Any]) -> None:
    late = 0
    for file, row in events:
        queued = file.hour.timestamp() + 3600
        assert row["time"] < queued
        late += queued - row["time"] > 25 * 3600
    assert late > 10


def test_what_real_data_has(events: list[Any]) -> None:
    ids = Counter(row["id"] for _, row in events)
    assert max(ids.values()) > 1
    assert 0.98 < len(ids) / len(events) < 1
    assert (
        0.01
        < sum("external_user_id" in row and row["external_user_id"] is None for _, row in events)
        / len(events)
        < 0.08
    )
    opens, deliveries = of(events, "Open"), of(events, "Delivery")
    assert {row["machine_open"] for row in opens} == {None, "true"}
    assert any(row["is_suspected_bot_click"] for row in of(events, "Click"))
    delivered = {(row["user_id"], row["dispatch_id"]) for row in deliveries}
    assert any((row["user_id"], row["dispatch_id"]) not in delivered for row in opens)
    assert {bool(row["canvas_id"]) for row in opens} == {True, False}
    users_of_dispatch = Counter(row["dispatch_id"] for row in of(events, "Send"))
    assert min(users_of_dispatch.values()) == 1
    assert max(users_of_dispatch.values()) > 20


def test_nothing_is_sent_after_an_unsubscribe_or_opened_after_a_bounce(events: list[Any]) -> None:
    left = {row["user_id"]: row["time"] for row in of(events, "Unsubscribe")}
    assert left
    for row in of(events, "Send"):
        # A message that was under way when the link was clicked still arrives.
        assert row["time"] < left.get(row["user_id"], row["time"]) + 3 * 86_400
    bounced = {(row["user_id"], row["dispatch_id"]) for row in of(events, "Bounce")}
    assert bounced
    assert not bounced & {(row["user_id"], row["dispatch_id"]) for row in of(events, "Open")}
