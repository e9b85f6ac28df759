"""`run --dbt-cloud-run` against a local stand-in of dbt Cloud's artifacts, then a real push to a local Braze."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from push_helpers import KEY, SYNC, Shop, user
from raw_server import answer, keeping, serving

from braze_runner.cli import group
from braze_runner.dbt_runs import DbtCloud
from braze_runner.errors import BrazeRunnerError, ConfigError

TOKEN = "token-that-nobody-may-see"  # noqa: S105 (made up)
PATH = "/api/v2/accounts/7/runs/42/artifacts/"


class FakeDbtCloud:
    """Serves artifacts by step; None is the last step. As documented, an unknown one is 404 with a status object."""

    def __init__(self) -> None:
        self.steps: dict[str | None, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.url = ""

    def answer(self, target: str, authorization: str | None) -> tuple[int, bytes]:
        parts = urlsplit(target)
        self.calls.append(parts.path)
        if authorization != f"Token {TOKEN}":
            return 401, b'{"status":{"code":401,"user_message":"Invalid token."}}'
        step = parse_qs(parts.query).get("step", [None])[0]
        artifact = self.steps.get(step, {}).get(parts.path.removeprefix(PATH))
        if artifact is None:
            return 404, b'{"status":{"code":404,"user_message":"The requested resource was not found."}}'
        return 200, json.dumps(artifact).encode()


@pytest.fixture
def cloud() -> Iterator[FakeDbtCloud]:
    fake = FakeDbtCloud()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = fake.answer(self.path, self.headers.get("Authorization"))
            self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


def artifacts(shop: Shop, which: str = "build", status: str = "success", **others: str) -> dict[str, Any]:
    """What a job that built the shop's sync leaves; `others` are statuses of other syncs."""
    assert shop.options.project_dir is not None
    shop.write_manifest({"sync": "attributes"}, **{name: {"sync": "attributes"} for name in others})
    path = shop.options.project_dir / "target" / "manifest.json"
    manifest = json.loads(path.read_text())
    # What is on this machine must not count.
    path.unlink()
    manifest["metadata"]["invocation_id"] = "of-the-job"
    statuses = {SYNC: status} | {f"model.shop.{name}": each for name, each in others.items()}
    results = {
        "metadata": {"invocation_id": "of-the-job"},
        "args": {"which": which},
        "results": [{"unique_id": name, "status": each} for name, each in statuses.items()],
    }
    return {"manifest.json": manifest, "run_results.json": results}


def run(shop: Shop, cloud: FakeDbtCloud, *arguments: str, **variables: str | None) -> Result:
    environment: dict[str, str | None] = {
        "BRAZE_REST_ENDPOINT": shop.braze.url,
        "BRAZE_API_KEY": KEY,
        "DBT_CLOUD_API_TOKEN": TOKEN,
        "DBT_CLOUD_ACCOUNT_ID": "7",
        "DBT_CLOUD_HOST": cloud.url,
        "COLUMNS": "200",
    }
    command = ["run", "--project-dir", str(shop.options.project_dir), "--dbt-cloud-run", "42", *arguments]
    result = CliRunner().invoke(group, command, env=environment | variables)
    assert TOKEN not in result.output
    return result


def error_of(result: Result) -> tuple[int, str]:
    assert isinstance(result.exception, BrazeRunnerError), result.output
    assert TOKEN not in str(result.exception)
    return result.exception.exit_code, str(result.exception)


def test_what_the_job_built_is_pushed(shop: Shop, cloud: FakeDbtCloud) -> None:
    shop.add_users(5)
    cloud.steps[None] = artifacts(shop, broken="error")
    result = run(shop, cloud)
    # As after a dbt that fails here.
    assert result.exit_code == 1, result.output
    assert "dbt failed in the run 42 of dbt Cloud." in result.output
    assert "users_attributes_sync is pushed: its model succeeded; it has no tests." in result.output
    assert "broken is not pushed: its model ended with error." in result.output
    assert shop.braze.users() == [user(number) for number in range(5)]
    assert cloud.calls == [f"{PATH}manifest.json", f"{PATH}run_results.json"]


def test_what_the_job_did_not_build_is_not_pushed(shop: Shop, cloud: FakeDbtCloud) -> None:
    shop.add_users(5)
    cloud.steps[None] = artifacts(shop, status="skipped")
    result = run(shop, cloud, "--output", "json")
    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert [(each["name"], each["passed"]) for each in shown["syncs"]] == [("users_attributes_sync", False)]
    assert (shown["push"], shop.braze.raw) == (None, [])
    assert (shown["dbt_exit_code"], shown["error"]) == (None, "dbt failed in the run 42 of dbt Cloud.")


def test_the_last_step_may_have_built_nothing(shop: Shop, cloud: FakeDbtCloud) -> None:
    shop.add_users(5)
    cloud.steps = {None: artifacts(shop, "generate"), "3": artifacts(shop)}
    code, sentence = error_of(run(shop, cloud))
    assert (code, "results of `dbt generate`" in sentence, "--dbt-cloud-step" in sentence) == (2, True, True)
    assert shop.braze.raw == []
    assert run(shop, cloud, "--dbt-cloud-step", "3").exit_code == 0
    assert len(shop.braze.users()) == 5


def test_a_run_without_artifacts(shop: Shop, cloud: FakeDbtCloud) -> None:
    code, sentence = error_of(run(shop, cloud))
    assert code == 3
    assert "with 404: The requested resource was not found. Has the run ended" in sentence
    sentence = error_of(run(shop, cloud, DBT_CLOUD_API_TOKEN=TOKEN[:-1]))[1]
    assert "Invalid token. Check DBT_CLOUD_API_TOKEN, DBT_CLOUD_ACCOUNT_ID and DBT_CLOUD_HOST." in sentence


def test_the_token_goes_nowhere_else(shop: Shop, cloud: FakeDbtCloud) -> None:
    with serving(keeping(answer(b"{}", "200 OK"))) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}{PATH}manifest.json"
        with serving(keeping(answer(b"", "302 Found", location))) as redirecting:
            cloud.url = f"http://127.0.0.1:{redirecting.port}"
            code, sentence = error_of(run(shop, cloud))
            assert len(redirecting.requests) == 1
        assert elsewhere.connections == 0
    assert (code, "redirects, which is never followed" in sentence) == (3, True)


def test_configuration() -> None:
    variables = {"DBT_CLOUD_API_TOKEN": TOKEN, "DBT_CLOUD_ACCOUNT_ID": "7"}
    assert DbtCloud.read(variables).origin.url == "https://cloud.getdbt.com"
    named = DbtCloud.read(variables | {"DBT_CLOUD_HOST": "ab123.us1.dbt.com"})
    assert (named.origin.url, named.origin.is_loopback) == ("https://ab123.us1.dbt.com", False)
    assert TOKEN not in repr(named)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("DBT_CLOUD_API_TOKEN", "", "is not set"),
        ("DBT_CLOUD_API_TOKEN", "a\r\nb", "characters that no key has"),
        ("DBT_CLOUD_ACCOUNT_ID", " ", "is not set"),
        ("DBT_CLOUD_ACCOUNT_ID", "7/../8", "must be a number"),
        ("DBT_CLOUD_HOST", "http://cloud.getdbt.com", "must be https"),
        ("DBT_CLOUD_HOST", "https://cloud.getdbt.com@evil.example", "a host alone"),
        ("DBT_CLOUD_HOST", "https://cloud.getdbt.com/api", "a host alone"),
        ("DBT_CLOUD_HOST", "https://evil.example/?.getdbt.com", "a host alone"),
    ],
)
def test_configuration_that_is_wrong(name: str, text: str, words: str) -> None:
    right = {"DBT_CLOUD_API_TOKEN": TOKEN, "DBT_CLOUD_ACCOUNT_ID": "7"}
    with pytest.raises(ConfigError, match=f"{name}.* {words}"):
        DbtCloud.read(right | {name: text})


def test_one_of_both(shop: Shop, cloud: FakeDbtCloud) -> None:
    assert run(shop, cloud, "--", "build").exit_code == 2
    assert CliRunner().invoke(group, ["run"]).exit_code == 2
    assert CliRunner().invoke(group, ["run", "--dbt-cloud-step", "2", "--", "build"]).exit_code == 2
