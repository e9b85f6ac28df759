"""What every engine offers to the tests."""

import json
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[3]
# The kinds of value that the tests write into source tables.
KINDS = (
    "string",
    "integer",
    "decimal",
    "float",
    "boolean",
    "date",
    "timestamp",
    "array",
    "object",
    "json",
)


class EngineCrashedError(Exception):
    """The engine itself is gone, which says nothing about the models."""


class Engine(ABC):
    """One warehouse: its processes, its dbt profile, and how its SQL writes the values of the tests."""

    name: ClassVar[str]
    # SQL type of a source column for each kind; an array holds strings, an object {city: string, since: timestamp}.
    types: ClassVar[dict[str, str]]
    # Where it listens; 0 where nothing has to be reached.
    port = 0
    # False where JSON that differs in the order of its keys counts as changed.
    sorts_json_keys: ClassVar[bool] = True
    # False where an array that is null is stored as an empty one.
    holds_null_arrays: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        """Keep the folder for files and logs; nothing runs yet."""
        self.folder = folder
        self.processes: list[Process] = []

    @abstractmethod
    def start(self) -> None:
        """Start the processes and return once the engine answers."""

    @abstractmethod
    def output(self) -> dict[str, Any]:
        """Return the target of profiles.yml."""

    def profile(self) -> dict[str, Any]:
        """Return the target as it is written into a project's profiles.yml."""
        return self.output()

    @abstractmethod
    def literal(self, value: Any, kind: str) -> str:
        """Return the SQL expression of a Python value for a column of this kind; None gives null.

        string, json: str; integer: int; decimal: Decimal; float: float; boolean: bool; date: date;
        timestamp: naive datetime in UTC; array: list of str; object: {"city": str | None, "since": datetime | None}.
        """

    @abstractmethod
    def judge(self, statements: Sequence[str]) -> list[str]:
        """Return what the real warehouse would refuse in these statements, by whatever knows its dialect."""

    def stop(self) -> None:
        """Stop every process."""
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()

    def check_alive(self) -> None:
        """Raise EngineCrashedError with the end of the log when a process of the engine has ended."""
        for process in self.processes:
            process.check_alive()

    def spawn(self, command: Sequence[str | Path], name: str, **environment: str) -> "Process":
        """Start one process of the engine, in the engine's own virtual environment if the command says so."""
        process = Process([str(part) for part in command], self.folder, name, environment)
        self.processes.append(process)
        return process

    def ask_judge(self, script: Path, question: Any) -> list[str]:
        """Run a judge in the engine's own environment: JSON in, a list of problems out."""
        answer = subprocess.run(
            [self.bin("python"), script],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(f"{script.parent.name}'s judge failed:\n{answer.stderr[-3000:]}")
        problems: list[str] = json.loads(answer.stdout)
        return problems

    @classmethod
    def bin(cls, program: str) -> Path:
        """Return a program of the engine's own virtual environment, made by `make setup-warehouses`."""
        folder = Path(os.environ.get("DBT_BRAZE_ENGINES", ROOT / ".engines"))
        return folder / cls.name / "bin" / program


class Process:
    """A child process with its output in a file."""

    def __init__(self, command: list[str], folder: Path, name: str, environment: dict[str, str]) -> None:
        """Start it, in a process group of its own."""
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def check_alive(self) -> None:
        """Raise EngineCrashedError if it has ended."""
        code = self._child.poll()
        if code is not None:
            end = self.log.read_text(errors="replace")[-3000:]
            raise EngineCrashedError(f"{self.name} ended with {code}:\n{end}")

    def wait_until(self, answers: Callable[[], bool], seconds: float = 90) -> None:
        """Return once `answers()` is true; raise EngineCrashedError when the process ends or time is up."""
        deadline = time.monotonic() + seconds
        while not answers():
            self.check_alive()
            if time.monotonic() > deadline:
                raise EngineCrashedError(f"{self.name} does not answer:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it and its children, by force if it does not listen."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:
                break
            try:
                os.killpg(self._child.pid, sign)
                self._child.wait(timeout=10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether something accepts connections on the port."""
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0
