"""Rate limits: what is told and what is refused."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.limits import EXPORT, EXPORT_OF_FIELDS, OTHERS, TRACK
from braze_runner.sandbox.buckets import RateLimits
from braze_runner.sandbox.settings import Settings

ONE = {"attributes": [{"external_id": "customer", "plan": "gold"}]}


@pytest.mark.parametrize(
    ("path", "status"), [("/users/track", 201), ("/users/track", 401), ("/nothing", 404)]
)
def test_rate_limit_headers_are_on_every_answer(braze: Any, path: str, status: int) -> None:
    headers = {"Authorization": "Bearer wrong"} if status == 401 else {}
    response = braze.post(path, ONE, headers=headers)
    assert response.status_code == status
    allowed = TRACK.requests if path == "/users/track" else OTHERS.requests
    assert int(response.headers["x-ratelimit-limit"]) == allowed
    assert 0 <= int(response.headers["x-ratelimit-remaining"]) <= allowed
    assert "x-ratelimit-retry-after" not in response.headers
    raw = [name for name in response.raw.headers if name.lower().startswith("x-ratelimit")]
    assert raw == [name.lower() for name in raw]


def test_export_has_the_larger_allowance_when_it_names_fields(braze: Any) -> None:
    plain = braze.post("/users/export/ids", {"external_ids": ["nobody"]})
    named = braze.post("/users/export/ids", {"external_ids": ["nobody"], "fields_to_export": ["email"]})
    assert plain.headers["x-ratelimit-limit"] == "250"
    assert named.headers["x-ratelimit-limit"] == "40"


def test_reset_is_an_epoch_by_default(braze: Any) -> None:
    before = int(time.time())
    reset = int(braze.post("/users/track", ONE).headers["x-ratelimit-reset"])
    assert before <= reset <= int(time.time()) + TRACK.seconds


def test_reset_in_seconds_by_switch(start: Callable[..., Any]) -> None:
    reset = start(reset_header="seconds").post("/users/track", ONE).headers["x-ratelimit-reset"]
    assert 1 <= int(reset) <= TRACK.seconds


def test_remaining_counts_down_and_starts_again_with_the_window() -> None:
    now = 300.0
    limits = RateLimits(Settings(), clock=lambda: now)
    first, second = limits.take(TRACK).headers, limits.take(TRACK).headers
    assert (first["x-ratelimit-remaining"], second["x-ratelimit-remaining"]) == ("2999", "2998")
    assert second["x-ratelimit-reset"] == "303"
    assert limits.take(OTHERS).headers["x-ratelimit-remaining"] == "249999"
    now = 303.0
    assert limits.take(TRACK).headers["x-ratelimit-remaining"] == "2999"


def test_a_window_that_is_used_up_refuses_until_it_ends() -> None:
    now = 300.5
    limits = RateLimits(Settings(), clock=lambda: now)
    assert all(limits.take(TRACK).allowed for _ in range(3_000))
    refused = limits.take(TRACK)
    assert refused == (False, {"x-ratelimit-retry-after": "3"})
    assert limits.take(OTHERS).allowed
    now = 303.0
    assert limits.take(TRACK).allowed


def test_contracts_by_monthly_users_have_an_hourly_and_a_burst_limit() -> None:
    now = 3_600.0
    limits = RateLimits(Settings(limits="mau", mau_hourly=5, mau_burst=3), clock=lambda: now)
    assert limits.take(TRACK).headers["x-ratelimit-limit"] == "5"
    assert [limits.take(TRACK).allowed for _ in range(3)] == [True, True, False]
    assert limits.take(TRACK).headers == {"x-ratelimit-retry-after": "3"}
    now += 3
    assert [limits.take(TRACK).allowed for _ in range(3)] == [True, True, False]
    assert limits.take(TRACK).headers == {"x-ratelimit-retry-after": "3597"}
    now += 3_597
    assert limits.take(TRACK).headers["x-ratelimit-remaining"] == "4"


def test_a_request_over_two_limits_waits_for_the_later_one() -> None:
    limits = RateLimits(Settings(limits="mau", mau_hourly=1, mau_burst=1), clock=lambda: 3_600.0)
    assert limits.take(TRACK).allowed
    assert limits.take(TRACK) == (False, {"x-ratelimit-retry-after": "3600"})


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/users/external_ids/rename", "1000"),
        ("/users/external_ids/remove", "1000"),
        ("/email/status", "250000"),
    ],
)
def test_allowances_of_rename_remove_and_email_status(braze: Any, path: str, allowed: str) -> None:
    assert braze.post(path, {}).headers["x-ratelimit-limit"] == allowed


def test_a_refusal_with_the_three_headers_by_switch() -> None:
    settings = Settings(limits="mau", mau_hourly=1, refusal_headers="window", reset_header="seconds")
    limits = RateLimits(settings, clock=lambda: 7_199.0)
    assert limits.take(TRACK).allowed
    told = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    assert limits.take(TRACK) == (False, told)


def test_exports_of_old_accounts_have_one_larger_allowance() -> None:
    limits = RateLimits(Settings(export_limit="old"), clock=lambda: 0.0)
    told = [limits.take(bucket).headers for bucket in (EXPORT, EXPORT_OF_FIELDS)]
    assert [headers["x-ratelimit-limit"] for headers in told] == ["2500", "2500"]
    assert told[1]["x-ratelimit-remaining"] == "2498"


def test_limits_can_be_told_only() -> None:
    limits = RateLimits(Settings(limits="off"), clock=lambda: 0.0)
    taken = [limits.take(EXPORT) for _ in range(EXPORT.requests + 5)]
    assert all(each.allowed for each in taken)
    assert taken[-1].headers["x-ratelimit-remaining"] == "0"


def test_a_request_over_the_limit_is_429_and_not_applied(start: Callable[..., Any]) -> None:
    braze = start(limits="mau", mau_hourly=2, mau_burst=2)
    statuses = {braze.track(attributes=[{"external_id": f"c{n}", "n": n}]).status_code for n in range(6)}
    assert statuses == {201, 429}
    refused = braze.post("/users/track", ONE)
    assert refused.json() == {"message": "Too Many Requests"}
    told = [name for name in refused.headers if name.startswith("x-ratelimit")]
    assert told == ["x-ratelimit-retry-after"]
    assert braze.user("customer") == {}
    assert braze.user("c0") != {}


def test_what_the_key_may_not_ask_for_draws_on_no_allowance(start: Callable[..., Any]) -> None:
    braze = start(limits="mau", mau_hourly=1, permissions=["users.track"])
    for _ in range(3):
        wrong = braze.post("/users/track", ONE, headers={"Authorization": "Bearer wrong"})
        assert (wrong.status_code, wrong.headers["x-ratelimit-remaining"]) == (401, "1")
    forbidden = braze.post("/users/merge", {})
    assert (forbidden.status_code, forbidden.headers["x-ratelimit-remaining"]) == (403, "20000")
    statuses = [braze.post("/users/track", body).status_code for body in (ONE, ONE, "no body")]
    assert statuses == [201, 429, 429]
    wrong = braze.post("/users/track", ONE, headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.headers["x-ratelimit-remaining"]) == (401, "0")


def test_exports_of_messages_have_the_smaller_allowance(braze: Any) -> None:
    body = {"external_ids": ["nobody"], "fields_to_export": ["email", "campaigns_received"]}
    assert braze.post("/users/export/ids", body).headers["x-ratelimit-limit"] == "250"
