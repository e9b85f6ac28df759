"""The parts that every warehouse's module is made of: connections, errors without values, Arrow, pieces to insert."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.warehouse.arrow import batches_of_rows, plain_batches
from braze_runner.warehouse.connections import IDLE_SECONDS, Connections
from braze_runner.warehouse.inserts import bytes_of, chunks
from braze_runner.warehouse.names import parts_of, schema_of
from braze_runner.warehouse.refusals import refusal, refusals

NOON = dt.datetime.fromisoformat("2026-01-02T12:00:00.000001")
VALUE = "reader@example.org"


class Handle:
    """A connection that counts how often it was closed, and may fail to."""

    def __init__(self, fails: type[Exception] | None = None) -> None:
        self.closed = 0
        self._fails = fails

    def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise self._fails


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connections(clock: Clock) -> Iterator[Connections]:
    opened = Connections(Handle, now=clock)
    yield opened
    opened.close()


def test_each_thread_has_a_connection_of_its_own(connections: Connections) -> None:
    others: list[Handle] = []
    thread = threading.Thread(target=lambda: others.extend([connections.own(), connections.own()]))
    thread.start()
    thread.join()
    assert others[0] is others[1]
    assert connections.own() is connections.own()
    assert connections.own() is not others[0]
    connections.close()
    assert (others[0].closed, connections.own().closed) == (1, 0)


def test_an_idle_connection_is_replaced(connections: Connections, clock: Clock) -> None:
    first = connections.own()
    clock.seconds += IDLE_SECONDS - 1
    assert connections.own() is first
    clock.seconds += IDLE_SECONDS
    second = connections.own()
    assert (second is first, first.closed, second.closed) == (False, 1, 0)
    with connections.borrowed() as lent:
        pass
    clock.seconds += IDLE_SECONDS
    with connections.borrowed() as next_one:
        assert (next_one is lent, lent.closed) == (False, 1)


def test_a_borrowed_connection_is_lent_again_unless_it_failed(connections: Connections) -> None:
    with connections.borrowed() as first, connections.borrowed() as second:
        assert len({id(first), id(second), id(connections.own())}) == 3
    with connections.borrowed() as again:
        assert again in (first, second)
    with pytest.raises(ValueError, match="broken"), connections.borrowed() as broken:
        raise ValueError("broken")
    assert broken.closed == 1
    with connections.borrowed() as other:
        assert other is not broken


def test_a_connection_that_can_not_be_closed_is_gone_all_the_same() -> None:
    connections = Connections(lambda: Handle(ConnectionError))
    first = connections.own()
    connections.drop_own()
    assert connections.own() is not first
    connections.close()
    assert first.closed == 1


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("Could not convert string 'reader@example.org' to INT64", "Could not convert string '…' to INT64"),
        ('invalid input syntax for type bigint: "reader@example.org"\nCONTEXT: x', None),
        ("Bad int64 value: reader@example.org", "Bad int64 value: …"),
        ("String 'reader@example.org", "String '…'"),
        ('Malformed JSON. Input: "{"email": "reader@example.org"}" at 3', 'Malformed JSON. Input: "…" at 3'),
        ("Cast 'it's \"x\" of reader@example.org' to date", "Cast '…' to date"),
        ('Input: ""reader@example.org""', 'Input: "…"'),
        ("SQL compilation error:\nObject 'SHOP.BRAZE.USERS' does not exist", None),
        ('relation "braze.users" does not exist', 'relation "braze.users" does not exist'),
        ("x" * 1_000, "x" * 300 + "…"),
        ("", "ValueError"),
    ],
)
def test_an_error_names_what_the_statement_names_and_no_value(message: str, sentence: str | None) -> None:
    error = refusal("Shop", ValueError(message), 'select * from "shop"."braze"."users"')
    assert str(error).startswith("Shop refused a statement: ")
    assert VALUE not in str(error)
    assert "\n" not in str(error)
    if sentence:
        assert str(error) == f"Shop refused a statement: {sentence}"
    if "Object" in message:
        assert "SQL compilation error: Object 'SHOP.BRAZE.USERS' does not exist" in str(error)


def test_an_error_names_what_was_tried_until_time_was_up() -> None:
    class RetryError(Exception):
        cause = ConnectionError("refused")

    error = refusal("Shop", RetryError("Timeout of 1.0s exceeded"), "")
    assert str(error) == "Shop refused a statement: Timeout of 1.0s exceeded: refused"


def test_errors_of_the_runner_stay_as_they_are() -> None:
    with pytest.raises(ConfigError, match="wrong"), refusals("Shop", ""):
        raise ConfigError("wrong")
    with pytest.raises(StoppedError, match="refused a statement: gone") as caught, refusals("Shop", ""):
        raise ConnectionError("gone")
    assert caught.value.__suppress_context__


def test_rows_become_batches_of_the_schema() -> None:
    schema = pa.schema({"n": pa.int64(), "words": pa.string(), "at": pa.timestamp("us")})
    zoned = NOON.replace(tzinfo=dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=5)))
    rows = [(1, "a", NOON), (None, None, None), (3, Decimal("1.50"), zoned)]
    batches = list(batches_of_rows(rows, schema, 2))
    assert [batch.num_rows for batch in batches] == [2, 1]
    assert batches[1].to_pylist() == [{"n": 3, "words": "1.50", "at": NOON}]
    assert list(batches_of_rows([], schema, 2)) == []


def test_arrow_of_a_driver_becomes_plain() -> None:
    table = pa.table(
        {
            "words": pa.array(["a", None, "c"], pa.large_string()),
            "at": pa.array([NOON] * 3, pa.timestamp("ns", "America/New_York")),
            "none": pa.nulls(3),
        }
    )
    batches = list(plain_batches(table, 2))
    assert [batch.num_rows for batch in batches] == [2, 1]
    assert batches[0].schema.types == [pa.string(), pa.timestamp("us"), pa.string()]
    assert batches[0]["at"].to_pylist() == [NOON, NOON]
    assert list(plain_batches(table.slice(0, 0), 2)) == []


def test_pieces_to_insert_are_bounded_and_lose_nothing() -> None:
    words = ["a" * size for size in (10, 90, 95, 200, 1, 1, 1, 1)]
    pieces = list(chunks(pa.table({"words": words}), bytes_of, 3, 100))
    assert [[len(word) for (word,) in piece] for piece in pieces] == [[10, 90], [95], [200], [1, 1, 1], [1]]
    assert list(chunks(pa.table({"words": pa.array([], pa.string())}), bytes_of, 3, 100)) == []
    assert bytes_of("é") == 2


@pytest.mark.parametrize(
    ("relation", "texts", "schema"),
    [
        ("DB.braze.users", ["DB", "braze", "users"], "DB.braze"),
        ('DB.braze."a.b""C"', ["DB", "braze", 'a.b"C'], "DB.braze"),
        ('"my db"."S".t', ["my db", "S", "t"], '"my db"."S"'),
        ("`my-project`.`ds`.`t`", ["my-project", "ds", "t"], "`my-project`.`ds`"),
        ("braze.users", ["braze", "users"], "braze"),
    ],
)
def test_a_name_has_parts(relation: str, texts: list[str], schema: str) -> None:
    parts = parts_of(relation)
    assert [part.text for part in parts] == texts
    assert [part.is_quoted for part in parts] == [part.written != part.text for part in parts]
    assert schema_of(relation) == schema
