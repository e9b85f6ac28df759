"""What one dbt invocation vouches for, by its manifest and run results."""

from typing import Any

import pytest

from braze_runner.errors import ConfigError
from braze_runner.gate import gate, has_failed
from braze_runner.project import Location, Sync

USERS = "model.shop.users"


def sync(deliver: str = "rest") -> Sync:
    return Sync(USERS, "users", Location(None, "s", "users"), "attributes", deliver)


def manifest(*tests: tuple[str, str, list[str]]) -> dict[str, Any]:
    """Tests are (id, kind, models that they depend on)."""
    nodes = {
        each: {"resource_type": kind, "name": each.split(".")[-1], "depends_on": {"nodes": models}}
        for each, kind, models in tests
    }
    units = {each: node for each, node in nodes.items() if node["resource_type"] == "unit_test"}
    data = {each: node for each, node in nodes.items() if each not in units}
    return {
        "metadata": {"invocation_id": "i"},
        "nodes": {USERS: {"resource_type": "model"}, **data},
        "unit_tests": units,
    }


def results(which: str | None = "build", invocation: str = "i", **statuses: str) -> dict[str, Any]:
    ids = {
        "users": USERS,
        "own": "test.shop.own",
        "relation": "test.shop.relation",
        "unit": "unit_test.shop.unit",
    }
    return {
        "metadata": {"invocation_id": invocation},
        "args": {"which": which} if which else {},
        "results": [{"unique_id": ids[name], "status": status} for name, status in statuses.items()],
    }


TESTS = manifest(
    ("test.shop.own", "test", [USERS]),
    ("test.shop.relation", "test", ["model.shop.orders", USERS]),
    ("test.shop.elsewhere", "test", ["model.shop.orders"]),
    ("unit_test.shop.unit", "unit_test", [USERS]),
    ("model.shop.downstream", "model", [USERS]),
)
PASSED = {"own": "pass", "relation": "pass", "unit": "pass"}


@pytest.mark.parametrize(
    ("statuses", "passed", "reason"),
    [
        ({"users": "success", **PASSED}, True, "its model succeeded; 3 of 3 tests on it passed"),
        (
            {"users": "success", **PASSED, "own": "warn"},
            True,
            "its model succeeded; 2 of 3 tests on it passed, 1 ended with warn",
        ),
        (
            {"users": "success"},
            True,
            "its model succeeded; 0 of 3 tests on it passed, the others did not run",
        ),
        (
            {"users": "success", "own": "warn"},
            True,
            "its model succeeded; 0 of 3 tests on it passed, 1 ended with warn, the others did not run",
        ),
        ({"users": "success", **PASSED, "own": "fail"}, False, "test own ended with fail"),
        ({"users": "success", **PASSED, "own": "error"}, False, "test own ended with error"),
        ({"users": "success", **PASSED, "own": "runtime error"}, False, "test own ended with runtime error"),
        ({"users": "success", **PASSED, "relation": "fail"}, False, "test relation ended with fail"),
        ({"users": "success", **PASSED, "relation": "skipped"}, False, "test relation ended with skipped"),
        (
            {"users": "success", "own": "fail", "relation": "fail"},
            False,
            "test own ended with fail, and 1 more",
        ),
        ({"users": "success", **PASSED, "unit": "fail"}, False, "test unit ended with fail"),
        ({"users": "success", "own": "no status of ours"}, False, "test own ended with no status of ours"),
        ({"users": "error", **PASSED}, False, "its model ended with error"),
        ({"users": "skipped"}, False, "its model ended with skipped"),
        ({"users": "partial success", **PASSED}, False, "its model ended with partial success"),
        ({"users": "no-op", **PASSED}, False, "its model ended with no-op"),
        ({}, False, "its model was not part of this invocation"),
        (PASSED, False, "its model was not part of this invocation"),
        (
            {"users": "reused", "own": "reused", "relation": "no-op"},
            True,
            "its model was reused; 1 of 3 tests on it passed, the others did not run",
        ),
        ({"users": "reused", "own": "fail"}, False, "test own ended with fail"),
    ],
)
def test_verdicts(statuses: dict[str, str], passed: bool, reason: str) -> None:
    [verdict] = gate(TESTS, results(**statuses), [sync()])
    assert (verdict.passed, verdict.reason) == (passed, reason)


def test_a_sync_without_tests() -> None:
    [verdict] = gate(manifest(), results(users="success"), [sync()])
    assert (verdict.passed, verdict.reason) == (True, "its model succeeded; it has no tests")


def test_a_sync_that_braze_reads() -> None:
    [verdict] = gate(TESTS, results(users="success", **PASSED), [sync("cdi")])
    assert (verdict.passed, verdict.reason) == (False, "Braze reads it itself (deliver: cdi)")


@pytest.mark.parametrize("which", ["generate", "compile", "test", "show", "clone", None])
def test_results_in_which_nothing_was_built(which: str | None) -> None:
    with pytest.raises(ConfigError, match=f"results of `dbt {which}`"):
        gate(TESTS, results(which, users="success"), [sync()])


def test_artifacts_of_two_invocations() -> None:
    with pytest.raises(ConfigError, match="two dbt invocations"):
        gate(TESTS, results(invocation="j", users="success"), [sync()])
    with pytest.raises(ConfigError, match="two dbt invocations"):
        gate({**TESTS, "metadata": {}}, {"results": []}, [sync()])


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        *((each, False) for each in ("success", "pass", "warn", "no-op", "reused")),
        *((each, True) for each in ("error", "runtime error", "fail", "skipped", "partial success")),
    ],
)
def test_dbt_failed_when_a_node_did(status: str, failed: bool) -> None:
    assert has_failed(results(users="success", own=status)) is failed


def test_an_exposure_that_is_skipped_is_no_failure() -> None:
    exposure = {"unique_id": "exposure.shop.board", "status": "skipped"}
    assert not has_failed({"results": [exposure]})
