"""Packing: every row once, in order, within each endpoint's limits."""

import itertools
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_helpers import ENVELOPES, Noted, pack

from braze_runner import limits
from braze_runner.plan import Packer, Request, Row
from braze_runner.plan import endpoints as known
from braze_runner.plan.endpoints import Endpoint, Envelope
from braze_runner.plan.pack import PATIENCE

ENDPOINTS = [
    *known.TRACKS.values(),
    known.DELETE,
    known.ALIAS_NEW,
    known.IDENTIFY,
    known.RENAME,
    known.SUBSCRIPTION,
    known.EMAIL_STATUS,
    known.CATALOG_UPSERT,
    known.CATALOG_DELETE,
]
# Endpoints that leave the name of the list to the row.
LISTS = (b"external_ids", b"user_aliases", b"braze_ids")


def row(number: int, envelope: Envelope, size: int = 40, array: bytes = b"", user: int | None = None) -> Row:
    name = b'"external_id":"%d"' % (number if user is None else user)
    array = array or (envelope.endpoint.arrays or LISTS)[0]
    return Row(f"{number:032x}", name, b"{}", b"x" * size, envelope, array)


def check_limits(request: Request[Noted]) -> None:
    endpoint = request.envelope.endpoint
    arrays, users = (
        Counter(each.array for each in request.rows),
        Counter(each.identifier for each in request.rows),
    )
    assert request.rows
    assert max(arrays.values()) <= endpoint.objects
    assert endpoint.per_array or len(request.rows) <= endpoint.objects
    assert len(request.body()) <= endpoint.size
    assert endpoint.objects_of_user is None or max(users.values()) <= endpoint.objects_of_user


shapes = st.lists(
    st.tuples(st.sampled_from([40, 40, 40, 1_000, 999_000]), st.integers(0, 2), st.integers(0, 3)),
    max_size=400,
)


@given(st.sampled_from(ENDPOINTS), shapes, st.integers(1, 4))
@settings(deadline=None)
def test_every_row_once_and_in_order_within_the_limits(
    endpoint: Endpoint, shape: list[tuple[int, int, int]], repeated: int
) -> None:
    envelope, names = Envelope(endpoint, endpoint.path), endpoint.arrays or LISTS
    shape = shape * repeated if sum(size for size, *_ in shape) < 1_000_000 else shape
    rows = [
        row(number, envelope, size, names[array % len(names)], user)
        for number, (size, array, user) in enumerate(shape)
    ]
    requests = pack(rows)
    assert [each for request in requests for each in request.rows] == rows
    assert [request.number for request in requests] == list(range(1, len(requests) + 1))
    for request in requests:
        check_limits(request)


SMALL = [Envelope(Endpoint("x", "/x", "x", limits.TRACK, objects), "/x") for objects in (3, 5, 100, 100)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=200), st.integers(1, 20))
@settings(deadline=None)
def test_sources_one_after_the_other(shape: list[tuple[int, int]], patience: int) -> None:
    """Each envelope keeps the order of its rows, and the parts of its requests cover each source's rows."""
    sources = [Noted(str(number)) for number in range(1 + sum(step for _, step in shape))]
    packer: Packer[Noted] = Packer(itertools.count(1))
    requests, taken, place = [], [], 0
    of_source: dict[Noted, list[Row]] = defaultdict(list)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("braze_runner.plan.pack.PATIENCE", patience)
        for number, (kind, step) in enumerate(shape):
            place += step
            taken.append(row(number, SMALL[kind]))
            of_source[sources[place]].append(taken[-1])
            request = packer.add(sources[place], taken[-1])
            requests += [request] if request else []
    requests += packer.flush()
    for envelope in SMALL:
        packed = [each for request in requests if request.envelope is envelope for each in request.rows]
        assert packed == [each for each in taken if each.envelope is envelope]
    seen: dict[Noted, list[Row]] = defaultdict(list)
    numbers: dict[Noted, list[int]] = defaultdict(list)
    for request in sorted(requests, key=lambda each: each.number):
        check_limits(request)
        parts = list(request.parts())
        assert [start for _, start, _ in parts] == [0, *(end for *_, end in parts[:-1])]
        assert parts[-1][2] == len(request.rows)
        for source, start, end in parts:
            assert start < end
            seen[source] += request.rows[start:end]
            numbers[source].append(request.number)
    assert {source: sorted(rows) for source, rows in seen.items()} == of_source
    assert {source: sorted(source.numbers) for source in of_source} == numbers


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3]), min_size=40, max_size=200), st.integers(1, 10))
@settings(deadline=None)
def test_a_request_waits_for_its_like_but_not_for_ever(kinds: list[int], patience: int) -> None:
    packer: Packer[Noted] = Packer(itertools.count(1))
    opened: dict[Envelope, int] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("braze_runner.plan.pack.PATIENCE", patience)
        for number, kind in enumerate(kinds):
            newest = row(number, SMALL[kind])
            request = packer.add(Noted(), newest)
            if request and request.envelope is newest.envelope and request.rows[-1] is not newest:
                # It was full, and the row is the first of the next one.
                opened[newest.envelope] = number
            else:
                opened.setdefault(newest.envelope, number)
                assert not request or number + 1 - opened.pop(request.envelope) >= patience
            # One leaves at a time, so as many as there are envelopes may be overdue at once.
            waiting = [number + 1 - since for since in opened.values()]
            assert len(waiting) < 2 or max(waiting) < patience + 2 * len(SMALL)


@pytest.mark.parametrize(
    ("endpoint", "sizes"),
    [
        (known.TRACK, [75, 75, 10]),
        (known.TRACK_PER_ARRAY, [75, 75, 10]),
        (known.TRACK_BULK, [160]),
        (known.DELETE, [50, 50, 50, 10]),
        (known.CATALOG_UPSERT, [50, 50, 50, 10]),
    ],
)
def test_requests_are_full(endpoint: Endpoint, sizes: list[int]) -> None:
    envelope = Envelope(endpoint, endpoint.path)
    assert [len(request.rows) for request in pack(row(n, envelope) for n in range(160))] == sizes


def test_75_objects_in_each_array_or_in_all() -> None:
    names = (b"attributes", b"events", b"purchases")
    for limit, expected in (("total", [75, 75, 75]), ("per-array", [225]), ("bulk", [225])):
        rows = [row(n, ENVELOPES[limit], array=names[n % 3]) for n in range(225)]
        assert [len(request.rows) for request in pack(rows)] == expected


def test_bulk_takes_a_hundred_objects_of_a_user() -> None:
    envelope = ENVELOPES["bulk"]
    rows = [row(n, envelope, user=7) for n in range(101)]
    assert [len(request.rows) for request in pack(rows)] == [100, 1]
    others = [row(n, envelope, user=n) for n in range(1_001)]
    assert [len(request.rows) for request in pack(others)] == [1_000, 1]


@pytest.mark.parametrize("endpoint", [known.TRACK, known.TRACK_BULK, known.DELETE, known.CATALOG_UPSERT])
def test_a_body_may_be_as_large_as_the_limit_less_its_brackets(endpoint: Endpoint) -> None:
    envelope = Envelope(endpoint, endpoint.path)
    name = (endpoint.arrays or LISTS)[0]
    around = len(b"{}") + sum(len(each) + len(b'"":[],') for each in endpoint.arrays or (name,))
    fitting = endpoint.size - around - 1 - 1_000_001
    [request] = pack([row(0, envelope, 1_000_000), row(1, envelope, fitting)])
    assert endpoint.size - 40 <= len(request.body()) <= endpoint.size
    assert len(pack([row(0, envelope, 1_000_000), row(1, envelope, fitting + 2)])) == 2


def test_a_row_that_is_too_large_goes_alone() -> None:
    """An identifier may be of any length; Braze then refuses this row and no other."""
    envelope = ENVELOPES["total"]
    rows = [row(0, envelope), row(1, envelope, limits.TRACK_BYTES + 1), row(2, envelope)]
    assert [[each.braze_row for each in request.rows] for request in pack(rows)] == [
        [each.braze_row] for each in rows
    ]


def test_one_envelope_alone_is_never_overdue() -> None:
    envelope = Envelope(Endpoint("x", "/x", "x", limits.TRACK, PATIENCE * 2), "/x")
    assert len(pack(row(number, envelope, 1) for number in range(PATIENCE + 10))) == 1
