"""The page on the root: what the sandbox holds and what it was asked, to look at while a sync runs.

Everything in it is escaped, and it loads nothing from anywhere.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from braze_runner.sandbox.control import counts
from braze_runner.sandbox.handle import Sandbox
from braze_runner.sandbox.http import is_asked_locally
from braze_runner.sandbox.settings import is_loopback

REFRESH_SECONDS = 2
ROWS = 20
SHOWN_CHARS = 200

_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:0 0 2em}"
    "th,td{text-align:left;padding:.2em 1em .2em 0;border-bottom:1px solid #ddd;vertical-align:top}"
    "td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}h2{font-size:1.1em;margin:0 0 .3em}"
)
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

_REQUESTS = (
    "select path, status, count(*), sum(objects), sum(errors) from requests group by 1, 2"
    " order by 3 desc, 1, 2 limit ?"
)
_ERRORS = (
    "select time, method || ' ' || path, status, coalesce(detail, ''), coalesce(fault, '') from requests"
    " where status >= 400 or status = 0 or errors > 0 or fault is not null order by number desc limit ?"
)
_PROFILES = (
    "select coalesce(external_id, ''), coalesce(email, ''), coalesce(phone, ''), fields, custom_attributes"
    " from profiles order by id desc limit ?"
)
_QUEUE = "select kind, count(*), coalesce(failed, '') from queue group by 1, 3 order by 1, 3"
_JOBS = (
    "select number, integration_id, status, rows_synced, rows_failed, coalesce(message, '') from cdi_jobs"
    " order by number desc limit ?"
)


def page(sandbox: Sandbox, request: Request) -> Response:
    """Return the page; without a key only on loopback, asked for by a loopback name."""
    if not _is_open(sandbox, request) and not _has_key(sandbox, request):
        return Response(
            "The page needs the sandbox's key as password.\n",
            401,
            {"www-authenticate": 'Basic realm="sandbox"'},
        )
    return HTMLResponse(_html(sandbox), headers=_HEADERS)


def _is_open(sandbox: Sandbox, request: Request) -> bool:
    return is_loopback(sandbox.settings.host) and is_asked_locally(request)


def _has_key(sandbox: Sandbox, request: Request) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return sandbox.refusal_of_key(request) is None
    try:
        _, _, password = base64.b64decode(given).partition(b":")
    except ValueError:
        return False
    return sandbox.is_key(password, request)


def _html(sandbox: Sandbox) -> str:
    rows = sandbox.store.connection.execute
    counted = counts(sandbox)
    faults = [(rule.kind, rule.share, rule.paths or "all", rule.times) for rule in sandbox.faults.rules]
    tables = (
        _table("Counts", list(counted), [tuple(counted.values())]),
        _table("Requests", ["path", "status", "requests", "objects", "rejected"], rows(_REQUESTS, (ROWS,))),
        _table("Latest errors", ["time", "request", "status", "text", "fault"], rows(_ERRORS, (ROWS,))),
        _table("Queued", ["kind", "requests", "failed"], rows(_QUEUE)),
        _table("Faults", ["kind", "share", "paths", "times left"], faults),
        _table(
            "Runs of Cloud Data Ingestion",
            ["run", "integration", "status", "synced", "failed", "message"],
            rows(_JOBS, (ROWS,)),
        ),
        _table(
            "Newest profiles",
            ["external_id", "email", "phone", "fields", "custom attributes"],
            rows(_PROFILES, (ROWS,)),
        ),
    )
    head = (
        f'<meta charset="utf-8"><meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
        f"<title>Local Braze</title><style>{_STYLE}</style>"
    )
    body = f"<h1>Local Braze</h1>{''.join(tables)}"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def _table(title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table, or nothing where it would be empty."""
    body = "".join(f"<tr>{''.join(_cell('td', value) for value in row)}</tr>" for row in rows)
    head = "".join(_cell("th", name) for name in names)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>" if body else ""


def _cell(tag: str, value: Any) -> str:
    text = "" if value is None else str(value)
    shown = text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
    return f"<{tag}>{escape(shown)}</{tag}>"
