"""The three CDI calls of Braze's REST API: integrations whose jobs end after so many looks at them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "key-that-nobody-may-see"
PAGE = 10


@dataclass
class Job:
    """A job, which ends at the look that leaves it none."""

    start: str
    end: dict[str, Any]
    looks: int = 0

    def shown(self) -> dict[str, Any]:
        if self.looks > 0:
            return {"job_status": "running", "sync_start_time": self.start, "sync_finish_time": None}
        return {"sync_start_time": self.start, "sync_finish_time": self.start, **self.end}


@dataclass
class Integration:
    """`ends` are those of the jobs to come; a job shows up `hidden` looks after its trigger."""

    id: str
    name: str
    jobs: list[Job] = field(default_factory=list)
    ends: list[dict[str, Any]] = field(default_factory=list)
    hidden: int = 0
    triggers: int = 0

    def trigger(self, looks: int) -> bool:
        if self.jobs and self.jobs[0].looks > 0:
            return False
        self.triggers += 1
        self.jobs.insert(0, Job(f"2026-02-{len(self.jobs) + 1:02}T00:00:00.000Z", self.ends.pop(0), looks))
        return True


class FakeCdi:
    """Answers as the documentation has it; `looks` is how often a new job is seen running."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.integrations: list[Integration] = []
        self.looks = 2
        self.oldest_first = False
        self.refusal: tuple[int, bytes] | None = None
        self.calls: list[str] = []
        self.on_look: Callable[[Integration], None] = lambda _: None

    def answer(self, method: str, target: str, key: str) -> tuple[int, list[str], bytes]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.calls.append(f"{method} {path}")
        if self.refusal:
            return self.refusal[0], [], self.refusal[1]
        if key != f"Bearer {KEY}":
            return 401, [], b'{"message":"Invalid API Key"}'
        parts = path.split("/")[1:]
        if (method, parts) == ("GET", ["cdi", "integrations"]):
            return self._page(path, [self._listed(each) for each in self.integrations], query)
        found = next((each for each in self.integrations if each.id == parts[2]), None)
        if found is None:
            return 404, [], b'{"message":"Integration not found"}'
        if (method, parts[3]) == ("POST", "sync"):
            if found.trigger(self.looks):
                return 202, [], b'{"message":"success"}'
            return 429, [], b'{"message":"Another job is in progress"}'
        return self._status(found, path, query)

    def _status(
        self, found: Integration, path: str, query: dict[str, list[str]]
    ) -> tuple[int, list[str], bytes]:
        self.on_look(found)
        if found.hidden:
            found.hidden -= 1
        jobs = found.jobs[1:] if found.hidden and found.triggers else list(found.jobs)
        shown = [job.shown() for job in jobs]
        for job in jobs:
            job.looks -= 1
        return self._page(path, shown[::-1] if self.oldest_first else shown, query)

    def _listed(self, each: Integration) -> dict[str, Any]:
        last = each.jobs[0].shown() if each.jobs else {}
        return {
            "integration_id": each.id,
            "app_group_id": "a",
            "integration_name": each.name,
            "integration_type": "users",
            "integration_status": "active",
            "contact_emails": "",
            "last_updated_at": "2026-01-01T00:00:00Z",
            "warehouse_type": "Snowflake",
            "last_job_start_time": last.get("sync_start_time"),
            "last_job_status": last.get("job_status"),
            "next_scheduled_run": None,
        }

    def _page(
        self, path: str, results: list[Any], query: dict[str, list[str]]
    ) -> tuple[int, list[str], bytes]:
        first = int(query.get("cursor", ["0"])[0])
        links = [f'<{path}?cursor={first - PAGE}>; rel="prev"'] if first else []
        if first + PAGE < len(results):
            # As the documentation shows it, without the slash before the id.
            broken = path.replace("integrations/", "integrations")
            links.append(f'<{broken}?cursor={first + PAGE}>; rel="next"')
        body = {"results": results[first : first + PAGE], "message": "success"}
        return 200, [f"link: {','.join(links)}"] if links else [], json.dumps(body).encode()


@contextmanager
def serving_cdi() -> Iterator[FakeCdi]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = fake.answer(
                self.command, self.path, self.headers.get("Authorization", "")
            )
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
            self.wfile.write("\r\n".join(lines).encode() + body)

        def do_POST(self) -> None:
            self.do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeCdi(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
