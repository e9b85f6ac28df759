"""Runs dbt's own command line as a subprocess, and finds what it wrote."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import FrameType
from typing import Any

from braze_runner.client import Stop
from braze_runner.errors import ConfigError
from braze_runner.project import read_artifact, target_dir
from braze_runner.warehouse import DbtOptions

# dbt's option -> our field of the same meaning.
_SHARED = {f"--{field.name.replace('_', '-')}": field.name for field in fields(DbtOptions)} | {"-t": "target"}
_STDERR = 2
_PATHS = ("project_dir", "profiles_dir", "target_path")


@dataclass(frozen=True)
class DbtCommand:
    """A dbt command line that sees the same project, profile and target as the runner does."""

    program: str
    arguments: tuple[str, ...]
    options: DbtOptions

    @classmethod
    def of(cls, arguments: Sequence[str], options: DbtOptions, program: str | None = None) -> "DbtCommand":
        """Share out the options: dbt gets those that only the runner has, and the runner those of dbt.

        Raises ConfigError without a dbt, and for an option that both have with two values.
        """
        given = _shared_options(arguments)
        added: list[str] = []
        for name in dict.fromkeys(_SHARED.values()):
            ours = getattr(options, name)
            if ours is None:
                continue
            if name in given and given[name] != str(ours):
                raise ConfigError(f"--{name.replace('_', '-')} is given twice, with two values.")
            if name not in given:
                added += [f"--{name.replace('_', '-')}", str(ours)]
        theirs: dict[str, Any] = {
            name: Path(value) if name in _PATHS else value for name, value in given.items()
        }
        shared = replace(options, **theirs)
        if shared.profiles_dir is None:
            # The runner looks beside the project too, and dbt does not.
            added += ["--profiles-dir", str(shared.find_profiles_dir())]
        return cls(find_dbt(program), (*arguments, *added), shared)

    @property
    def target(self) -> Path:
        """Return the folder that it writes to."""
        return target_dir(self.options)

    def run(self, stop: Stop, *, output_to_stderr: bool = False) -> int:
        """Run dbt to its end and return its exit code; SIGINT and SIGTERM are passed on, and noted in ``stop``.

        dbt gets a process group of its own, so that Ctrl-C in a terminal reaches it once, through us. Raises
        ConfigError when it wrote no run results.
        """
        before = self._invocation()
        code = _run([self.program, *self.arguments], stop, output_to_stderr=output_to_stderr)
        if stop.signal is None and self._invocation() in (None, before):
            raise ConfigError(
                f"dbt ended with exit code {code} and wrote no run_results.json to {self.target}: nothing is pushed."
            )
        return code

    def _invocation(self) -> str | None:
        """Return the invocation whose results are there."""
        with suppress(ConfigError):
            results = read_artifact(self.target / "run_results.json")
            return str((results.get("metadata") or {}).get("invocation_id"))
        return None


def find_dbt(program: str | None = None) -> str:
    """Return the dbt to run: the one named, else what a shell would run, else the one beside this Python.

    It is started as a program and not imported, for dbt 2 is a binary and may be in another environment.
    """
    named = shutil.which(program) if program else shutil.which("dbt")
    found = named or (None if program else shutil.which("dbt", path=str(Path(sys.executable).parent)))
    if found is None:
        wanted = program or "dbt"
        raise ConfigError(f"There is no {wanted} to run: install dbt, or name its program with --dbt.")
    return found


def _shared_options(arguments: Sequence[str]) -> dict[str, str]:
    """Return what a dbt command line says about project, profile and target, by our names."""
    found: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument in _SHARED:
            found[_SHARED[argument]] = next(rest, "")
        elif equals and name in _SHARED and name != "-t":
            found[_SHARED[name]] = value
        elif argument.startswith("-t") and not argument.startswith("--"):
            found["target"] = argument[2:]
    return found


def _run(command: Sequence[str], stop: Stop, *, output_to_stderr: bool) -> int:
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None = None) -> None:
        stop.signal = number
        if process is not None:
            process.send_signal(number)

    with ExitStack() as cleanup:
        for number in (signal.SIGINT, signal.SIGTERM):
            cleanup.callback(signal.signal, number, signal.signal(number, pass_on))
        try:
            process = subprocess.Popen(  # noqa: S603 (the user's own command line)
                command,
                stdin=subprocess.DEVNULL,
                stdout=_STDERR if output_to_stderr else None,
                process_group=0 if os.name == "posix" else None,
            )
        except OSError as exc:
            raise ConfigError(f"dbt can't be started: {exc.strerror} ({command[0]}).") from exc
        if stop.signal is not None:
            process.send_signal(stop.signal)
        return process.wait()
