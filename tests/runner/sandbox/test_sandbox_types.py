"""Data types that a workspace forces on custom attributes."""

from collections.abc import Callable
from typing import Any

import pytest

from braze_runner.errors import ConfigError
from braze_runner.sandbox.settings import Settings

UNKNOWN = "BAD_PUSH_TOKEN_APP_ID"
FORCED = {
    "vip": "boolean",
    "level": "number",
    "code": "string",
    "since": "time",
    "list": "array",
    "more": "object",
}


@pytest.fixture(scope="module")
def typed(start_once: Callable[..., Any]) -> Any:
    return start_once(attribute_types=FORCED)


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        *(("vip", sent, True) for sent in (True, 1, "1", "true", "T", "TRUE")),
        *(("vip", sent, False) for sent in (False, 0, "0", "false", "F")),
        ("level", 7, 7),
        ("level", "7", 7),
        ("level", "7.5", 7.5),
        ("code", 7, "7"),
        ("code", True, "true"),
        ("since", "2026-01-01", "2026-01-01"),
        ("list", ["a"], ["a"]),
        ("list", {"add": ["a"]}, ["a"]),
        ("more", {"a": 1}, {"a": 1}),
    ],
)
def test_a_forced_type_coerces(typed: Any, name: str, sent: Any, stored: Any) -> None:
    user = typed.new_id()
    typed.attributes({"external_id": user, name: sent})
    found = typed.custom(user)[name]
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("name", "first", "refused"),
    [
        ("vip", True, "maybe"), ("vip", True, 2),
        ("level", 1, "high"), ("level", 1, True), ("level", 1, "9" * 20), ("level", 1, "1.5e999"),
        ("code", "a", ["b"]), ("since", "2026-01-01", "soon"), ("since", "2026-01-01", "3001-01-01"),
        ("list", ["a"], "b"), ("more", {"a": 1}, [1]),
    ],
)  # fmt: skip
def test_a_value_that_a_forced_type_does_not_take_is_ignored(
    typed: Any, name: str, first: Any, refused: Any
) -> None:
    user = typed.new_id()
    typed.attributes({"external_id": user, name: first})
    typed.attributes({"external_id": user, name: refused, "other": 1})
    assert typed.custom(user) == {name: first, "other": 1}
    typed.attributes({"external_id": user, name: None})
    assert typed.custom(user) == {"other": 1}


def test_increments_of_a_forced_number(typed: Any) -> None:
    user = typed.new_id()
    typed.attributes({"external_id": user, "level": 1}, {"external_id": user, "level": {"inc": 2}})
    assert typed.custom(user) == {"level": 3}


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="number"):
        Settings(attribute_types={"vip": "flag"})


def test_push_tokens_of_unknown_apps(start: Callable[..., Any]) -> None:
    braze = start(app_ids=["app-1"])
    for app_id, errors in (("app-1", []), ("app-2", [UNKNOWN]), (["app-1"], [UNKNOWN])):
        token = {"app_id": app_id, "token": "t"}
        assert braze.errors(attributes=[{"external_id": "c", "push_tokens": [token]}]) == errors
    event = {"external_id": "c", "name": "visit", "time": "2026-01-01", "push_tokens": ["of no event"]}
    assert braze.errors(events=[event]) == []
