"""How far a batch has come, whatever the order in which answers come (R1)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from plan_helpers import TRACKED

from braze_runner.engine.window import Window, merged, ranges_of
from braze_runner.plan import Row
from braze_runner.state import Range


def key(number: int) -> str:
    return f"{number:08x}"


def keys_in(ranges: list[Range], count: int) -> set[int]:
    return {
        number for number in range(1, count + 1) for each in ranges if each.after < key(number) <= each.to
    }


def filled(sizes: list[int]) -> tuple[Window, list[int]]:
    """Return a window with one request of each size, and the last row of each."""
    window, number, lasts = Window(""), 0, []
    for request, size in enumerate(sizes):
        for place in range(size):
            number += 1
            window.take(key(number))
            if not place:
                window.enter(request)
        lasts.append(number)
    return window, lasts


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=20).flatmap(
        lambda sizes: st.tuples(
            st.just(sizes), st.permutations(range(len(sizes))), st.sets(st.integers(0, len(sizes) - 1))
        )
    )
)
def test_progress_never_passes_a_row_without_an_end(case: tuple[list[int], list[int], set[int]]) -> None:
    """Whatever the order of the answers, and whichever requests are held back."""
    sizes, order, held = case
    window, lasts = filled(sizes)
    ended: set[int] = set()
    for number in order:
        assert window.oldest == min(set(range(len(sizes))) - ended)
        if number in held:
            continue
        window.leave(number)
        ended.add(number)
        front = next((n for n in range(len(sizes)) if n not in ended), len(sizes))
        assert window.mark() == (key(lasts[front - 1]) if front else "")
        assert window.is_empty == (front == len(sizes))


def test_a_row_that_was_put_back_is_not_passed() -> None:
    window, _ = filled([2])
    window.leave(0)
    window.take(key(3))
    window.put_back()
    assert (window.mark(), window.last) == (key(2), key(2))
    window = Window(key(5))
    window.take(key(6))
    window.put_back()
    assert window.mark() == key(5)


@given(st.lists(st.booleans(), max_size=40))
def test_ranges_hold_exactly_the_flagged_rows(flags: list[bool]) -> None:
    rows = [Row(key(n), b"", b"", b"", TRACKED, b"events") for n in range(2, len(flags) + 2)]
    found = list(ranges_of(key(1), zip(rows, flags, strict=True)))
    assert keys_in(found, len(flags) + 5) == {n for n, flag in enumerate(flags, 2) if flag}
    assert found == merged(found)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20))
def test_merged_ranges_hold_the_same_rows_and_lie_apart(pairs: list[tuple[int, int]]) -> None:
    ranges = [Range(key(min(pair)), key(max(pair))) for pair in pairs if pair[0] != pair[1]]
    joined = merged(ranges)
    assert keys_in(joined, 40) == keys_in(ranges, 40)
    assert all(before.to < after.after for before, after in pairwise(joined))
