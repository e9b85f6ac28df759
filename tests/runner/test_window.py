from hypothesis import given
from hypothesis import strategies as st

from braze_runner.client import Outcome
from braze_runner.engine.window import Window
from braze_runner.plan import Reject, Request


def request(number: int) -> Request:
    return Request(number, "attributes", mark=f"{number:032x}")


@given(
    st.integers(1, 40).flatmap(
        lambda count: st.tuples(st.permutations(range(count)), st.sets(st.integers(0, 39)))
    )
)
def test_progress_never_passes_a_row_without_an_end(case: tuple[list[int], set[int]]) -> None:
    """Whatever the order of the answers, and whichever requests are held back."""
    order, held = case
    window, requests = Window(), [request(number) for number in range(len(order))]
    for each in requests:
        window.open(each)
    ended: set[int] = set()
    sent, mark = 0, ""
    for number in order:
        outcome = Outcome(requests[number], sent=75, held=1 if number in held else 0)
        window.close(outcome)
        if not outcome.held:
            ended.add(number)
        released = window.release()
        if released:
            assert released.mark > mark
            mark, sent = released.mark, sent + released.rows_sent
        front = next((n for n in range(len(order)) if n not in ended), len(order))
        assert mark == (f"{front - 1:032x}" if front else "")
        assert sent == 75 * front
        assert len(window) == len(order) - front


def test_rejects_go_with_the_step_that_passes_them() -> None:
    planned = Reject("0", b"{}", None, "payload_missing", "PAYLOAD is null.")
    refused = Reject("1", b"{}", b"{}", "braze_rejected", "bad", 201)
    first, second = request(1), request(2)
    second.rejects.append(planned)
    window = Window()
    window.open(first)
    window.open(second)
    window.close(Outcome(second, rejects=[refused]))
    assert window.release() is None
    assert window.leftover() == [planned, refused]
    window.close(Outcome(first, sent=3))
    released = window.release()
    assert released is not None
    assert (released.rows_sent, released.rejects, window.leftover()) == (3, [planned, refused], [])
