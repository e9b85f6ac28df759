"""The figures of Braze's pages, said a second time, and that a push keeps to them.

A slip in ``limits.py`` or ``plan/endpoints.py`` would be met by 429 and 400 in production alone.
"""

import itertools
import json
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from push_helpers import Shop, user

from braze_runner import limits
from braze_runner.client import RateLimiter
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, session
from braze_runner.limits import Bucket
from braze_runner.plan import endpoints as known
from braze_runner.plan.endpoints import Endpoint
from braze_runner.verify import VerifySettings, run, verify

MB = 1_000_000
# Endpoint -> method, path, objects of a request, its bytes, and the allowance: requests in seconds (Braze: API rate
# limits, and the page of each endpoint).
FIGURES: list[tuple[Endpoint, str, str, int, int, int, int]] = [
    (known.TRACK, "POST", "/users/track", 75, 4 * MB, 3_000, 3),
    (known.TRACK_PER_ARRAY, "POST", "/users/track", 75, 4 * MB, 3_000, 3),
    (known.TRACK_BULK, "POST", "/users/track/bulk", 1_000, 2 * MB, 50, 1),
    (known.DELETE, "POST", "/users/delete", 50, 4 * MB, 20_000, 60),
    (known.ALIAS_NEW, "POST", "/users/alias/new", 50, 4 * MB, 20_000, 60),
    (known.ALIAS_UPDATE, "POST", "/users/alias/update", 50, 4 * MB, 20_000, 60),
    (known.IDENTIFY, "POST", "/users/identify", 50, 4 * MB, 20_000, 60),
    (known.MERGE, "POST", "/users/merge", 50, 4 * MB, 20_000, 60),
    (known.RENAME, "POST", "/users/external_ids/rename", 50, 4 * MB, 1_000, 60),
    (known.REMOVE, "POST", "/users/external_ids/remove", 50, 4 * MB, 1_000, 60),
    (known.SUBSCRIPTION, "POST", "/v2/subscription/status/set", 50, 4 * MB, 5_000, 60),
    (known.EMAIL_STATUS, "POST", "/email/status", 50, 4 * MB, 250_000, 3_600),
    (known.CATALOG_UPSERT, "PUT", "/catalogs/{}/items", 50, 4 * MB, 16_000, 60),
    (known.CATALOG_DELETE, "DELETE", "/catalogs/{}/items", 50, 4 * MB, 16_000, 60),
]
# Endpoints that draw on one allowance; the others have one each.
SHARED = [
    {known.TRACK, known.TRACK_PER_ARRAY},
    {known.DELETE, known.ALIAS_NEW, known.ALIAS_UPDATE, known.IDENTIFY, known.MERGE},
    {known.CATALOG_UPSERT, known.CATALOG_DELETE},
]
OF_OTHERS: list[tuple[Bucket, int, int]] = [
    (limits.TRACK_SYNC, 500, 60),
    (limits.EXPORT, 250, 60),
    (limits.EXPORT_OF_FIELDS, 40, 1),
    (limits.EXPORT_OF_OLD_ACCOUNT, 2_500, 60),
    (limits.CATALOGS, 50, 60),
    (limits.CATALOG_ITEM, 50, 60),
    (limits.CATALOG_FIELDS, 50, 60),
    (limits.CDI_LIST, 50, 60),
    (limits.CDI_SYNC, 20, 60),
    (limits.CDI_STATUS, 100, 60),
]


@pytest.mark.parametrize("figures", FIGURES, ids=lambda figures: figures[0].name)
def test_an_endpoint_is_as_braze_says(figures: tuple[Endpoint, str, str, int, int, int, int]) -> None:
    endpoint, *told = figures
    bucket = endpoint.bucket
    found = [endpoint.method, endpoint.path, endpoint.objects, endpoint.size, bucket.requests, bucket.seconds]
    assert found == told


def test_every_endpoint_has_its_figures() -> None:
    pushed = {endpoint for of_type in known.ENDPOINTS.values() for endpoint in of_type}
    assert pushed | set(known.TRACKS.values()) == {endpoint for endpoint, *_ in FIGURES}
    assert known.TRACK_BULK.objects_of_user == 100


def test_allowances_are_shared_by_those_that_braze_names() -> None:
    for one, other in itertools.combinations([figures[0] for figures in FIGURES], 2):
        together = any({one, other} <= group for group in SHARED)
        assert (one.bucket == other.bucket) == together, (one.name, other.name)


@pytest.mark.parametrize(("bucket", "requests", "seconds"), OF_OTHERS)
def test_an_allowance_of_other_calls(bucket: Bucket, requests: int, seconds: int) -> None:
    assert (bucket.requests, bucket.seconds) == (requests, seconds)


def test_sizes_of_rows() -> None:
    assert (limits.PAYLOAD_BYTES, limits.PAYLOAD_KEYS) == (MB, 250)
    assert (limits.EXTERNAL_ID_BYTES, limits.ALIAS_BYTES, limits.CATALOG_NAME_CHARS) == (987, 236, 250)
    assert (limits.PURCHASE_QUANTITY, limits.EXPORT_IDS) == (100, 50)


@dataclass
class Noted:
    """The limiters that were made, as (share, whether to enforce), and the allowances that they were asked for."""

    made: list[tuple[float, bool]] = field(default_factory=list)
    asked: list[Bucket] = field(default_factory=list)


def note_limiters(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> Noted:
    """Let the limiters of a module wait for nothing, and note what they are asked."""
    noted = Noted()

    class Limiter(RateLimiter):
        def __init__(self, stop: Any, share: float, *, enforce: bool) -> None:
            super().__init__(stop, share, enforce=enforce)
            noted.made.append((share, enforce))

        def acquire(self, bucket: Bucket) -> None:
            noted.asked.append(bucket)

    monkeypatch.setattr(module, "RateLimiter", Limiter)
    return noted


@pytest.mark.parametrize(
    ("host", "told", "enforced"),
    [
        ("rest.iad-01.braze.com", None, True),
        ("127.0.0.1", None, False),
        ("127.0.0.1", True, True),
        ("rest.iad-01.braze.com", False, False),
    ],
)
def test_a_push_keeps_to_the_share_that_it_was_given(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, host: str, told: bool | None, enforced: bool
) -> None:
    """One pace for all workers, which every request asks."""
    noted = note_limiters(monkeypatch, session)
    shop.add_users(200)
    shop.push(host, share=0.4, enforce_limits=told, workers=4)
    assert noted.made == [(0.4, enforced)]
    assert noted.asked == [limits.TRACK] * 3


@pytest.mark.parametrize(("host", "enforced"), [("rest.iad-01.braze.com", True), ("127.0.0.1", False)])
def test_reading_profiles_keeps_to_its_own_allowance(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, host: str, enforced: bool
) -> None:
    shop.add_users(120)
    shop.push(host)
    noted = note_limiters(monkeypatch, run)
    unknown = {"users": [], "invalid_user_ids": [user(number) for number in range(120)]}
    shop.braze.script = lambda *_: (201, {}, json.dumps(unknown).encode())
    config = BrazeConfig(shop.braze.url, host, Secret("key"))
    verify(shop.options, config, VerifySettings(seed=1, sample=120, share=0.4))
    assert noted.made == [(0.4, enforced)]
    assert noted.asked == [limits.EXPORT_OF_FIELDS] * 3


def test_steps_are_five_seconds_apart_but_not_on_loopback() -> None:
    def gap(host: str, **settings: Any) -> float:
        return PushSettings(**settings).order_gap_for(BrazeConfig(f"https://{host}", host, Secret("key")))

    assert gap("rest.iad-01.braze.com") == 5.0
    assert gap("127.0.0.1") == gap("rest.iad-01.braze.com", dry_run=True) == 0.0
    assert gap("127.0.0.1", order_gap=2.0) == 2.0
