"""Random histories of a source: after every run, replaying the log gives what the source holds.

Every user of one history has a life of its own, so each example covers dozens of lives in a handful of dbt runs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dbt_project import DbtProject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interruptions import killed_at
from replay import CdiReader, Profiles, log_rows, replay

EXTERNAL_ID = ("EXTERNAL_ID",)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31))  # noqa: DTZ001 (the column has no zone)
PLACES = st.fixed_dictionaries({"city": st.none() | TEXTS, "since": st.none() | TIMES})


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the source: its DuckDB type, its attribute, its values, and a value as JSON."""

    name: str
    sql_type: str
    spec: dict[str, Any]
    values: st.SearchStrategy[Any]
    as_json: Any = field(default=lambda value: value)


def as_place(place: dict[str, Any]) -> dict[str, Any] | None:
    """Nulls inside an object are left out, and an object without a field is no value."""
    since = place["since"]
    time = {"$time": as_time(since)} if since else None
    return {
        name: value for name, value in (("city", place["city"]), ("since", time)) if value is not None
    } or None


def as_time(value: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


COLUMNS = [
    Column("name", "varchar", {"type": "string"}, TEXTS),
    Column("age", "bigint", {"type": "integer"}, st.integers(-(2**63), 2**63 - 1)),
    Column("spent", "decimal(18, 2)", {"type": "decimal"}, st.decimals(-(10**12), 10**12, places=2)),
    Column(
        "score",
        "double",
        {"type": "float"},
        st.floats(allow_nan=False, allow_infinity=False),
        lambda v: Decimal(repr(v)),
    ),
    Column("vip", "boolean", {"type": "boolean"}, st.booleans()),
    Column("born", "date", {"type": "date"}, st.dates(date(1900, 1, 1), date(2999, 12, 31)), date.isoformat),
    Column("seen at", "timestamp", {"type": "timestamp"}, TIMES, as_time),
    Column(
        "tags",
        "varchar[]",
        {"type": "array"},
        st.lists(st.none() | TEXTS, max_size=3),
        lambda v: [i for i in v if i is not None],
    ),
    Column(
        "home.place",
        "struct(city varchar, since timestamp)",
        {
            "type": "object",
            "fields": [{"name": "city", "type": "string"}, {"name": "since", "type": "timestamp"}],
        },
        PLACES,
        as_place,
    ),
]
# The same columns, sent as another type than before.
AS_TEXT = [
    Column("age", "bigint", {"type": "string"}, st.nothing(), str),
    Column("born", "date", {"type": "string"}, st.nothing(), str),
]
Row = dict[str, Any]
LONG = timedelta(days=60)


def rows_of_users() -> st.SearchStrategy[dict[str, Row]]:
    """Ten users or fewer, each with values or nulls."""
    values = st.fixed_dictionaries({column.name: st.none() | column.values for column in COLUMNS})
    return st.dictionaries(st.sampled_from([f"user-{n}" for n in range(10)]), values, min_size=1)


# What happens besides the runs: users are deleted, a run is killed at a statement, the log is pruned a long time later, all or
# some of what was sent is forgotten, a run has --empty or --full-refresh, or nothing.
MISHAPS = [
    st.sets(st.sampled_from([f"user-{n}" for n in range(10)]), min_size=1).map(
        lambda users: ("deleted", users)
    ),
    st.integers(1, 14).map(lambda statement: ("killed", statement)),
    st.just(("pruned", None)),
    st.booleans().map(lambda whole: ("forgotten", whole)),
    st.sampled_from(["--empty", "--full-refresh"]).map(lambda flag: ("flag", flag)),
    st.none(),
]
History = tuple[dict[str, Row], list[Column], tuple[str, Any] | None]


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    """A few states of the source, each with users changed, gone or back; the attributes of each run; and mishaps before it."""
    states, present = [], draw(rows_of_users())
    for mishap in draw(st.permutations(MISHAPS))[:4]:
        columns = draw(
            st.lists(st.sampled_from([*COLUMNS, *AS_TEXT]), min_size=1, unique_by=lambda column: column.name)
        )
        states.append((dict(present), columns, draw(mishap)))
        gone = draw(st.sets(st.sampled_from(sorted(present))))
        present = {
            **{user: row for user, row in present.items() if user not in gone or len(present) == len(gone)}
        }
        for user, row in draw(rows_of_users()).items():
            kept = draw(st.sets(st.sampled_from([column.name for column in COLUMNS])))
            present[user] = {
                name: present[user][name] if name in kept and user in present else value
                for name, value in row.items()
            }
    return states


def attribute(column: Column) -> dict[str, Any]:
    """The attribute as a user writes it."""
    return {"name": column.name, "column": f'"{column.name}"', **column.spec}


class Replayed:
    """A project over one source, and what Braze should hold after each run."""

    def __init__(self, folder: Path) -> None:
        """Create the source, still empty."""
        self.project = DbtProject(folder)
        self.project.yaml(
            "sources",
            {
                "version": 2,
                "sources": [
                    {
                        "name": "crm",
                        "tables": [{"name": "customers", "identifier": "c"}, {"name": "requests"}],
                    }
                ],
            },
        )
        self.project.model(
            "gone",
            "{{ dbt_braze.deletes_sync(source('crm', 'requests'), external_id='id', request_id='request', deliver='cdi') }}",
        )
        self.project.sql(
            f"create table c (id varchar, {', '.join(f'{chr(34)}{c.name}{chr(34)} {c.sql_type}' for c in COLUMNS)})"
        )
        self.project.sql("create schema crm")
        self.project.sql("create view crm.c as from main.c")
        self.project.sql("create table crm.requests (id varchar, request varchar)")
        self.expected: Profiles = {}
        self.pruned: list[dict[str, Any]] = []
        self.suffered: set[str | None] = set()
        self.readers = [CdiReader(inclusive=False), CdiReader(inclusive=True)]

    def run(self, rows: dict[str, Row], columns: list[Column], mishap: tuple[str, Any] | None) -> None:
        """Replace the source, run dbt, and note what Braze should hold from now on."""
        listed = [attribute(column) for column in columns]
        self.project.model(
            "users",
            "{{ dbt_braze.attributes_sync(source('crm', 'customers'), external_id='id', deliver='cdi', "
            f"attributes={listed!r}) }}}}",
        )
        self.project.sql("delete from c")
        for user, row in rows.items():
            values = [user, *(row[column.name] for column in COLUMNS)]
            self.project.sql(f"insert into c values ({', '.join('?' * len(values))})", values)
        self.suffer(mishap)
        self.project.run()
        for user, row in rows.items():
            profile = self.expected.setdefault((user,), {})
            for column in columns:
                value = None if row[column.name] is None else column.as_json(row[column.name])
                profile.pop(column.name, None)
                if value is not None:
                    profile[column.name] = value

    def suffer(self, mishap: tuple[str, Any] | None) -> None:
        """Let it happen, before the run that has to come out right."""
        kind, value = mishap or (None, None)
        self.suffered.add(kind)
        if kind == "killed":
            with killed_at(value):
                self.project.dbt_code("run", "--select", "users")
        elif kind == "flag":
            self.project.run(value)
        elif kind == "forgotten" and self.expected:
            arguments = {"sync": "users"} if value else {"sync": "users", "attributes": ["name", "tags"]}
            self.project.dbt("run-operation", "braze_reemit", "--args", json.dumps(arguments))
        elif kind == "deleted":
            requests = self.project.sql("select count(*) from crm.requests")[0][0]
            for user in sorted(value):
                self.project.sql("insert into crm.requests values (?, ?)", [user, f"request {requests}"])
                self.expected.pop((user,), None)
            self.project.run("--select", "gone")
        elif kind == "pruned" and self.readers[0].newest:
            self.prune()

    def prune(self) -> None:
        """Let a long time go by, and prune what Braze has read; both readers have."""
        known = (row for reader in self.readers for row in reader.read)
        for row in {id(row): row for row in [*self.pruned, *known]}.values():
            row["UPDATED_AT"] -= LONG
        for reader in self.readers:
            reader.newest = reader.newest and reader.newest - LONG
        for table, column in (
            *((log, "UPDATED_AT") for log in self.logs()),
            *((f"{log}_checkpoint", name) for log in self.logs() for name in ("updated_at", "forgotten_at")),
        ):
            self.project.sql(f"update {table} set {column} = {column} - interval {LONG.days} days")
        before = log_rows(self.project, "users", EXTERNAL_ID)
        newest = max(row["UPDATED_AT"] for row in before)
        arguments = {"sync": "users", "keep_days": 1, "cdi_read_up_to": str(newest)}
        self.project.dbt("run-operation", "braze_prune", "--args", json.dumps(arguments))
        kept = {row["braze_batch"] for row in log_rows(self.project, "users", EXTERNAL_ID)}
        assert kept == {before[-1]["braze_batch"]}
        self.pruned += [row for row in before if row["braze_batch"] not in kept]

    def logs(self) -> list[str]:
        """The logs that have been written so far."""
        known = {name for (name,) in self.project.sql("select table_name from duckdb_tables()")}
        return [name for name in ("users", "gone") if name in known]

    def deletions(self) -> list[dict[str, Any]]:
        """The rows of the log of deletes."""
        if "gone" not in self.logs():
            return []
        rows = self.project.sql("select UPDATED_AT, EXTERNAL_ID from gone")
        return [dict(zip(("UPDATED_AT", "EXTERNAL_ID"), row, strict=True)) for row in rows]

    def check(self) -> None:
        """The log keeps every promise, and whoever reads it by its stamps has the same."""
        kept = log_rows(self.project, "users", EXTERNAL_ID)
        rows, deletions = [*self.pruned, *kept], self.deletions()
        expected = {user: profile for user, profile in self.expected.items() if profile}
        for read in (rows, *(reader.visit(kept) for reader in self.readers)):
            in_order = sorted([*read, *deletions], key=lambda row: row["UPDATED_AT"])
            held = {user: profile for user, profile in replay(in_order, EXTERNAL_ID).items() if profile}
            assert held == expected
        assert len({(row["braze_batch"], row["EXTERNAL_ID"]) for row in rows}) == len(rows)
        batches = [
            [row for row in rows if row["braze_batch"] == batch]
            for batch in dict.fromkeys(row["braze_batch"] for row in rows)
        ]
        newest = None
        for batch in batches:
            stamps = sorted(row["UPDATED_AT"] for row in batch)
            assert newest is None or stamps[0] > newest
            assert stamps.count(stamps[-1]) == 1
            newest = stamps[-1]
        assert newest is None or newest <= datetime.now(UTC).replace(tzinfo=None) + timedelta(0)


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    """A folder that holds one project per example."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_replaying_the_log_gives_the_source(folders: Path, thorough: bool) -> None:
    suffered: set[str | None] = set()

    @settings(
        max_examples=40 if thorough else 5,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(history=histories())
    def holds(history: list[History]) -> None:
        folder = folders / str(len(list(folders.iterdir())))
        folder.mkdir()
        run = Replayed(folder)
        for rows, columns, mishap in history:
            run.run(rows, columns, mishap)
            run.check()
        written = run.project.sql("select count(*) from users")
        run.project.run()
        assert run.project.sql("select count(*) from users") == written
        suffered.update(run.suffered)

    holds()
    assert suffered >= {"deleted", "killed", "pruned", "forgotten", "flag"}
