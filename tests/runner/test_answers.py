"""What each answer of Braze means for the rows of a request."""

from typing import Any

import pytest
from client_helpers import Scripted, answer, error, events, refused, row_of, send, success

from braze_runner.client import TransportError
from braze_runner.plan import Row
from braze_runner.plan import endpoints as known
from braze_runner.plan.endpoints import Endpoint, Envelope


def rows_to(endpoint: Endpoint, count: int = 3, array: bytes | None = None) -> list[Row]:
    envelope = Envelope(endpoint, endpoint.path)
    return [row_of(n, array or (endpoint.arrays or (b"items",))[0], envelope=envelope) for n in range(count)]


def mixed() -> list[Row]:
    """Rows as attributes, events and purchases of one request, not in that order."""
    arrays = (b"events", b"attributes", b"attributes", b"purchases", b"events", b"attributes")
    return [row_of(n, array, repeatable=array == b"attributes") for n, array in enumerate(arrays)]


def test_all_accepted() -> None:
    outcome = send(Scripted())
    assert (list(outcome.sent), outcome.requests, outcome.retries) == ([0, 1, 2, 3], 1, 0)


def test_errors_go_by_array_and_index() -> None:
    """[O] The shape {type, input_array, index}; an index may appear more than once (POST /users/track)."""
    errors = [
        error(1, "attributes", "a"),
        error(1, "events", "b"),
        error(0, "purchases", "c"),
        error(1, "events", "d"),
    ]
    outcome = send(Scripted(success(errors)), mixed())
    assert refused(outcome) == {
        2: ("braze_rejected", "a", 201),
        4: ("braze_rejected", "b", 201),
        3: ("braze_rejected", "c", 201),
    }
    assert (sorted(outcome.sent), outcome.requests) == ([0, 1, 5], 1)


@pytest.mark.parametrize("endpoint", [known.ALIAS_NEW, known.IDENTIFY])
def test_errors_that_name_another_list_than_the_request(endpoint: Endpoint) -> None:
    """[O] alias/new answers with input_array user_identifiers."""
    outcome = send(Scripted(success([error(1, "user_identifiers", "bad alias")])), rows_to(endpoint))
    assert refused(outcome) == {1: ("braze_rejected", "bad alias", 201)}
    assert sorted(outcome.sent) == [0, 2]


def test_errors_of_several_lists_under_another_name_are_not_guessed() -> None:
    rows = [
        row._replace(array=known.IDENTIFY.arrays[place % 2])
        for place, row in enumerate(rows_to(known.IDENTIFY, 4))
    ]

    def judge(names: list[str]) -> Any:
        return success([error(0, "user_identifiers", "no")]) if "c3" in names else None

    outcome = send(Scripted(judge=judge), rows)
    assert list(outcome.rejects) == [3]
    assert sorted(outcome.sent) == [0, 1, 2]


@pytest.mark.parametrize(
    ("endpoint", "name"), [(known.RENAME, "rename_errors"), (known.REMOVE, "removal_errors")]
)
@pytest.mark.parametrize("pair", [[1, "in use"], ["in use", 1], [[1], "in use"]])
def test_errors_in_pairs(endpoint: Endpoint, name: str, pair: list[Any]) -> None:
    """Documented as arrays that carry the index; the layout is not."""
    rows = rows_to(endpoint)
    outcome = send(Scripted(answer(201, {"message": "success", name: [pair]})), rows)
    if isinstance(pair[0], list):
        assert (outcome.rejects, outcome.requests > 1) == ({}, True)
    else:
        assert refused(outcome) == {1: ("braze_rejected", "in use", 201)}
        assert sorted(outcome.sent) == [0, 2]


UNMAPPED: list[Any] = [
    [error(4)],
    [error(-1)],
    [error(None)],
    [error(True)],
    [error("0")],
    [error(0.0)],
    [error(0, "events")],
    [error(0, None)],
    [error(0, ["attributes"])],
    ["text"],
    [[0, "text"]],
    [5],
    [None],
    [{}],
    {"type": "x"},
    "text",
    17,
]


@pytest.mark.parametrize("errors", UNMAPPED)
def test_errors_that_name_no_row_are_halved_down_to_it(errors: Any) -> None:
    def judge(names: list[str]) -> Any:
        return answer(201, {"message": "success", "errors": errors}) if "c2" in names else None

    outcome = send(Scripted(judge=judge), 4)
    assert list(outcome.rejects) == [2]
    assert outcome.rejects[2].reason in ("braze_refused", "braze_rejected")
    assert outcome.rejects[2].message
    assert sorted(outcome.sent) == [0, 1, 3]


@pytest.mark.parametrize("errors", UNMAPPED)
def test_events_behind_such_errors_are_unknown(errors: Any) -> None:
    if errors == [error(0, "events")]:
        errors = [error(0, "attributes")]
    transport = Scripted(answer(201, {"message": "success", "errors": errors}))
    outcome = send(transport, events(4))
    assert (outcome.unknown, outcome.requests, outcome.error) == ([0, 1, 2, 3], 1, None)


def test_of_mixed_objects_only_those_that_count_are_unknown() -> None:
    transport = Scripted(success(["no index"]))
    outcome = send(transport, mixed())
    assert sorted(outcome.unknown) == [0, 3, 4]
    assert sorted(outcome.sent) == [1, 2, 5]
    assert transport.sent[1:] == [["c1", "c2", "c5"]]


def test_an_error_beside_one_that_names_a_row_blames_nobody_else() -> None:
    """Of two rows one is named; the other error may be about the same one, so the other row is asked again alone."""
    transport = Scripted(success([error(0), "more"]))
    outcome = send(transport, 2)
    assert (list(outcome.sent), list(outcome.rejects)) == ([1], [0])
    transport = Scripted(success([error(0, "events"), "more"]))
    outcome = send(transport, events(2))
    assert (outcome.unknown, list(outcome.rejects), outcome.requests) == ([1], [0], 1)


def test_the_policy_resend_halves_events_too_and_counts_them() -> None:
    def judge(names: list[str]) -> Any:
        return success(["no index"]) if "c2" in names else None

    transport = Scripted(judge=judge)
    outcome = send(transport, events(4), resend_unknown=True)
    assert (sorted(outcome.sent), list(outcome.rejects), outcome.unknown) == ([0, 1, 3], [2], [])
    assert transport.sent == [["c0", "c1", "c2", "c3"], ["c0", "c1"], ["c2", "c3"], ["c2"], ["c3"]]
    assert sorted(outcome.resent) == [0, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("endpoint", [known.DELETE, known.MERGE, known.ALIAS_UPDATE, known.SUBSCRIPTION])
def test_undocumented_errors_beside_a_success_are_not_passed_over(endpoint: Endpoint) -> None:
    def judge(names: list[str]) -> Any:
        return success([{"message": "not this one"}], 202) if "c1" in names else None

    outcome = send(Scripted(judge=judge), rows_to(endpoint))
    assert refused(outcome) == {1: ("braze_refused", "not this one", 202)}
    assert sorted(outcome.sent) == [0, 2]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"message":"succ', b'{"message":"\xff"}'])
def test_a_success_that_can_t_be_read(status: int, body: bytes) -> None:
    outcome = send(Scripted(answer(status, body)))
    assert (sorted(outcome.sent), outcome.requests, outcome.retries) == ([0, 1, 2, 3], 2, 1)
    outcome = send(Scripted(*[answer(status, body)] * 3))
    assert (outcome.held, str(outcome.error)) == (
        [0, 1, 2, 3],
        f"Braze gave no usable answer in 3 tries: status {status} with a body that can't be read.",
    )
    outcome = send(Scripted(answer(status, body)), events(4))
    assert (outcome.unknown, outcome.requests) == ([0, 1, 2, 3], 1)


ALL_INVALID = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."


def test_400_that_names_every_row() -> None:
    """[O] All objects are invalid."""
    body = {"message": ALL_INVALID, "errors": [error(n) for n in range(4)]}
    outcome = send(Scripted(answer(400, body)))
    assert refused(outcome) == dict.fromkeys(range(4), ("braze_rejected", "bad", 400))
    assert outcome.requests == 1


def test_400_that_names_some_rows_sends_the_others_again() -> None:
    transport = Scripted(answer(400, {"message": "x", "errors": [error(2)]}))
    outcome = send(transport)
    assert refused(outcome) == {2: ("braze_rejected", "bad", 400)}
    assert transport.sent[1:] == [["c0", "c1", "c3"]]
    transport = Scripted(answer(400, {"message": "x", "errors": [error(2, "events")]}))
    outcome = send(transport, events(4))
    assert (sorted(outcome.sent), outcome.resent, outcome.unknown) == ([0, 1, 3], [], [])


def test_400_of_catalogs_names_its_codes() -> None:
    body = {
        "message": "Invalid Request",
        "errors": [{"id": "ids-too-large", "message": "…", "parameters": ["id"]}],
    }

    def judge(names: list[str]) -> Any:
        return answer(400, body) if "c1" in names else None

    outcome = send(Scripted(judge=judge), rows_to(known.CATALOG_UPSERT))
    assert refused(outcome) == {1: ("braze_refused", "ids-too-large", 400)}


@pytest.mark.parametrize("make", [lambda count: [row_of(n) for n in range(count)], events])
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b'{"message":"bad JSON"}', ("braze_refused", "bad JSON")),
        (400, b"{}", ("braze_refused", "Braze answered 400 without a message.")),
        (400, b'{"message":null}', ("braze_refused", "Braze answered 400 without a message.")),
        (413, b"<html>", ("too_large_for_braze", "Braze answered 413 without a message.")),
        (413, b'{"message":"too big"}', ("too_large_for_braze", "too big")),
    ],
)
@pytest.mark.parametrize("poison", [{0}, {37}, {74}, {3, 4, 70}])
def test_poison_is_found_by_halving(
    make: Any, poison: set[int], status: int, body: bytes, expected: tuple[str, str]
) -> None:
    def judge(names: list[str]) -> Any:
        return answer(status, body) if poison & {int(name[1:]) for name in names} else None

    transport = Scripted(judge=judge)
    outcome = send(transport, make(75))
    assert refused(outcome) == dict.fromkeys(poison, (*expected, status))
    assert (len(outcome.sent), outcome.resent, outcome.retries) == (75 - len(poison), [], 0)
    assert len(transport.sent) <= 15 * len(poison)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (301, "redirects (301)"),
        (302, "redirects (302)"),
        (401, "does not know the API key"),
        (402, "status 402"),
        (403, "permission users.track"),
        (404, "does not know this address"),
        (415, "content type"),
        (422, "status 422"),
    ],
)
@pytest.mark.parametrize("make", [lambda count: [row_of(n) for n in range(count)], events])
def test_what_ends_the_run_holds_everything(make: Any, status: int, sentence: str) -> None:
    outcome = send(Scripted(answer(status, {"message": "secret"})), make(4))
    assert (outcome.held, outcome.unknown, outcome.requests) == ([0, 1, 2, 3], [], 1)
    assert sentence in str(outcome.error)
    assert "secret" not in str(outcome.error)


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [(known.CATALOG_UPSERT, "check that the catalog exists"), (known.TRACK_BULK, "limited beta")],
)
def test_404_says_what_is_missing(endpoint: Endpoint, sentence: str) -> None:
    assert sentence in str(send(Scripted(answer(404)), rows_to(endpoint)).error)


@pytest.mark.parametrize(
    ("trouble", "is_sure"),
    [
        (answer(500), True),
        (answer(503, b"<html>"), True),
        (answer(408), True),
        (answer(400, b"<html>"), True),
        (answer(400), True),
        (answer(400, b"[1]"), True),
        (answer(521), True),
        (TransportError("nobody listens there", maybe_received=False), True),
        (answer(501), False),
        (answer(502), False),
        (answer(504, b'{"message":"x"}'), False),
        (answer(520, b"<html>"), False),
        (answer(522), False),
        (answer(524), False),
        (answer(599), False),
        (TransportError("it took too long"), False),
    ],
)
def test_trouble_that_passes(trouble: Any, is_sure: bool) -> None:
    outcome = send(Scripted(trouble, trouble))
    assert (sorted(outcome.sent), outcome.retries, outcome.resent) == ([0, 1, 2, 3], 2, [])
    outcome = send(Scripted(*[trouble] * 3))
    assert (outcome.held, outcome.requests) == ([0, 1, 2, 3], 3)
    assert "no usable answer in 3 tries" in str(outcome.error)
    hint = "). Check BRAZE_REST_ENDPOINT, and the network."
    assert str(outcome.error).endswith(hint) is isinstance(trouble, TransportError)
    # What counts each time it arrives is sent again only after an answer that says it did not arrive.
    outcome = send(Scripted(trouble), events(4))
    if is_sure:
        assert (sorted(outcome.sent), outcome.resent, outcome.requests) == ([0, 1, 2, 3], [], 2)
        assert send(Scripted(*[trouble] * 3), events(4)).held == [0, 1, 2, 3]
    else:
        assert (outcome.unknown, outcome.error, outcome.requests) == ([0, 1, 2, 3], None, 1)
    outcome = send(Scripted(trouble, trouble), events(4), resend_unknown=True)
    assert sorted(outcome.sent) == [0, 1, 2, 3]
    assert sorted(outcome.resent) == ([] if is_sure else [0, 0, 1, 1, 2, 2, 3, 3])
    outcome = send(Scripted(*[trouble] * 3), events(4), resend_unknown=True)
    assert (outcome.held, outcome.unknown) == (([0, 1, 2, 3], []) if is_sure else ([], [0, 1, 2, 3]))
