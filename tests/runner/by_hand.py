"""Tables made by hand in a DuckDB file, pushed to the local Braze."""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
from company import PROJECT, Braze
from push_helpers import write_manifest

from braze_runner.client import RetryPolicy, Stop, Transport, braze_transport
from braze_runner.client.transport import Answer
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, Summary, push
from braze_runner.project import read_project
from braze_runner.sandbox import SandboxServer
from braze_runner.state import State, WarehouseTables
from braze_runner.warehouse import DbtOptions, connect

Row = tuple[str | None, str | None, dict[str, Any]]
META: dict[str, Any] = {
    "attributes": {"sync": "attributes"},
    "events": {"sync": "events"},
    "purchases": {"sync": "purchases"},
    "deletes": {"sync": "deletes"},
    "aliases": {"sync": "aliases"},
    "items": {
        "sync": "catalog_items",
        "catalog": "items",
        "catalog_fields": [{"name": "stars", "type": "number"}],
    },
}


class Hand:
    """A project whose models are the tables that exist, and the local Braze that they are pushed to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "shop.duckdb"
        self._project = folder / "project"
        self._requests_left: int | None = None
        self._kills = False
        self.braze = Braze(folder / "braze.sqlite")
        self._server = self._sandbox()

    def __enter__(self) -> Self:
        self._project.mkdir()
        output = {"type": "duckdb", "path": str(self._path), "schema": "braze"}
        (self._project / "dbt_project.yml").write_text(PROJECT)
        profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
        (self._project / "profiles.yml").write_text(json.dumps(profile))
        self.query("create schema braze")
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _sandbox(self, **options: Any) -> SandboxServer:
        return SandboxServer(db=self._folder / "braze.sqlite", seed=1, limits="off", **options)

    def restart(self, **options: Any) -> None:
        """Let the local Braze be another one."""
        self._server.stop()
        self._server = self._sandbox(**options).start()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._path)) as connection:
            return connection.execute(sql).fetchall()

    def attributes(self, *rows: Row) -> None:
        self.activities("attributes", *rows)

    def activities(self, table: str, *rows: Row) -> None:
        with duckdb.connect(str(self._path)) as connection:
            connection.execute(
                f"create table if not exists braze.{table} "
                '("UPDATED_AT" timestamp, "EXTERNAL_ID" varchar, "PAYLOAD" varchar)'
            )
            values = [(stamp, user, json.dumps(payload)) for stamp, user, payload in rows]
            connection.executemany(f"insert into braze.{table} values (?, ?, ?)", values)

    def die_after(self, requests: int) -> None:
        """Let the next push end without a word after so many requests."""
        self._requests_left, self._kills = requests, True

    def stop_after(self, requests: int) -> None:
        """Let the next push be asked to stop after so many requests."""
        self._requests_left, self._kills = requests, False

    def live(self) -> None:
        self._requests_left = None

    def push(self, **settings: Any) -> Summary:
        tables = {name for (name,) in self.query("select table_name from duckdb_tables()")}
        write_manifest(self._project, {name: meta for name, meta in META.items() if name in tables})
        config = BrazeConfig(self._server.url, "127.0.0.1", Secret(self._server.api_key))
        stop = Stop()
        transport: Transport = braze_transport(config)
        if self._requests_left is not None:
            transport = _Ending(transport, self._requests_left, stop, kills=self._kills)
        policy = RetryPolicy(tries=3, random=lambda: 0.0)
        chosen = PushSettings(**{"workers": 4} | settings)
        summary = push(self._options, config, chosen, policy=policy, transport=transport, stop=stop)
        summary.counts.check()
        return summary

    @property
    def _options(self) -> DbtOptions:
        return DbtOptions(project_dir=self._project, profiles_dir=self._project)

    def profiles(self) -> dict[str, dict[str, Any]]:
        self._flush()
        return self.braze.profiles()

    def _flush(self) -> None:
        """Let everything that was accepted be applied."""
        config = BrazeConfig(self._server.url, "127.0.0.1", Secret(self._server.api_key))
        with closing(braze_transport(config)) as transport:
            assert transport.send("POST", "/sandbox/flush", b"{}").status == 200

    def open_rejects(self) -> Counter[str]:
        with closing(connect(self._options)) as warehouse:
            project = read_project(self._options)
            state = State(WarehouseTables(warehouse, project.state), "default", "test")
            return Counter(
                reject.reason for sync in project.syncs for reject in state.open_rejects(sync.unique_id)
            )


class _Ending:
    """A transport with which the run comes to an end: by a crash, or by its own stop."""

    def __init__(self, transport: Transport, requests: int, stop: Stop, *, kills: bool) -> None:
        self._transport = transport
        self._left = requests
        self._stop = stop
        self._kills = kills

    def send(self, method: str, path: str, body: bytes | None = None, **options: Any) -> Answer:
        self._left -= 1
        if self._left < 0 and self._kills:
            raise KeyboardInterrupt
        answer = self._transport.send(method, path, body, **options)
        if self._left == 0 and not self._kills:
            self._stop.set()
        return answer

    def close(self) -> None:
        self._transport.close()
