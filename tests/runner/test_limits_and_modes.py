"""How much goes into a request, what ends a run early, and what is refused unless told so."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client_helpers import Clock, answer
from push_helpers import Shop, error, success, user
from world import World

from braze_runner.client import Answer, TransportError
from braze_runner.client.api import Api
from braze_runner.engine.catalogs import make_catalogs
from braze_runner.engine.deletions import DeletionGuard
from braze_runner.engine.observer import Silent
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.project import Location, Sync


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def users(count: int) -> list[tuple[str, str, dict[str, Any]]]:
    return [("2026-01-01", user(number), {"x": 1}) for number in range(count)]


def events(count: int, of: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return so many events of so many users, by hand: a log's keys here are users."""
    event = {"name": "seen", "time": "2026-01-01T00:00:00Z"}
    return [
        ("2026-01-01", user(number % of), event | {"properties": {"event": str(number)}})
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("limit", "requests", "most"), [("total", 8, 75), ("per-array", 7, 150), ("bulk", 3, 1_000)]
)
def test_objects_in_a_request(shop: Shop, limit: Any, requests: int, most: int) -> None:
    """300 users and 300 events of three of them: 75 in all, 75 in each array, or 1,000 with 100 of a user."""
    shop.write_manifest({"sync": "attributes"}, events={"sync": "events"})
    shop.add_users(300)
    payload = '{"name":"seen","time":"2026-01-01T00:00:00Z"}'
    shop.query(
        "create table braze.events as select * replace ("
        f'\'{payload}\' as "PAYLOAD", \'customer-\' || (substr("EXTERNAL_ID", 10)::int % 3) as "EXTERNAL_ID") '
        "from braze.users_attributes_sync"
    )
    summary = shop.push(track_limit=limit)
    assert summary.counts.rows_sent == 600
    bodies = [json.loads(raw) for raw in shop.braze.raw]
    sizes = [sum(map(len, body.values())) for body in bodies]
    assert (len(bodies) <= requests, max(sizes)) == (True, min(most, max(sizes)))
    arrays = [len(array) for body in bodies for array in body.values()]
    of_users = [
        Counter(each["external_id"] for array in body.values() for each in array).most_common(1)[0][1]
        for body in bodies
    ]
    if limit == "bulk":
        assert max(of_users) <= 100
        assert max(sizes) > 75
    else:
        assert max(arrays) == 75
    paths = {"total": "/users/track", "per-array": "/users/track", "bulk": "/users/track/bulk"}
    assert set(shop.braze.paths) == {paths[limit]}


@pytest.mark.parametrize(
    ("limit", "options"), [("per-array", {"track_limit": "per-array"}), ("bulk", {"track_bulk": True})]
)
def test_the_local_braze_takes_such_requests(tmp_path: Path, limit: Any, options: dict[str, Any]) -> None:
    with World(tmp_path, **options) as world:
        world.log("attributes", "run-1", *users(300))
        world.by_hand("events", *events(450, of=2))
        assert world.push(track_limit=limit).counts.rows_rejected == 0
        assert world.braze.events() == {str(number): 1 for number in range(450)}
        assert len(world.profiles()) == 300


def test_a_bulk_request_holds_2_mb(shop: Shop) -> None:
    shop.add([(user(number), json.dumps({"text": "x" * 5_000})) for number in range(900)])
    shop.push(track_limit="bulk")
    assert max(map(len, shop.braze.raw)) <= 2_000_000
    assert len(shop.braze.raw) == 3


def test_where_everything_is_rejected_the_run_stops_early(shop: Shop) -> None:
    shop.add_users(6_000)
    shop.braze.script = lambda _, body: success(
        0,
        [
            error(index, f"EMAIL_BAD_FORMAT: {each['external_id']}")
            for index, each in enumerate(body["attributes"])
        ],
    )
    summary = shop.push()
    assert summary.exit_code == 3
    assert "Braze took none of" in (summary.error or "")
    # With Braze's reason, and without a value that it may quote.
    assert "EMAIL_BAD_FORMAT: …" in (summary.error or "")
    assert 1_000 <= summary.counts.rows_rejected < 3_000
    shop.braze.script = lambda *_: None
    rest = shop.push()
    assert summary.counts.rows_rejected + rest.counts.rows_sent == 6_000


def test_rejects_among_rows_that_are_accepted_stop_nothing(shop: Shop) -> None:
    """However many there are: what works for others is no reason to end the run."""
    shop.add_users(3_000)
    shop.braze.script = lambda _, body: success(
        1, [error(index) for index in range(len(body["attributes"]) - 1)]
    )
    counts = shop.push().counts
    assert (counts.rows_sent, counts.rows_rejected) == (40, 2_960)


def test_where_nothing_is_answered_the_run_stops_early(shop: Shop) -> None:
    shop.add_users(6_000)
    shop.braze.script = lambda *_: (500, {}, b"")
    summary = shop.push()
    assert summary.exit_code == 3
    assert "Braze gave no usable answer in 3 tries: status 500" in (summary.error or "")
    # Three tries of what four workers had got, of 80 requests.
    assert len(shop.braze.raw) <= 3 * 2 * 4
    assert (summary.counts.rows_sent, summary.counts.rows_rejected) == (0, 0)


@pytest.mark.parametrize(
    ("users_known", "deletions", "told", "sentence"),
    [
        (0, 1_001, {"most": 1_001}, "holds 1,001 deletions and a run may do 1,000"),
        (400, 101, {"share": 0.5}, "holds deletions of 101 of 400 known users, more than 10%"),
    ],
)
def test_many_deletions_are_refused_unless_told_so(
    world: World, users_known: int, deletions: int, told: dict[str, Any], sentence: str
) -> None:
    world.log("attributes", "run-1", *users(users_known or 1))
    world.log("deletes", "run-2", *(("2026-01-02", user(number), "") for number in range(deletions)))
    guarded = DeletionGuard(share=0.1 if users_known else 1.0)
    first = world.push(guard=guarded)
    assert sentence in " ".join(first.notes)
    assert (first.exit_code, first.counts.rows_held) == (1, deletions)
    assert len(world.profiles()) == (users_known or 1)
    second = world.push(guard=DeletionGuard(**{"share": 1.0} | told))
    assert (second.exit_code, second.counts.rows_sent) == (0, deletions)
    assert len(world.profiles()) == max(0, users_known - deletions)


def test_few_deletions_need_no_word(world: World) -> None:
    world.log("attributes", "run-1", *users(100))
    world.log("deletes", "run-2", *(("2026-01-02", user(number), "") for number in range(100)))
    assert world.push().exit_code == 0
    assert world.profiles() == {}


@pytest.mark.parametrize(
    ("of_model", "of_run", "stops"), [("stop", None, True), (None, "stop", True), ("stop", "reject", False)]
)
def test_what_becomes_of_invalid_rows_is_said_by_the_model_or_the_run(
    shop: Shop, of_model: str | None, of_run: Any, stops: bool
) -> None:
    shop.write_manifest({"sync": "attributes"} | ({"on_invalid": of_model} if of_model else {}))
    shop.add([("customer-1", '{"a":1}'), ("customer-2", "no json"), ("customer-3", '{"a":1}')])
    summary = shop.push(on_invalid=of_run)
    assert (summary.exit_code, summary.counts.rows_rejected) == ((3, 0) if stops else (1, 1))
    assert shop.push(on_invalid="reject").counts.rows_rejected == (1 if stops else 0)
    assert set(shop.braze.users()) == {"customer-1", "customer-3"}


def items(world: World, **meta: Any) -> None:
    world.models = {"items": {"sync": "catalog_items", "catalog": "items"} | meta}
    world.query(
        'create table if not exists braze.items ("UPDATED_AT" timestamp, "ID" varchar, "PAYLOAD" varchar)'
    )
    world.query("insert into braze.items values ('2026-01-01', 'r1', '{\"stars\":1}')")


FIELDS = {"catalog_fields": [{"name": "stars", "type": "number"}]}
ALL = ("catalogs.get", "catalogs.create", "catalogs.replace_items")


def test_a_catalog_is_made_with_the_fields_of_its_model(world: World) -> None:
    items(world, **FIELDS)
    world.push()
    assert world.braze.items() == {"r1": {"stars": 1}}
    world.query("insert into braze.items values ('2026-01-02', 'r1', '{\"stars\":2}')")
    world.push()
    assert world.braze.items() == {"r1": {"stars": 2}}


class LostAnswer:
    """A transport to a Braze that makes a catalog, though no answer to that says so."""

    def __init__(self, present: list[str]) -> None:
        self._present = present
        self.calls: list[str] = []

    def send(self, method: str, path: str, body: bytes | None = None, query: Any = None) -> Answer:
        self.calls.append(f"{method} {path}")
        assert query is None
        if method == "GET":
            return answer(200, {"catalogs": [{"name": name} for name in self._present]})
        [made] = json.loads(body or b"")["catalogs"]
        if made["name"] in self._present:
            return answer(
                400, {"message": "Invalid Request", "errors": [{"id": "catalog-name-already-exists"}]}
            )
        self._present.append(made["name"])
        raise TransportError("it took too long")

    def close(self) -> None:
        """Nothing is open."""


def test_a_catalog_that_is_made_though_the_answer_is_lost() -> None:
    fields = (("stars", "number"),)
    table = Location(None, "braze", "items")
    sync = Sync("model.shop.items", "items", table, "catalog_items", catalog="items", catalog_fields=fields)
    braze = LostAnswer(["others"])
    make_catalogs([sync], Api(braze, Clock()), Silent())
    assert braze.calls == ["GET /catalogs", "POST /catalogs", "POST /catalogs", "GET /catalogs"]


def test_an_unknown_catalog_without_fields(world: World) -> None:
    items(world)
    with pytest.raises(ConfigError, match="Model items: there is no catalog items in Braze"):
        world.push()


def test_a_key_that_may_not_make_catalogs(tmp_path: Path) -> None:
    with World(tmp_path, permissions=("catalogs.get", "catalogs.replace_items")) as world:
        items(world, **FIELDS)
        with pytest.raises(StoppedError, match=r"could not be created.*permission catalogs\.create"):
            world.push()


def test_a_key_that_may_not_list_catalogs(tmp_path: Path) -> None:
    with World(tmp_path, permissions=("catalogs.replace_items",)) as world:
        items(world, **FIELDS)
        summary = world.push()
        assert summary.exit_code == 3
        assert "check that the catalog exists, or declare its fields" in (summary.error or "")
        world.restart(permissions=ALL)
        world.push()
        world.restart(permissions=("catalogs.replace_items",))
        world.query("insert into braze.items values ('2026-01-02', 'r1', '{\"stars\":2}')")
        assert world.push().exit_code == 0
        assert world.braze.items() == {"r1": {"stars": 2}}


def test_what_moves_nothing(world: World) -> None:
    """Neither a dry run nor a limit is progress, and a dry run sends nothing at all."""
    world.log("attributes", "run-1", *users(200))
    assert world.push(dry_run=True).counts.rows_sent == 200
    assert world.profiles() == {}
    summary = world.push(limit=10)
    assert summary.counts.rows_sent == 10
    assert summary.notes == ["With --limit nothing is recorded: what was sent stays pending too."]
    assert len(world.profiles()) == 10
    assert world.query(
        "select count(*) from braze.braze_sync_ledger where entry in ('progress', 'done')"
    ) == [(0,)]
    assert world.push().counts.rows_sent == 200
    assert len(world.profiles()) == 200
    world.by_hand("events", *events(5, of=1))
    with pytest.raises(ConfigError, match="Model events: --limit records nothing"):
        world.push(limit=1)
    assert world.push(dry_run=True).counts.rows_sent == 5
    assert world.braze.events() == {}


def test_a_limit_sends_no_operator(world: World) -> None:
    """Nothing is recorded, so the next run would send it once more."""
    rows = [
        ("2026-01-01", user(number), {"visits": {"inc": 1}} if number % 2 else {"x": 1})
        for number in range(8)
    ]
    world.log("attributes", "run-1", *rows)
    counts = world.push(limit=8).counts
    assert (counts.rows_sent, counts.rows_held) == (4, 4)
    assert world.push().counts.rows_sent == 8
    assert [profile.get("visits") for _, profile in sorted(world.profiles().items())] == [None, 1] * 4
