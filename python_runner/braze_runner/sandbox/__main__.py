"""The child process of ``SandboxServer``: settings from the first input line, until the input ends."""

import sys

from braze_runner.errors import BrazeRunnerError
from braze_runner.sandbox.listen import listen
from braze_runner.sandbox.settings import Settings


def _tell(word: str, text: object) -> None:
    sys.stdout.write(f"{word} {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve, and tell the parent the URL, or in one sentence why not."""
    settings = Settings.from_json(sys.stdin.readline())
    try:
        listen(settings, lambda url: _tell("listening", url), until_eof=sys.stdin.fileno())
    except BrazeRunnerError as exc:
        _tell("failed", exc)


if __name__ == "__main__":
    main()
