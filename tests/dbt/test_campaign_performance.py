"""The mart of campaign performance: the same however events arrive, and as plain Python counts it."""

import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from dbt_project import DbtProject

from braze_runner.currents import avro, layout
from braze_runner.currents.load import load
from braze_runner.currents.tables import EventTables
from braze_runner.demo.events import write_events
from braze_runner.warehouse import DbtOptions, Transactional, Warehouse, connect

WEEK = 7 * 86_400
GRAIN = (
    "app_group_id",
    "campaign_id",
    "message_variation_id",
    "canvas_id",
    "canvas_variation_id",
    "canvas_step_id",
)
KINDS = {
    "Abort": "aborts",
    "Send": "sends",
    "Delivery": "deliveries",
    "Bounce": "bounces",
    "SoftBounce": "soft_bounces",
    "Open": "opens",
    "Click": "clicks",
    "MarkAsSpam": "spam_reports",
    "Unsubscribe": "unsubscribes",
}
COUNTS = (
    "events",
    *KINDS.values(),
    "machine_opens",
    "unique_opens",
    "human_unique_opens",
    "suspected_bot_clicks",
    "unique_clicks",
    "unlinked_opens",
    "unlinked_clicks",
    "unlinked_events",
)
START = datetime(2026, 8, 3, 12, tzinfo=UTC)
EMAIL = "users_messages_email_"


@pytest.fixture
def project(tmp_path: Path) -> DbtProject:
    return with_event_tables(tmp_path)


def with_event_tables(folder: Path) -> DbtProject:
    """A project with the event tables, all empty, and the email family on."""
    project = DbtProject(folder, {"braze_events": ["email"]})
    with opened(folder) as warehouse:
        EventTables(cast("Transactional", warehouse), "braze_currents").create()
    return project


@contextmanager
def opened(folder: Path) -> Iterator[Warehouse]:
    """Connect where dbt does: the path in the profile is relative to the folder that a command runs in."""
    with chdir(folder), closing(connect(DbtOptions(project_dir=folder, profiles_dir=folder))) as warehouse:
        yield warehouse


def mart(project: DbtProject, *columns: str, workspace: str = "%") -> list[tuple[Any, ...]]:
    """The mart's rows, without the stamp of the run."""
    listed = ", ".join(columns) or "* exclude (processed_at)"
    return project.sql(
        f"select {listed} from braze__campaign_performance where app_group_id like ? order by all",
        [workspace],
    )


def build(project: DbtProject, *arguments: str) -> None:
    project.dbt("run", "--select", "package:dbt_braze", *arguments)


# --- The same rows, however the events arrive ---


def test_incremental_full_and_recomputed_rows_are_equal(project: DbtProject, tmp_path: Path) -> None:
    write_events(tmp_path / "all", 250, days=24, target=5_000, seed=11)
    files = list(layout.find(tmp_path / "all"))
    for arrived in shuffled_loads(files):
        for path in arrived:
            target = tmp_path / "arrived" / path.relative_to(tmp_path / "all")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        with opened(tmp_path) as warehouse:
            load(warehouse, tmp_path / "arrived", "braze_currents")
        build(project)
    incremental = mart(project)
    project.dbt("test", "--select", "package:dbt_braze")
    build(project, "--full-refresh")
    assert mart(project) == incremental
    assert counted_by_mart(project) == recomputed(files)


def shuffled_loads(files: list[Path]) -> list[list[Path]]:
    """Three loads: most files by their hour, one in eight in any load, so that sends come after opens."""
    rng = random.Random(5)  # noqa: S311
    ordered = sorted(files, key=lambda path: path.parts[-4])
    loads: list[list[Path]] = [[], [], []]
    for number, path in enumerate(ordered):
        loads[rng.randrange(3) if rng.random() < 0.125 else 3 * number // len(ordered)].append(path)
    return loads


def counted_by_mart(project: DbtProject) -> dict[tuple[Any, ...], dict[str, int]]:
    width = len(GRAIN) + 1
    rows = mart(project, *GRAIN, "send_date", *COUNTS)
    return {row[:width]: dict(zip(COUNTS, row[width:], strict=True)) for row in rows}


def recomputed(files: list[Path]) -> dict[tuple[Any, ...], dict[str, int]]:
    """Count what the files hold, message by message, straight from the definitions."""
    events: dict[str, dict[str, Any]] = {}
    for path in files:
        file = layout.parse(path)
        assert file is not None
        family, _, short = file.event_type.rpartition(".")
        if family == "users.messages.email" and short in KINDS:
            events |= {row["id"]: row | {"short": short} for row in avro.read_table(path).to_pylist()}
    messages = defaultdict(list)
    for event in sorted(events.values(), key=lambda event: (event["time"], event["id"])):
        place = event["message_variation_id"] or event["canvas_step_id"]
        messages[event["app_group_id"], event["dispatch_id"], place, event["user_id"]].append(event)
    totals: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for message in messages.values():
        count_message(message, totals)
    return dict(totals)


def count_message(message: list[dict[str, Any]], totals: dict[tuple[Any, ...], dict[str, int]]) -> None:
    sends = [event for event in message if event["short"] == "Send"]
    unsubscribed = False
    for event in message:
        alike = [send for send in sends if send["email_address"] == event["email_address"]] or sends
        moment = alike[0]["time"] if alike else event["time"]
        day = datetime.fromtimestamp(moment, UTC).date()
        total = totals[(*(event[name] for name in GRAIN), day)]
        total["events"] += 1
        if not alike and event["short"] not in {"Send", "Abort"}:
            total["unlinked_events"] += 1
            if event["short"] in {"Open", "Click"}:
                total[f"unlinked_{KINDS[event['short']]}"] += 1
        elif event["short"] == "Unsubscribe":
            total["unsubscribes"] += not unsubscribed
            unsubscribed = True
        else:
            total[KINDS[event["short"]]] += 1
            count_engagement(event, message, total)


def count_engagement(event: dict[str, Any], message: list[dict[str, Any]], total: dict[str, int]) -> None:
    same = [
        other
        for other in message
        if (other["short"], other["email_address"]) == (event["short"], event["email_address"])
    ]
    if event["short"] == "Open":
        human = [other for other in same if other["machine_open"] is None]
        total["machine_opens"] += event not in human
        total["unique_opens"] += is_unique(event, same)
        total["human_unique_opens"] += event in human and is_unique(event, human)
    if event["short"] == "Click":
        human = [other for other in same if not other["is_suspected_bot_click"]]
        total["suspected_bot_clicks"] += event not in human
        total["unique_clicks"] += event in human and is_unique(event, human)


def is_unique(event: dict[str, Any], among: list[dict[str, Any]]) -> bool:
    """Whether an event is the first of those, or a week or more after the one before it."""
    position = [other["id"] for other in among].index(event["id"])
    return position == 0 or event["time"] - among[position - 1]["time"] >= WEEK


# --- Stories of a few events ---


class Inbox:
    """Puts single events into the raw tables: hours count from START, days of loading from the first."""

    def __init__(self, project: DbtProject, app_group_id: str = "workspace-1") -> None:
        self.project = project
        self._workspace = app_group_id
        self._numbers = count(1)

    def put(self, short: str, hour: float, *, loaded_day: float = 0, **fields: Any) -> None:
        row = {
            "id": f"event-{next(self._numbers)}",
            "time": int(START.timestamp() + hour * 3600),
            "user_id": "user-1",
            "email_address": "a@example.com",
            "app_group_id": self._workspace,
            "campaign_id": "campaign-1",
            "message_variation_id": "variation-1",
            "dispatch_id": "dispatch-1",
            "braze_loaded_at": datetime.fromtimestamp(START.timestamp() + loaded_day * 86_400, UTC).replace(
                tzinfo=None
            ),
        } | fields
        marks = ", ".join("?" for _ in row)
        self.project.sql(
            f"insert into braze_currents.{EMAIL}{short.lower()} ({', '.join(row)}) values ({marks})",
            list(row.values()),
        )


def test_a_new_open_changes_its_own_send_however_old(project: DbtProject) -> None:
    inbox = Inbox(project)
    inbox.put("Send", 0)
    inbox.put("Delivery", 0.1)
    inbox.put("Send", 24 * 40, dispatch_id="dispatch-2", loaded_day=40)
    build(project)
    inbox.put("Open", 24 * 40 + 1, loaded_day=40)
    build(project)
    rows = mart(project, "send_date", "sends", "unique_opens", "open_rate")
    assert rows == [(date(2026, 8, 3), 1, 1, 1.0), (date(2026, 9, 12), 1, 0, None)]


def test_a_send_that_arrives_after_its_open(project: DbtProject) -> None:
    inbox = Inbox(project)
    inbox.put("Open", 30)
    inbox.put("Click", 31)
    build(project)
    assert mart(
        project, "send_date", "sends", "opens", "unlinked_opens", "unlinked_clicks", "unlinked_events"
    ) == [(date(2026, 8, 4), 0, 0, 1, 1, 2)]
    inbox.put("Send", 0, loaded_day=2)
    build(project)
    assert mart(project, "send_date", "sends", "opens", "clicks", "unlinked_events") == [
        (date(2026, 8, 3), 1, 1, 1, 0)
    ]


def test_an_event_delivered_again_counts_once(project: DbtProject) -> None:
    inbox = Inbox(project)
    inbox.put("Send", 0, id="send")
    inbox.put("Send", 0, id="send")
    build(project)
    inbox.put("Send", 24 * 30, id="later", dispatch_id="dispatch-2", loaded_day=30)
    inbox.put("Send", 0, id="send", loaded_day=30)
    # One id in two workspaces is two events.
    inbox.put("Send", 0, id="send", app_group_id="workspace-2", loaded_day=30)
    build(project)
    assert mart(project, "app_group_id", "send_date", "sends") == [
        ("workspace-1", date(2026, 8, 3), 1),
        ("workspace-1", date(2026, 9, 2), 1),
        ("workspace-2", date(2026, 8, 3), 1),
    ]


def test_the_look_back_is_for_late_arrival(project: DbtProject) -> None:
    inbox = Inbox(project)
    inbox.put("Send", 0, loaded_day=10)
    build(project)
    inbox.put("Open", 1, loaded_day=7.5)
    inbox.put("Open", 2, loaded_day=6.5)
    build(project)
    assert mart(project, "opens") == [(1,)]
    build(project, "--vars", "braze_lookback_days: 4")
    assert mart(project, "opens") == [(2,)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Three stories that one build tells, each in a workspace of its own."""
    project = with_event_tables(tmp_path_factory.mktemp("told"))
    inbox = Inbox(project, app_group_id="unique")
    inbox.put("Send", 0)
    inbox.put("Open", 1, machine_open="true")
    for hour in (2, 3, 2 + 7 * 24, 3 + 7 * 24, 2 + 14 * 24, 3 + 21 * 24):
        inbox.put("Open", hour)
    inbox.put("Click", 1, is_suspected_bot_click=True)
    inbox.put("Click", 2, is_suspected_bot_click=False)
    inbox.put("Click", 3)

    inbox = Inbox(project, app_group_id="links")
    inbox.put("Send", 0)
    inbox.put("Send", 30, email_address="b@example.com")
    inbox.put("Open", 31, email_address="b@example.com")
    inbox.put("Open", 32, email_address="c@example.com")
    inbox.put("Open", 33, user_id="user-2")

    inbox = Inbox(project, app_group_id="rates")
    step = {
        "campaign_id": None,
        "message_variation_id": None,
        "canvas_id": "canvas-1",
        "canvas_step_id": "step-1",
    }
    inbox.put("Send", 0, canvas_step_name="Hello", **step)
    inbox.put("Open", 1, **step)
    inbox.put("Abort", 2, campaign_id="campaign-2")
    build(project)
    return project


def test_unique_machine_and_bot(told: DbtProject) -> None:
    # Hour 2 and the last: 7 days after hour 2 is 6 days and 23 hours after hour 3.
    opens = ("opens", "machine_opens", "unique_opens", "human_unique_opens")
    assert mart(told, *opens, workspace="unique") == [(7, 1, 2, 2)]
    assert mart(told, "clicks", "suspected_bot_clicks", "unique_clicks", workspace="unique") == [(3, 1, 1)]


def test_links_by_user_where_the_address_is_another_one(told: DbtProject) -> None:
    assert mart(told, "send_date", "sends", "opens", "unlinked_opens", workspace="links") == [
        (date(2026, 8, 3), 1, 1, 0),
        (date(2026, 8, 4), 1, 1, 1),
    ]
    links = told.sql(
        "select linked_by from int_braze__email_events"
        " where event_kind = 'open' and app_group_id = 'links' order by occurred_at"
    )
    assert links == [("user and address",), ("user",), ("none",)]


def test_rates_are_null_without_a_denominator(told: DbtProject) -> None:
    columns = (
        "campaign_id",
        "canvas_step_name",
        "aborts",
        "delivery_rate",
        "open_rate",
        "click_to_open_rate",
    )
    assert mart(told, *columns, workspace="rates") == [
        ("campaign-2", None, 1, None, None, None),
        (None, "Hello", 0, 0.0, None, 0.0),
    ]


# --- What is on ---


def test_without_events_nothing_is_on_and_a_typing_error_is_named(tmp_path: Path) -> None:
    project = DbtProject(tmp_path)
    listed = project.dbt("ls", "--resource-type", "model", "--select", "package:dbt_braze,tag:none")
    assert "stg_braze" not in listed
    assert "stg_braze__" not in project.dbt("ls", "--resource-type", "model")
    some = project.dbt(
        "ls", "--vars", "braze_events: [users.messages.email.Open, sessions]", "--resource-type", "model"
    )
    assert "stg_braze__users_messages_email_open" in some
    assert "stg_braze__users_behaviors_app_sessionend" in some
    assert "email_send" not in some
    assert "campaign_performance" not in some
    message = project.dbt("parse", "--no-partial-parse", "--vars", "braze_events: [emial]", fails=True)
    assert "braze_events lists 'emial', which is neither a family (email, sessions, purchases)" in " ".join(
        message.split()
    )


def test_an_older_version_has_typed_nulls(tmp_path: Path) -> None:
    project = DbtProject(
        tmp_path, {"braze_events": ["users.messages.email.Send"], "braze_currents_version": 8}
    )
    project.sql("create schema braze_currents")
    fields = ("id", "user_id", "external_user_id", "dispatch_id", "timezone", "campaign_id", "campaign_name")
    more = (
        "message_variation_id",
        "message_variation_name",
        "email_address",
        "canvas_id",
        "canvas_name",
        "send_id",
    )
    rest = (
        "canvas_variation_id",
        "canvas_variation_name",
        "canvas_step_id",
        "canvas_step_name",
        "ip_pool",
        "message_extras",
    )
    columns = ", ".join(f"{name} varchar" for name in (*fields, *more, *rest, "app_group_id"))
    project.sql(f"create table braze_currents.{EMAIL}send ({columns}, time int, braze_loaded_at timestamp)")
    build(project)
    types = dict(row[:2] for row in project.sql(f"describe stg_braze__{EMAIL}send"))
    assert (types["from_domain"], types["occurred_at"], types["event_id"]) == (
        "VARCHAR",
        "TIMESTAMP",
        "VARCHAR",
    )
