"""A sandbox over real HTTP, and what the tests say to it."""

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests

from braze_runner.sandbox import SandboxServer

KEY = "key-of-the-tests"
_NUMBERS = itertools.count()


class Braze:
    """A client of one sandbox, with one new external_id for each test that asks."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {KEY}"

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.session.post(self.server.url + path, json=body, timeout=30, **options)

    def new_id(self) -> str:
        return f"customer-{next(_NUMBERS):06d}"

    def track(self, **arrays: list[Any]) -> requests.Response:
        return self.post("/users/track", arrays)

    def errors(self, **arrays: list[Any]) -> list[str]:
        """Send and return the texts of the errors, in order."""
        return [error["type"] for error in self.track(**arrays).json().get("errors", [])]

    def accepted(self, path: str, body: Any, status: int = 201) -> dict[str, Any]:
        """Send what has to be accepted, and return the answer."""
        response = self.post(path, body)
        assert response.status_code == status, response.text
        return dict(response.json())

    def attributes(self, *items: dict[str, Any]) -> None:
        """Send attributes objects that have to be accepted."""
        response = self.track(attributes=list(items))
        assert response.status_code == 201, response.text
        assert "errors" not in response.json()

    def export(self, **body: Any) -> dict[str, Any]:
        response = self.post("/users/export/ids", body)
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()
        return result

    def user(self, external_id: str) -> dict[str, Any]:
        """Return the profile as exported, or {} if there is none."""
        users = self.export(external_ids=[external_id])["users"]
        return dict(users[0]) if users else {}

    def by_alias(self, name: str, label: str = "crm") -> dict[str, Any]:
        """Return the profile with an alias as exported, or {} if there is none."""
        users = self.export(user_aliases=[{"alias_name": name, "alias_label": label}])["users"]
        return dict(users[0]) if users else {}

    def custom(self, external_id: str) -> dict[str, Any]:
        return dict(self.user(external_id).get("custom_attributes", {}))

    def state(self) -> dict[str, int]:
        """Return the sandbox's own counts."""
        response = self.session.get(self.server.url + "/sandbox/state", timeout=30)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def flush(self) -> None:
        """Have everything queued applied."""
        response = self.session.post(self.server.url + "/sandbox/flush", timeout=60)
        assert response.status_code == 200, response.text

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put these faults in force, and no others."""
        response = self.session.put(self.server.url + "/sandbox/faults", json=list(rules), timeout=30)
        assert response.status_code == 200, response.text

    def table(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the sandbox's file."""
        with closing(sqlite3.connect(self.server.settings.db)) as connection:
            return connection.execute(sql).fetchall()

    def events(self) -> list[str]:
        """Return the names of all events in the order in which they came."""
        return [name for (name,) in self.table("select name from custom_events order by id")]

    def fields(self, external_id: str) -> dict[str, Any]:
        """Return the stored profile fields: an export does not tell all of them."""
        ((found,),) = self.table(f"select fields from profiles where external_id = '{external_id}'")
        return dict(json.loads(found))

    def after(self, *updates: Any, **control: Any) -> Any:
        """Send values for one attribute of a new user, a request each; return what it holds in the end."""
        user = self.new_id()
        for value in updates:
            self.attributes({"external_id": user, "attribute": value, **control})
        return self.custom(user).get("attribute")


@pytest.fixture(scope="session")
def braze(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Braze]:
    """Share one sandbox between tests: it tells of its limits and does not enforce them."""
    db = tmp_path_factory.mktemp("sandbox") / "profiles.sqlite"
    with SandboxServer(db=db, api_key=KEY, limits="off") as server:
        client = Braze(server)
        yield client
        client.session.close()


@pytest.fixture(scope="module")
def start_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Braze]]:
    """Start a sandbox, with switches, for the tests of one module."""
    with ExitStack() as stack:

        def run(**options: Any) -> Braze:
            db = tmp_path_factory.mktemp("sandbox") / "profiles.sqlite"
            options.setdefault("limits", "off")  # tests that wait ask often
            client = Braze(stack.enter_context(SandboxServer(db=db, api_key=KEY, **options)))
            stack.callback(client.session.close)
            return client

        yield run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Braze]]:
    """Start a sandbox of the test's own, with switches."""
    with ExitStack() as stack:

        def run(**options: Any) -> Braze:
            options.setdefault("db", tmp_path / "profiles.sqlite")
            options.setdefault("limits", "off")
            client = Braze(stack.enter_context(SandboxServer(api_key=KEY, **options)))
            stack.callback(client.session.close)
            return client

        yield run
