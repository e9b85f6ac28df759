"""Start and stop the sandbox: in this process for the command, in a child process for programs and tests."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from braze_runner.errors import ConfigError, StoppedError
from braze_runner.extras import require_extra
from braze_runner.sandbox.settings import DEFAULT_API_KEY, DEFAULT_DATABASE, Settings

START_SECONDS = 60
STOP_SECONDS = 30


def serve(settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``started`` gets the URL as soon as requests are answered."""
    require_extra("sandbox", "The sandbox")
    from braze_runner.sandbox.listen import listen  # noqa: PLC0415 (needs the extra)

    listen(settings, started)


class SandboxServer:
    """A sandbox in a child process, which ends with this object's ``with`` block or with this process.

    ``options`` are further fields of ``Settings``. Port 0 is any free one.
    """

    def __init__(
        self,
        db: Path | str = DEFAULT_DATABASE,
        api_key: str = DEFAULT_API_KEY,
        port: int = 0,
        **options: Any,
    ) -> None:
        require_extra("sandbox", "The sandbox")
        self.settings = Settings(db=Path(db), api_key=api_key, port=port, **options)
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:40123``; StoppedError before it has started."""
        if not self._url:
            raise StoppedError("The sandbox is not running.")
        return self._url

    @property
    def api_key(self) -> str:
        """The key that its requests need."""
        return self.settings.api_key

    def start(self) -> Self:
        """Start the child and wait until it answers; ConfigError or StoppedError if it ends first."""
        process = subprocess.Popen(
            [sys.executable, "-m", "braze_runner.sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which may still have requests in flight
        )
        self._process = process
        deadline = threading.Timer(START_SECONDS, process.kill)
        deadline.start()
        try:
            self._send_settings(process)
            line = process.stdout.readline() if process.stdout else ""
        finally:
            deadline.cancel()
        word, _, rest = line.strip().partition(" ")
        if word != "listening":
            self.stop()
            if word == "failed":
                raise ConfigError(rest)
            raise StoppedError(f"The sandbox did not start: its process ended with {process.returncode}.")
        self._url = rest
        return self

    def _send_settings(self, process: subprocess.Popen[str]) -> None:
        # By the pipe, since a command line or an environment could show the key to others. It stays open: its
        # end tells the child that this process is gone.
        try:
            if process.stdin is not None:
                process.stdin.write(self.settings.to_json() + "\n")
                process.stdin.flush()
        except BrokenPipeError:
            pass

    def stop(self) -> None:
        """Let the child finish what it has, close its file and end; kill it if it does not."""
        process, self._process, self._url = self._process, None, ""
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
