"""The demo's own judge: what the local Braze holds against what the customer table says."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import requests

from braze_runner.config import BrazeConfig
from braze_runner.demo.customers import PROFILE_FIELDS, as_profile
from braze_runner.errors import StoppedError
from braze_runner.limits import EXPORT_IDS
from braze_runner.warehouse import Warehouse

Profiles = Mapping[str, dict[str, Any]]


def expected_profiles(warehouse: Warehouse, table: str) -> Profiles:
    """Return external_id -> the attributes that the profile should have, read from the customer table."""
    rows = (row for batch in warehouse.stream(f"select * from {table}", 10_000) for row in batch.to_pylist())  # noqa: S608
    return {row["customer_id"]: as_profile(row) for row in rows}


def check_profiles(config: BrazeConfig, expected: Profiles) -> int:
    """Read every profile back and compare it attribute by attribute; return the number of attributes compared.

    Raises StoppedError that names the first profiles that differ, and how.
    """
    ids = sorted(expected)
    chunks = [ids[at : at + EXPORT_IDS] for at in range(0, len(ids), EXPORT_IDS)]
    problems: list[str] = []
    with requests.Session() as session, ThreadPoolExecutor(4) as pool:
        session.headers["Authorization"] = f"Bearer {config.key.reveal()}"
        for chunk, users in zip(
            chunks, pool.map(lambda some: _export(session, config, some), chunks), strict=True
        ):
            for external_id in chunk:
                problems += _compare(external_id, expected[external_id], users.get(external_id))
    if problems:
        raise StoppedError(
            f"{len(problems)} attributes differ from the customer table: {'; '.join(problems[:5])}."
        )
    return sum(len(profile) for profile in expected.values())


def check_batch(warehouse: Warehouse, table: str, differences: Profiles) -> None:
    """Raise StoppedError unless the newest batch of the log holds these users with these attributes, and no more."""
    newest = f"(select max_by(braze_batch, UPDATED_AT) from {table})"  # noqa: S608
    rows = warehouse.fetch_all(f"select EXTERNAL_ID, PAYLOAD from {table} where braze_batch = {newest}")  # noqa: S608
    emitted = {external_id: orjson.loads(payload) for external_id, payload in rows}
    if emitted != differences:
        wrong = sorted(_unequal(emitted, differences))
        raise StoppedError(f"Day two emitted something else than what changed, for {', '.join(wrong[:5])}.")


def _unequal(left: Profiles, right: Profiles) -> Iterator[str]:
    return (key for key in left.keys() | right.keys() if left.get(key) != right.get(key))


def _export(session: requests.Session, config: BrazeConfig, external_ids: list[str]) -> Profiles:
    body = {
        "external_ids": external_ids,
        "fields_to_export": ["external_id", "custom_attributes", *sorted(PROFILE_FIELDS)],
    }
    answer = session.post(f"{config.endpoint}/users/export/ids", json=body, timeout=60)
    if answer.status_code != requests.codes.ok:
        raise StoppedError(f"The local Braze answered {answer.status_code} to /users/export/ids.")
    return {user["external_id"]: user for user in answer.json()["users"]}


def _compare(external_id: str, expected: dict[str, Any], user: dict[str, Any] | None) -> Iterator[str]:
    if user is None:
        yield f"{external_id} has no profile"
        return
    held = user.get("custom_attributes", {}) | {name: user[name] for name in PROFILE_FIELDS if name in user}
    for name in held.keys() | expected.keys():
        if held.get(name) != expected.get(name):
            yield f"{name} of {external_id}"
