"""Asynchronous application. A lag of a day is "not before the test says so"."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from braze_runner.errors import ConfigError
from braze_runner.sandbox import Settings

DAY = 86_400.0


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
@pytest.mark.parametrize("option", ["lag", "cdi_seconds"])
def test_a_lag_is_a_number_of_seconds(option: str, seconds: float) -> None:
    with pytest.raises(ConfigError):
        Settings(**{option: seconds})


def test_with_a_lag_nothing_is_applied_before_its_time(start: Callable[..., Any]) -> None:
    braze = start(lag=DAY)
    user = braze.new_id()
    event = {"external_id": user, "name": "visit", "time": "2026-01-01T00:00:00Z"}
    purchase = {**event, "product_id": "p", "currency": "EUR", "price": 1}
    response = braze.track(
        attributes=[{"external_id": user, "plan": "gold"}], events=[event], purchases=[purchase]
    )
    assert (response.status_code, response.json()["attributes_processed"]) == (201, 1)
    assert braze.user(user) == {}
    assert braze.state()["queued"] == 1
    braze.flush()
    assert braze.custom(user) == {"plan": "gold"}
    state = braze.state()
    counted = [state[name] for name in ("profiles", "events", "purchases", "queued", "failed")]
    assert counted == [1, 1, 1, 0, 0]


def _order(start: Callable[..., Any], seed: int, **options: Any) -> list[Any]:
    braze = start(lag=DAY, seed=seed, **options)
    for step in range(20):
        braze.attributes(
            {"external_id": "c", "steps": {"add": [step]}}, {"external_id": "c", "steps": {"add": [-step]}}
        )
    braze.flush()
    steps = list(braze.custom("c")["steps"])
    braze.server.stop()
    return steps


def test_requests_overtake_each_other_and_objects_of_one_do_not(start: Callable[..., Any]) -> None:
    steps = _order(start, seed=7)
    requests_order = [step for step in steps if step >= 0]
    assert sorted(requests_order) == list(range(20))
    assert requests_order != list(range(20))
    assert all(steps[steps.index(-step) - 1] == step for step in range(1, 20))


def test_the_same_seed_gives_the_same_order(start: Callable[..., Any], tmp_path: Any) -> None:
    first, again, other = (
        _order(start, seed, db=tmp_path / f"{number}.sqlite") for number, seed in enumerate((1, 1, 2))
    )
    assert first == again
    assert first != other


def test_a_short_lag_passes_by_itself(start: Callable[..., Any]) -> None:
    braze = start(lag=0.01)
    braze.attributes({"external_id": "customer", "plan": "gold"})
    deadline = time.monotonic() + 60
    while not braze.user("customer") and time.monotonic() < deadline:
        pass
    assert braze.custom("customer") == {"plan": "gold"}
    assert braze.state()["queued"] == 0


def test_what_is_queued_survives_a_restart(start: Callable[..., Any]) -> None:
    first = start(lag=DAY)
    alias = {"alias_name": "n", "alias_label": "crm"}
    first.attributes({"user_alias": alias, "_update_existing_only": False, "plan": "gold", "list": [1, "é"]})
    first.server.stop()
    second = start(lag=DAY)
    assert second.state()["queued"] == 1
    assert second.export(user_aliases=[alias])["users"] == []
    second.flush()
    (user,) = second.export(user_aliases=[alias])["users"]
    assert user["custom_attributes"] == {"plan": "gold", "list": [1, "é"]}


def test_work_that_fails_is_kept_and_does_not_hold_up_the_rest(start: Callable[..., Any]) -> None:
    braze = start(lag=DAY)
    braze.track(events=[{"external_id": "c", "name": "visit", "time": "2026-01-01T00:00:00Z"}])
    braze.attributes({"external_id": "other", "plan": "gold"})
    connection = sqlite3.connect(braze.server.settings.db)
    connection.execute(
        "create trigger refuse before insert on custom_events begin select raise(abort, 'no'); end"
    )
    connection.close()
    braze.flush()
    assert braze.custom("other") == {"plan": "gold"}
    assert braze.user("c") == {}
    state = braze.state()
    assert (state["queued"], state["failed"]) == (0, 1)


def test_control_requests_need_the_key_and_are_not_logged(braze: Any) -> None:
    for method, path in (("POST", "/sandbox/flush"), ("GET", "/sandbox/state")):
        assert requests.request(method, braze.server.url + path, timeout=30).status_code == 401
    before = braze.state()["requests"]
    braze.flush()
    assert braze.state()["requests"] == before
    answer = braze.session.get(braze.server.url + "/sandbox/state", timeout=30)
    assert not any(name.lower().startswith("x-ratelimit") for name in answer.headers)
