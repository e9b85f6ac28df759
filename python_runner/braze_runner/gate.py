"""Which syncs one dbt invocation vouches for: its model succeeded in it, and so did every test on it that ran."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from braze_runner.errors import ConfigError
from braze_runner.project import Sync

# Commands that build models; `docs generate` and `compile` write results of their own in which nothing was built
# (dbt: run results JSON file, args.which).
BUILDING = ("build", "run", "retry")
# A reused node is one that dbt 2 left as an earlier run made it, because nothing it depends on has changed.
_BUILT = ("success", "reused")
_WARNED = "warn"
_PASSED = ("pass", "success", _WARNED, "reused")
# With one of these dbt ends with exit code 1.
_FAILED = ("error", "runtime error", "fail", "skipped", "partial success")
# dbt gives it to nodes that there is nothing to do for.
_NOT_RUN = "no-op"


@dataclass(frozen=True)
class Verdict:
    """Whether a sync may be pushed, and the sentence why."""

    sync: Sync
    passed: bool
    reason: str


def check_invocation(manifest: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Return the invocation that manifest and run results are of; raises ConfigError unless it built models."""
    ids = [(artifact.get("metadata") or {}).get("invocation_id") for artifact in (manifest, results)]
    if not ids[0] or ids[0] != ids[1]:
        raise ConfigError(
            "manifest.json and run_results.json are of two dbt invocations, so nothing is pushed: run dbt again "
            "(of a dbt Cloud run, name the step that built with --dbt-cloud-step)."
        )
    command = (results.get("args") or {}).get("which")
    if command not in BUILDING:
        raise ConfigError(
            f"These are the results of `dbt {command}`, which builds no model, so nothing is pushed: use "
            f"{', '.join(BUILDING[:-1])} or {BUILDING[-1]} (of a dbt Cloud run, name the step that built with "
            "--dbt-cloud-step)."
        )
    return str(ids[0])


def gate(manifest: Mapping[str, Any], results: Mapping[str, Any], syncs: Iterable[Sync]) -> list[Verdict]:
    """Judge each sync by manifest and run results of one invocation; raises ConfigError when they are not."""
    check_invocation(manifest, results)
    statuses = {str(each["unique_id"]): str(each["status"]) for each in results.get("results") or ()}
    tests = _tests_by_model(manifest)
    return [_judge(sync, statuses, tests.get(sync.unique_id, {})) for sync in syncs]


def has_failed(results: Mapping[str, Any]) -> bool:
    """Say whether dbt failed, by its run results alone: of a job of dbt Cloud nobody here saw the exit code."""
    return any(
        each["status"] in _FAILED and not str(each["unique_id"]).startswith("exposure.")
        for each in results.get("results") or ()
    )


def _judge(sync: Sync, statuses: Mapping[str, str], tests: Mapping[str, str]) -> Verdict:
    """Judge one sync, given every status of the invocation and the names of the tests on the sync by their id."""
    if sync.deliver == "cdi":
        return Verdict(sync, passed=False, reason="Braze reads it itself (deliver: cdi)")
    built = statuses.get(sync.unique_id)
    if built is None:
        return Verdict(sync, passed=False, reason="its model was not part of this invocation")
    if built not in _BUILT:
        return Verdict(sync, passed=False, reason=f"its model ended with {built}")
    ran = {test: statuses[test] for test in tests if statuses.get(test, _NOT_RUN) != _NOT_RUN}
    bad = [f"{tests[test]} ended with {status}" for test, status in ran.items() if status not in _PASSED]
    if bad:
        more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        return Verdict(sync, passed=False, reason=f"test {bad[0]}{more}")
    model = "its model succeeded" if built == "success" else f"its model was {built}"
    warned = sum(status == _WARNED for status in ran.values())
    return Verdict(sync, passed=True, reason=f"{model}; {_count(len(ran), warned, len(tests))}")


def _count(ran: int, warned: int, tests: int) -> str:
    """Say how many tests passed; one that only warns blocks nothing."""
    if not tests:
        return "it has no tests"
    passed = f"{ran - warned} of {tests} tests on it passed"
    warnings = f", {warned} ended with {_WARNED}" if warned else ""
    return f"{passed}{warnings}" + (", the others did not run" if ran < tests else "")


def _tests_by_model(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return model -> id -> name of the tests that depend on it: its own, of a relationship to it, unit tests."""
    tests: dict[str, dict[str, str]] = {}
    nodes = [*manifest["nodes"].items(), *(manifest.get("unit_tests") or {}).items()]
    for unique_id, node in nodes:
        if node.get("resource_type") in ("test", "unit_test"):
            for parent in (node.get("depends_on") or {}).get("nodes") or ():
                tests.setdefault(parent, {})[unique_id] = node.get("name") or unique_id
    return tests
