"""POST /users/track/bulk, a limited beta."""

from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.limits import BULK_BYTES

PATH = "/users/track/bulk"
TOO_LONG = {"message": "Max Input Length Exceeded"}


@pytest.fixture(scope="module")
def bulk(start_once: Callable[..., Any]) -> Any:
    return start_once(track_bulk=True)


def test_bulk_is_404_unless_the_account_has_it(braze: Any) -> None:
    assert braze.post(PATH, {"attributes": [{"external_id": "c", "plan": "gold"}]}).status_code == 404


def test_bulk_takes_1000_objects(bulk: Any) -> None:
    items = [{"external_id": f"c{n}", "n": n} for n in range(1_001)]
    over = bulk.post(PATH, {"attributes": items})
    assert (over.status_code, over.json()) == (400, TOO_LONG)
    assert bulk.accepted(PATH, {"attributes": items[:1_000]})["attributes_processed"] == 1_000
    assert bulk.custom("c999") == {"n": 999}
    assert bulk.user("c1000") == {}


def test_bulk_takes_100_objects_of_one_user(bulk: Any) -> None:
    event = {"external_id": "busy", "name": "visit", "time": "2026-01-01T00:00:00Z"}
    attributes = [{"external_id": "busy", "n": n} for n in range(50)]
    over = bulk.post(PATH, {"attributes": attributes, "events": [event] * 51})
    assert (over.status_code, over.json()) == (400, TOO_LONG)
    assert bulk.accepted(PATH, {"attributes": attributes, "events": [event] * 50})["events_processed"] == 50


@pytest.mark.parametrize(("extra", "status"), [(0, 201), (1, 400), (BULK_BYTES, 400), (BULK_BYTES + 1, 400)])
def test_bulk_body_over_2_mb_is_400(bulk: Any, extra: int, status: int) -> None:
    start, end = b'{"attributes":[{"external_id":"large","plan":"', b'"}]}'
    body = start + b"x" * (BULK_BYTES + extra - len(start) - len(end)) + end
    headers = {"Content-Type": "application/json"}
    response = bulk.session.post(bulk.server.url + PATH, data=body, headers=headers, timeout=30)
    assert response.status_code == status


def test_bulk_has_an_allowance_of_its_own(bulk: Any) -> None:
    assert bulk.post(PATH, {}).headers["x-ratelimit-limit"] == "50"
