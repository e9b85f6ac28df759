"""Ends of a push before everything is sent: by a cap, by a bad row, with nothing to do."""

import gc
import json

import pytest
from push_helpers import Shop, user

from braze_runner.engine import Summary
from braze_runner.errors import StoppedError
from braze_runner.state import Lease, State


def ends(summary: Summary) -> tuple[int, int, int, int]:
    each = summary.counts
    return each.rows_read, each.rows_sent, each.rows_rejected, each.rows_held


@pytest.mark.parametrize("cap", [0, 1, 74, 75, 76, 150, 199])
def test_a_cap_on_data_points_leaves_the_rest_pending(shop: Shop, cap: int) -> None:
    """Also the very row at which it ends."""
    shop.add_users(200)
    first = shop.push(max_data_points=cap)
    assert (first.counts.rows_sent, first.counts.data_points, first.counts.rows_held) == (cap, cap, 1)
    assert (first.exit_code, "--max-data-points" in " ".join(first.notes)) == (1, True)
    assert ends(shop.push()) == (200 - cap, 200 - cap, 0, 0)
    assert shop.braze.users() == [user(number) for number in range(200)]


def test_a_bad_row_that_stops_the_run_stays_pending_until_it_is_mended(shop: Shop) -> None:
    shop.write_manifest({"sync": "attributes", "on_invalid": "stop"})
    shop.add([("customer-1", "no json"), ("customer-2", '{"a":1}')])
    for _ in range(2):
        summary = shop.push()
        assert (summary.exit_code, summary.counts.rows_sent, summary.counts.rows_held) == (3, 0, 1)
        assert "stops at one: PAYLOAD is not valid JSON." in summary.end
    assert (shop.ledger(), shop.rejects()) == ([], [])
    shop.query(
        "update braze.users_attributes_sync set payload = '{\"a\":2}' where external_id = 'customer-1'"
    )
    assert ends(shop.push()) == (2, 2, 0, 0)


def test_a_project_whose_syncs_are_all_read_by_braze(shop: Shop) -> None:
    shop.write_manifest({"sync": "attributes", "deliver": "cdi"})
    summary = shop.push()
    assert (ends(summary), summary.exit_code, shop.braze.raw) == ((0, 0, 0, 0), 0, [])


def test_a_write_that_fails_once_is_made_up_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stops, and what Braze has accepted until then goes on record with the last step."""
    shop.add_users(500)
    save, troubles = State.save, [StoppedError("the connection is lost")]

    def fail_once(self: State, steps: object) -> None:
        if troubles:
            raise troubles.pop()
        save(self, steps)  # type: ignore[arg-type]

    monkeypatch.setattr("braze_runner.engine.pusher._SAVE_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(State, "save", fail_once)
        first = shop.push(workers=1)
    assert (first.exit_code, first.error) == (3, "the connection is lost")
    sent = first.counts.rows_sent
    assert sent
    assert shop.query("select sum(rows_sent) from braze.braze_sync_ledger") == [(sent,)]
    assert ends(shop.push()) == (500 - sent, 500 - sent, 0, 0)
    users = [each["external_id"] for raw in shop.braze.raw for each in json.loads(raw)["attributes"]]
    assert sorted(users) == [user(number) for number in range(500)]


def test_garbage_is_collected_as_before_when_a_push_has_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add_users(1)
    before, meanwhile = gc.get_threshold(), []

    def fail(*_: object) -> None:
        meanwhile.append(gc.get_threshold())
        raise StoppedError("the connection is lost")

    monkeypatch.setattr(State, "save", fail)
    assert shop.push().exit_code == 3
    assert gc.get_threshold() == before
    assert before not in meanwhile


def test_a_lease_that_is_lost_before_the_first_request_is_no_success(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the tables were read, say: nothing was sent, and the run must not call that everything."""
    shop.add_users(5)
    enter = Lease.__enter__

    def lose_it(self: Lease) -> Lease:
        lease = enter(self)
        self._lost("Another run has taken over the lease, so this one stops.")
        return lease

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "__enter__", lose_it)
        summary = shop.push()
    assert summary.exit_code == 3
    assert summary.error == "Another run has taken over the lease, so this one stops."
    assert summary.end.endswith("What Braze accepted is saved: run it again to go on from there.")
    assert shop.braze.raw == []
    assert ends(shop.push()) == (5, 5, 0, 0)
