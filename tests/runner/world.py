"""A project with tables in a DuckDB file, the local Braze that it is pushed to, and what may be done to both."""

import hashlib
import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
from company import PROJECT, Braze
from push_helpers import write_manifest

from braze_runner.client import RetryPolicy, Stop, Transport, braze_transport
from braze_runner.client.transport import Answer
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, Summary, push
from braze_runner.engine.repair import Chosen, send_again
from braze_runner.project import read_project
from braze_runner.sandbox import SandboxServer
from braze_runner.state import OpenReject, State, WarehouseTables
from braze_runner.warehouse import DbtOptions, connect

# UPDATED_AT, EXTERNAL_ID, PAYLOAD.
Row = tuple[str | None, str | None, dict[str, Any] | str]
QUICK = RetryPolicy(tries=12, rate_limited_tries=1_000, first_wait=0.002, longest_wait=0.01)
META: dict[str, Any] = {
    "attributes": {"sync": "attributes"},
    "events": {"sync": "events"},
    "purchases": {"sync": "purchases"},
    "deletes": {"sync": "deletes"},
    "more_attributes": {"sync": "attributes"},
    "aliases": {"sync": "aliases"},
    "identifies": {"sync": "identifies"},
    "items": {
        "sync": "catalog_items",
        "catalog": "items",
        "catalog_fields": [{"name": "stars", "type": "number"}],
    },
}


class World:
    """A project whose models are the tables that exist, and the local Braze that they are pushed to.

    ``options`` are the local Braze's. Tables are as somebody made them by hand, or logs of this package.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder = folder
        self.path = folder / "shop.duckdb"
        self.project = folder / "project"
        self.models = META
        self.options = DbtOptions(project_dir=self.project, profiles_dir=self.project)
        self._requests_left: int | None = None
        self._kills = self._sends = False
        self.braze = Braze(folder / "braze.sqlite")
        self._server = self._sandbox(**options)

    def __enter__(self) -> Self:
        self.project.mkdir()
        output = {"type": "duckdb", "path": str(self.path), "schema": "braze"}
        (self.project / "dbt_project.yml").write_text(PROJECT)
        profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
        (self.project / "profiles.yml").write_text(json.dumps(profile))
        self.query("create schema braze")
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _sandbox(self, **options: Any) -> SandboxServer:
        return SandboxServer(**{"db": self._folder / "braze.sqlite", "seed": 1, "limits": "off"} | options)

    def restart(self, **options: Any) -> None:
        """Let the local Braze be another one."""
        self._server.stop()
        self._server = self._sandbox(**options).start()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def by_hand(self, table: str, *rows: Row) -> None:
        """Insert rows into a table that has CDI's columns and no others."""
        self.insert(table, "", [(*row[:2], _text(row[2])) for row in rows])

    def log(self, table: str, batch: str, *rows: Row) -> None:
        """Insert rows of one dbt run; a user has the same braze_row in each."""
        self.insert(
            table,
            ", braze_batch varchar, braze_row varchar",
            [
                (*row[:2], _text(row[2]), batch, hashlib.sha256(str(row[1]).encode()).hexdigest())
                for row in rows
            ],
        )

    def insert(self, table: str, more: str, rows: list[tuple[Any, ...]]) -> None:
        has_payload = META[table]["sync"] != "deletes"
        payload = ', "PAYLOAD" varchar' if has_payload else ""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(
                f"create table if not exists braze.{table} "
                f'("UPDATED_AT" timestamp, "EXTERNAL_ID" varchar{payload}{more})'
            )
            kept = rows if has_payload else [row[:2] + row[3:] for row in rows]
            names = [f"c{place}" for place in range(len(kept[0]))]
            columns = zip(names, zip(*kept, strict=True), strict=True)
            connection.register(
                "added", pa.table({name: pa.array(each, pa.string()) for name, each in columns})
            )
            connection.execute(f"insert into braze.{table} select * from added")

    def die_after(self, requests: int, *, sent: bool = False) -> None:
        """Let the next run end without a word in place of the request after so many, or of its answer."""
        self._requests_left, self._kills, self._sends = requests, True, sent

    def stop_after(self, requests: int) -> None:
        """Let the next push be asked to stop after so many requests."""
        self._requests_left, self._kills = requests, False

    def live(self) -> None:
        self._requests_left = None

    def push(self, policy: RetryPolicy = QUICK, **settings: Any) -> Summary:
        stop, transport = self._ending()
        self.write_manifest()
        chosen = PushSettings(**{"workers": 4} | settings)
        summary = push(self.options, self.config, chosen, policy=policy, transport=transport, stop=stop)
        summary.counts.check()
        return summary

    def retry(self, chosen: Chosen = lambda _: True, **settings: Any) -> Summary:
        stop, transport = self._ending()
        again = PushSettings(**settings)
        summary = send_again(
            self.options, self.config, chosen, again, policy=QUICK, transport=transport, stop=stop
        )
        summary.counts.check()
        return summary

    def _ending(self) -> tuple[Stop, Transport]:
        """Return what ends the next run, if it is to end."""
        stop, transport = Stop(), braze_transport(self.config)
        if self._requests_left is None:
            return stop, transport
        return stop, _Ending(transport, self._requests_left, stop, kills=self._kills, sends=self._sends)

    def write_manifest(self) -> None:
        """Let the tables that exist be the models."""
        tables = {name for (name,) in self.query("select table_name from duckdb_tables()")}
        write_manifest(self.project, {name: meta for name, meta in self.models.items() if name in tables})

    @property
    def config(self) -> BrazeConfig:
        return BrazeConfig(self._server.url, "127.0.0.1", Secret(self._server.api_key))

    def faults(self, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        """Put faults in force; returns those that were, with how often they may still happen."""
        before = json.loads(self._control("GET", "/sandbox/faults"))
        self._control("PUT", "/sandbox/faults", json.dumps(rules).encode())
        return list(before)

    def flush(self) -> None:
        """Let everything that was accepted be applied."""
        self._control("POST", "/sandbox/flush", b"{}")

    def _control(self, method: str, path: str, body: bytes | None = None) -> bytes:
        with closing(braze_transport(self.config)) as transport:
            answer = transport.send(method, path, body)
        assert answer.status == 200, answer
        return answer.body

    def profiles(self) -> dict[str, dict[str, Any]]:
        self.flush()
        return self.braze.profiles()

    def rejects(self) -> list[OpenReject]:
        """Return what is open of every sync."""
        with closing(connect(self.options)) as warehouse:
            project = read_project(self.options)
            state = State(WarehouseTables(warehouse, project.state), "default", "test")
            return [reject for sync in project.syncs for reject in state.open_rejects(sync.unique_id)]

    def reasons(self) -> Counter[str]:
        return Counter(reject.reason for reject in self.rejects())


def _text(payload: dict[str, Any] | str) -> str:
    return payload if isinstance(payload, str) else json.dumps(payload)


class _Ending:
    """A transport with which the run comes to an end: by a crash, or by its own stop."""

    def __init__(self, transport: Transport, requests: int, stop: Stop, *, kills: bool, sends: bool) -> None:
        self._transport = transport
        self._left = requests
        self._stop = stop
        self._kills = kills
        self._sends = sends

    def send(self, method: str, path: str, body: bytes | None = None, **options: Any) -> Answer:
        self._left -= 1
        dies = self._left < 0 and self._kills
        if dies and not self._sends:
            raise KeyboardInterrupt
        answer = self._transport.send(method, path, body, **options)
        if dies:
            raise KeyboardInterrupt
        if self._left == 0 and not self._kills:
            self._stop.set()
        return answer

    def close(self) -> None:
        self._transport.close()
