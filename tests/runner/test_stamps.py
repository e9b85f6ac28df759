"""Tables that somebody made by hand, without the package's bookkeeping columns, against the local Braze."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import World

from braze_runner.errors import ConfigError
from braze_runner.plan.newest import fold_for

OBJECT = '{"name":"seen"}'


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def sent(hand: World, **settings: Any) -> tuple[int, int]:
    counts = hand.push(**settings).counts
    return counts.rows_read, counts.rows_sent


def test_first_everything_then_what_is_newer(hand: World) -> None:
    hand.by_hand("attributes", ("2026-01-01", "a", {"x": 1}), ("2026-01-02", "b", {"x": 1}))
    assert sent(hand) == (2, 2)
    assert sent(hand) == (0, 0)
    hand.by_hand("attributes", ("2026-01-03", "a", {"y": 2}), ("2026-01-01 12:00:00", "late", {"x": 1}))
    assert sent(hand) == (1, 1)
    assert hand.profiles() == {"a": {"x": 1, "y": 2}, "b": {"x": 1}}
    assert sent(hand) == (0, 0)


def test_more_rows_of_the_newest_stamp_bring_all_of_it_again(hand: World) -> None:
    hand.by_hand("attributes", ("2026-01-01", "a", {"x": 1}), ("2026-01-02", "b", {"x": 1}))
    sent(hand)
    hand.by_hand("attributes", ("2026-01-02", "c", {"x": 1}))
    assert sent(hand) == (2, 2)
    assert sent(hand) == (0, 0)
    hand.by_hand("attributes", ("2026-01-02", "d", {"x": 1}), ("2026-01-03", "a", {"x": 2}))
    assert sent(hand) == (4, 4)
    assert sent(hand) == (0, 0)
    assert hand.profiles() == {"a": {"x": 2}, "b": {"x": 1}, "c": {"x": 1}, "d": {"x": 1}}


def test_a_table_of_one_row_per_user_that_is_changed_in_place(hand: World) -> None:
    hand.by_hand("attributes", ("2026-01-01", "a", {"x": 1}), ("2026-01-01", "b", {"x": 1}))
    sent(hand)
    hand.query(
        "update braze.attributes set updated_at = timestamp '2026-01-02', payload = '{\"x\":2}' where external_id = 'a'"
    )
    assert sent(hand) == (1, 1)
    assert hand.profiles() == {"a": {"x": 2}, "b": {"x": 1}}


def test_stamps_that_are_finer_than_microseconds(hand: World) -> None:
    """As in the timestamp_ntz(9) of Cloud Data Ingestion on Snowflake: the newest row is not left for later."""
    hand.query(
        'create table braze.attributes ("UPDATED_AT" timestamp_ns, "EXTERNAL_ID" varchar, "PAYLOAD" varchar)'
    )
    insert = "insert into braze.attributes values ('2026-01-01 00:00:00.1234561{}', '{}', '{{\"x\":1}}')"
    hand.query(insert.format("00", "a"))
    assert sent(hand) == (1, 1)
    assert sent(hand) == (0, 0)
    hand.query(insert.format("01", "b"))
    assert sent(hand) == (2, 2)
    assert sent(hand) == (0, 0)
    assert hand.profiles() == {"a": {"x": 1}, "b": {"x": 1}}


def test_a_stamp_that_has_no_next(hand: World) -> None:
    hand.by_hand("attributes", ("9999-12-31 23:59:59.999999", "a", {"x": 1}))
    assert sent(hand) == (1, 1)
    assert sent(hand) == (0, 0)


def test_events_without_a_time_have_that_of_their_row(hand: World) -> None:
    hand.by_hand("events", ("2026-01-02 03:04:05.678901", "a", {"name": "seen"}))
    hand.by_hand("purchases", ("2026-01-03", "a", {"product_id": "p", "currency": "USD", "price": 1}))
    assert sent(hand) == (2, 2)
    [(event,)] = hand.braze.query("select time from custom_events")
    [(purchase,)] = hand.braze.query("select time from purchases")
    assert event.startswith("2026-01-02T03:04:05.678")
    assert purchase.startswith("2026-01-03T00:00:00")


def test_what_can_t_be_pushed_by_stamp(hand: World) -> None:
    hand.by_hand("attributes", (None, "a", {"x": 1}))
    with pytest.raises(ConfigError, match="Model attributes: rows without UPDATED_AT"):
        hand.push()
    hand.query("drop table braze.attributes")
    hand.query('create table braze.attributes ("EXTERNAL_ID" varchar, "PAYLOAD" varchar)')
    with pytest.raises(ConfigError, match="Model attributes: its table has no column updated_at"):
        hand.push()
    hand.query("drop table braze.attributes")
    hand.query('create table braze.aliases ("UPDATED_AT" timestamp, "PAYLOAD" varchar)')
    with pytest.raises(ConfigError, match="Model aliases: aliases are pushed from a table with braze_batch"):
        hand.push()


def test_columns_of_identifiers_may_be_missing_and_rows_without_one_are_rejected(hand: World) -> None:
    rows = [("2026-01-01", None, {"x": place}) for place in range(3)]
    hand.by_hand("attributes", *rows, ("2026-01-01", "a", {"x": 1}))
    summary = hand.push()
    assert (summary.counts.rows_read, summary.counts.rows_rejected) == (4, 3)
    # Each of them is there, though all have one stamp.
    assert hand.reasons() == Counter(no_identifier=3)
    assert hand.profiles() == {"a": {"x": 1}}


@pytest.mark.parametrize("most", [1, 2_048])
def test_rows_of_one_user_become_one_with_the_newest_values(
    hand: World, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Requests may overtake each other here, so two objects of one user could come in any order (R2)."""
    monkeypatch.setattr("braze_runner.engine.reader.ARROW_ROWS", most)
    hand.restart(lag=0.3)
    chance = random.Random(1)  # noqa: S311 (no secret)
    expected: dict[str, dict[str, int]] = {}
    rows = []
    for second in range(300):
        name, payload = f"user-{chance.randrange(40)}", {chance.choice("xyz"): second}
        expected.setdefault(name, {}).update(payload)
        rows.append((f"2026-01-01 00:{second // 60:02}:{second % 60:02}", name, payload))
    chance.shuffle(rows)
    hand.by_hand("attributes", *rows)
    assert sent(hand, workers=8) == (len(expected), len(expected))
    assert hand.profiles() == expected
    assert hand.push().counts.rows_read == 0


def test_operators_of_one_user_keep_their_order(hand: World) -> None:
    """They can't be made one: they are sent in one request, and where that is full, after the gap."""
    hand.restart(lag=0.2)
    rows = [
        (
            f"2026-01-01 00:{n // 60:02}:{n % 60:02}",
            "a",
            {"l": {("remove" if n % 2 else "add"): [f"v{n // 2}"]}},
        )
        for n in range(161)
    ]
    hand.by_hand("attributes", *rows)
    assert sent(hand, order_gap=0.3, workers=8) == (161, 161)
    assert hand.profiles() == {"a": {"l": ["v80"]}}


def test_items_states_and_deletions_go_as_the_newest_row_says(hand: World) -> None:
    hand.restart(lag=0.2)
    hand.query(
        'create table braze.items ("UPDATED_AT" timestamp, "ID" varchar, "PAYLOAD" varchar, "DELETED" boolean)'
    )
    hand.query(
        "insert into braze.items values ('2026-01-01', 'r1', '{\"stars\":1}', false), "
        "('2026-01-02', 'r1', '{}', true), ('2026-01-01', 'r2', '{}', true), "
        "('2026-01-02', 'r2', '{\"stars\":2}', false)"
    )
    hand.by_hand(
        "attributes",
        ("2026-01-01", "gone", {"x": 1}),
        ("2026-01-01", "back", {"x": 1}),
        ("2026-01-03", "back", {"x": 3}),
    )
    hand.query('create table braze.deletes ("UPDATED_AT" timestamp, "EXTERNAL_ID" varchar)')
    hand.query("insert into braze.deletes values ('2026-01-02', 'gone'), ('2026-01-02', 'back')")
    summary = hand.push(order_gap=0.3)
    assert summary.counts.rows_rejected == 1
    assert hand.reasons() == Counter(user_returned=1)
    assert hand.profiles() == {"back": {"x": 3}}
    assert hand.braze.items() == {"r2": {"stars": 2}}


def test_what_was_begun_is_finished_before_what_came_meanwhile(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in the middle: nobody is passed over, whether or not rows came in between."""
    hand.by_hand("attributes", *(("2026-01-01", f"user-{n}", {"x": 1}) for n in range(600)))
    monkeypatch.setattr("braze_runner.engine.pusher._SAVE_SECONDS", 0.0)
    hand.die_after(requests=4)
    with pytest.raises(KeyboardInterrupt):
        hand.push(workers=1)
    hand.live()
    left = 600 - len(hand.profiles())
    assert 0 < left < 600
    hand.by_hand(
        "attributes",
        *(("2026-01-02", f"user-{n}", {"x": 2}) for n in range(300, 600)),
        ("2026-01-01", "more", {"x": 1}),
    )
    hand.push(workers=1)
    hand.push()
    assert hand.profiles() == {f"user-{n}": {"x": 1 + (n >= 300)} for n in range(600)} | {"more": {"x": 1}}
    assert sent(hand) == (0, 0)


def test_events_of_one_stamp_after_a_stop_arrive_once(hand: World) -> None:
    """Which of them were sent is known row by row, though they share a stamp."""
    hand.by_hand(
        "events",
        *(("2026-01-01", f"user-{n}", {"name": "seen", "properties": {"event": str(n)}}) for n in range(500)),
    )
    hand.stop_after(requests=3)
    first = hand.push(workers=2)
    assert 0 < first.counts.rows_sent < 500
    hand.live()
    second = hand.push()
    assert first.counts.rows_sent + second.counts.rows_sent == 500
    assert hand.braze.events() == Counter(str(n) for n in range(500))
    assert second.counts.rows_unknown == 0


def test_the_cap_moves_on_from_run_to_run(hand: World) -> None:
    hand.by_hand("attributes", *((f"2026-01-0{1 + n % 3}", f"user-{n % 50}", {"x": n}) for n in range(150)))
    for run in range(1, 6):
        assert hand.push(max_data_points=10).counts.data_points == 10
        assert len(hand.profiles()) == 10 * run
    assert sent(hand) == (0, 0)


VALUES = st.one_of(
    st.integers(0, 9),
    st.none(),
    st.lists(st.integers(0, 3), max_size=2),
    st.just({"add": [1]}),
    st.just({"k": 1}),
)
PAYLOADS = st.one_of(
    st.just("no json"), st.none(), st.dictionaries(st.sampled_from("abé"), VALUES, min_size=1).map(json.dumps)
)


@given(st.lists(PAYLOADS, min_size=1, max_size=8))
@settings(deadline=None)
def test_merging_is_what_one_after_the_other_would_be(payloads: list[str | None]) -> None:
    fold = fold_for("attributes")
    assert fold is not None
    given_bytes = [None if each is None else each.encode() for each in payloads]
    folded = fold(given_bytes)
    places = [place for place, _ in folded]
    assert places == sorted(set(places))
    assert places[-1] == len(payloads) - 1
    assert applied([each for _, each in folded]) == applied(given_bytes)
    assert fold([each for _, each in folded]) == list(enumerate(each for _, each in folded))


def applied(payloads: list[bytes | None]) -> list[Any]:
    """Return the history of each key, in which what is only set counts once."""
    history: dict[str, list[Any]] = {}
    invalid = 0
    for payload in payloads:
        try:
            parsed = json.loads(payload or b"-")
        except json.JSONDecodeError:
            invalid += 1
            continue
        for key, value in parsed.items():
            if not isinstance(value, dict):
                history[key] = []
            history.setdefault(key, []).append(value)
    return [invalid, history]


@pytest.mark.parametrize(
    "payloads",
    [
        # A state is that of the address beside it.
        ['{"email":"a@shop.example","email_subscribe":"unsubscribed"}', '{"email":"b@shop.example"}'],
        ['{"a":1,"_merge_objects":true}', '{"a":2}'],
        # Together they would be over Braze's limits.
        [
            json.dumps({f"first_{n}": n for n in range(150)}),
            json.dumps({f"second_{n}": n for n in range(101)}),
        ],
        [json.dumps({"a": "x" * 600_000}), json.dumps({"b": "x" * 400_000})],
    ],
)
def test_what_must_not_be_made_one_row(payloads: list[str]) -> None:
    fold = fold_for("attributes")
    assert fold is not None
    assert fold([each.encode() for each in payloads]) == [
        (0, payloads[0].encode()),
        (1, payloads[1].encode()),
    ]
