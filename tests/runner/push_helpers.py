"""A Braze that answers what a test tells it to, and a dbt project with one sync table."""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from braze_runner.client import RetryPolicy
from braze_runner.config import BrazeConfig, Secret
from braze_runner.engine import PushSettings, Summary, push
from braze_runner.project import read_project
from braze_runner.state import OpenReject, State, WarehouseTables
from braze_runner.warehouse import DbtOptions, connect

KEY = "key-that-nobody-may-see"
SYNC = "model.shop.users_attributes_sync"

Answer = tuple[int, dict[str, str], bytes]
Script = Callable[[int, dict[str, Any]], Answer | None]
Row = tuple[str | None, str | None]


class FakeBraze:
    """Accepts everything; ``script`` may answer otherwise, given the request's number and its JSON body."""

    def __init__(self) -> None:
        self.script: Script = lambda _number, _body: None
        self.headers: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        self.paths: list[str] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, headers: dict[str, str], raw: bytes) -> Answer:
        with self._lock:
            self.headers.append(headers)
            self.raw.append(raw)
            number = len(self.raw)
        body = json.loads(raw)
        return self.script(number, body) or success(len(body.get("attributes", ())))

    def objects(self) -> list[dict[str, Any]]:
        """Every object of every request."""
        return [each for raw in self.raw for each in json.loads(raw)["attributes"]]

    def users(self) -> list[str]:
        return sorted(each["external_id"] for each in self.objects())


class _Handler(BaseHTTPRequestHandler):
    fake: FakeBraze
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.fake.paths.append(self.path)
        status, headers, body = self.fake.answer(dict(self.headers.items()), raw)
        headers = {"Content-Length": str(len(body))} | headers
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)
        self.close_connection = int(headers["Content-Length"]) != len(body)


def success(count: int, errors: Sequence[dict[str, Any]] = ()) -> Answer:
    body: dict[str, Any] = {"message": "success", "attributes_processed": count}
    return 201, {}, json.dumps(body | ({"errors": list(errors)} if errors else {})).encode()


def error(index: Any, text: str = "EMAIL_BAD_FORMAT", array: str = "attributes") -> dict[str, Any]:
    return {"type": text, "input_array": array, "index": index}


def write_manifest(project_dir: Path, models: dict[str, Any]) -> None:
    """Write the manifest of a project whose models, in the schema braze, have these metas."""
    nodes = {}
    for name, meta in models.items():
        nodes[f"model.shop.{name}"] = {
            "unique_id": f"model.shop.{name}",
            "resource_type": "model",
            "name": name,
            "database": "shop",
            "schema": "braze",
            "config": {"materialized": "incremental", "meta": {"braze": meta}},
        }
    version = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    target = project_dir / "target"
    target.mkdir(exist_ok=True)
    manifest = {"metadata": {"dbt_schema_version": version}, "nodes": nodes}
    (target / "manifest.json").write_text(json.dumps(manifest))


class Shop:
    """A project with one sync table, and pushes of it."""

    def __init__(self, options: DbtOptions, braze: FakeBraze, path: Path) -> None:
        self.options = options
        self.braze = braze
        self.path = path
        self.query("create schema braze")
        self.query(
            "create table braze.users_attributes_sync ("
            '"UPDATED_AT" timestamp, "EXTERNAL_ID" varchar, "PAYLOAD" varchar, '
            "braze_batch varchar, braze_row varchar, row_hash varchar, attribute_hashes varchar)"
        )
        self.write_manifest({"sync": "attributes"})

    @property
    def environment(self) -> dict[str, str]:
        """What a process of its own needs to push."""
        return {
            "BRAZE_REST_ENDPOINT": self.braze.url,
            "BRAZE_API_KEY": KEY,
            "SHOP_PATH": str(self.path),
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def write_manifest(self, meta: Any, **models: Any) -> None:
        assert self.options.project_dir is not None
        write_manifest(self.options.project_dir, {"users_attributes_sync": meta, **models})

    def add(self, rows: Sequence[Row], batch: str = "batch-1", day: int = 1) -> None:
        """Append (external_id, payload) rows in the order of their ``braze_row``."""
        table = pa.table(
            {
                "external_id": [external_id for external_id, _ in rows],
                "payload": [payload for _, payload in rows],
                "braze_row": [row_name(number, len(rows)) for number in range(len(rows))],
            }
        )
        with duckdb.connect(str(self.path)) as connection:
            connection.register("added", table)
            connection.execute(
                "insert into braze.users_attributes_sync by name select *, "
                f"timestamp '2026-01-{day:02}' as updated_at, '{batch}' as braze_batch from added"
            )

    def add_users(self, count: int, batch: str = "batch-1", day: int = 1) -> None:
        self.add([(user(number), f'{{"day": {day}}}') for number in range(count)], batch, day)

    def push(self, host: str = "127.0.0.1", destination: str = "default", **settings: Any) -> Summary:
        config = BrazeConfig(self.braze.url, host, Secret(KEY), destination)
        quick = RetryPolicy(tries=3, random=lambda: 0.0)
        return push(self.options, config, PushSettings(**{"workers": 4} | settings), policy=quick)

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.query(
            "select entry, braze_batch, rows_sent, rows_rejected from braze.braze_sync_ledger "
            "where entry in ('progress', 'done') order by recorded_at, seq"
        )

    def rejects(self) -> list[tuple[Any, ...]]:
        return self.query(
            "select identifier, reason, message, http_status from braze.braze_sync_rejects order by braze_row"
        )

    def open_rejects(self, destination: str = "default") -> list[OpenReject]:
        with closing(connect(self.options)) as warehouse:
            tables = WarehouseTables(warehouse, read_project(self.options).state)
            return list(State(tables, destination, "test").open_rejects(SYNC))

    def runs(self) -> list[str]:
        rows = self.query("select status from braze.braze_sync_runs order by recorded_at")
        return [status for (status,) in rows]


def user(number: int) -> str:
    return f"customer-{number:06}"


def row_name(number: int, of: int) -> str:
    """A hash-like name: spread over the whole range, in the order of the numbers."""
    return f"{number * 2**128 // of:032x}"
