"""Artifacts of a job run of dbt Cloud, fetched from its Administrative API (docs.getdbt.com/dbt-cloud/api-v2)."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from braze_runner.client import HttpTransport, Stop
from braze_runner.client.api import Api, ApiError
from braze_runner.client.connections import Origin
from braze_runner.config import Secret, is_loopback, read_origin, read_secret
from braze_runner.errors import ConfigError, StoppedError

TOKEN, ACCOUNT, HOST = "DBT_CLOUD_API_TOKEN", "DBT_CLOUD_ACCOUNT_ID", "DBT_CLOUD_HOST"
DEFAULT_HOST = "cloud.getdbt.com"
ARTIFACTS = ("manifest.json", "run_results.json")
_WRONG_TOKEN = f" Check {TOKEN}, {ACCOUNT} and {HOST}."
_HINTS: dict[int | None, str] = {
    401: _WRONG_TOKEN,
    403: _WRONG_TOKEN,
    404: " Has the run ended, and did it write this?",
}


@dataclass(frozen=True)
class DbtCloud:
    """An account of dbt Cloud; the token goes to this origin and nowhere else."""

    origin: Origin
    account: str
    token: Secret

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "DbtCloud":
        """Read the configuration; raises ConfigError with one sentence on what is missing or wrong."""
        for name in (TOKEN, ACCOUNT):
            if not environment.get(name, "").strip():
                raise ConfigError(f"{name} is not set.")
        account = environment[ACCOUNT].strip()
        if not (account.isascii() and account.isdigit()):
            raise ConfigError(f"{ACCOUNT} must be a number.")
        url, host = read_origin(HOST, environment.get(HOST, "").strip() or DEFAULT_HOST)
        return cls(
            Origin(url, is_loopback=is_loopback(host)), account, read_secret(TOKEN, environment[TOKEN])
        )

    def download(self, run: int, folder: Path, stop: Stop, step: int | None = None) -> None:
        """Write manifest.json and run_results.json of a run into a folder; without a ``step`` of its last one.

        Raises StoppedError when dbt Cloud does not give them.
        """
        query = {"step": str(step)} if step is not None else None
        transport = HttpTransport(self.origin, Secret(f"Token {self.token.reveal()}"))
        with closing(Api(transport, stop, name="dbt Cloud")) as api:
            for name in ARTIFACTS:
                path = f"/api/v2/accounts/{self.account}/runs/{run}/artifacts/{name}"
                try:
                    (folder / name).write_bytes(api.download(path, query))
                except ApiError as exc:
                    raise StoppedError(f"{exc}{_HINTS.get(exc.status, '')}") from exc
