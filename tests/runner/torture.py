"""Pushes a company while the runner is killed again and again; in the end everything has to be right.

``make torture`` is the long form: 200,000 rows, every moment, 100 random ones.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import killed
from company import Braze, check, expected_events, write_company
from killed import MOMENTS

import forks
from braze_runner.sandbox import SandboxServer

_KILLED = -9


class Torture:
    def __init__(self, folder: Path, users: int, server: SandboxServer, gap: float) -> None:
        self.database = write_company(folder / "project", users)
        self._folder = folder
        self._server = server
        self._gap = gap
        self._places = 0
        self.reached: set[str] = set()
        self.outputs: list[str] = []

    def run(self, moment: str = "never", number: int = 1, seconds: float | None = None) -> int:
        """Push until the moment comes, or so many seconds have passed; returns the exit code."""
        arguments = [
            "push",
            "--order-gap",
            str(self._gap),
            "--max-delete-share",
            "1",
            "--max-deletes",
            "1000000",
        ]
        code = self._call(moment, number, arguments, seconds)
        if code == _KILLED and seconds is None:
            self.reached.add(moment)
        return code

    def resolve(self) -> int:
        return self._call("never", 1, ["resolve", "--resend", "--order-gap", str(self._gap)], None)

    def _call(self, moment: str, number: int, arguments: list[str], seconds: float | None) -> int:
        place = self._place()
        environment = {
            "BRAZE_REST_ENDPOINT": self._server.url,
            "BRAZE_API_KEY": self._server.api_key,
            "HOME": str(place),
            "TMPDIR": str(place),
        }
        options = ["--project-dir", str(place / "project"), "--profiles-dir", str(place / "project")]
        log = self._folder / f"run-{len(self.outputs)}.log"
        child = forks.process(killed.run, moment, number, [*arguments, *options], environment, str(log))
        child.start()
        child.join(seconds)
        child.kill()
        child.join()
        self.outputs.append(log.read_text() if log.exists() else "")
        return child.exitcode if child.exitcode is not None else 1

    def _place(self) -> Path:
        """Return what the machine's disk is to a run; every other run finds it wiped."""
        place = self._folder / f"machine-{self._places // 2}"
        self._places += 1
        if not place.exists():
            place.mkdir()
            shutil.copytree(self._folder / "project", place / "project")
        return place

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(sql).fetchall()

    def unknown_events(self) -> set[str]:
        """Return the ids of the events and purchases that were ever reported as perhaps sent."""
        rows = self.query(
            "select payload from braze.braze_sync_rejects where status = 'unknown' and payload like '%\"event\"%'"
        )
        return {json.loads(payload)["properties"]["event"] for (payload,) in rows}


def torture(
    folder: Path, users: int, kills: Iterator[tuple[str, int, float | None]], gap: float, lag: float
) -> Torture:
    """Push with these kills (moment, number, seconds), then to the end; checks everything and returns the story."""
    folder.mkdir(exist_ok=True)
    with SandboxServer(db=folder / "braze.sqlite", lag=lag, seed=1, limits="off") as server:
        story = Torture(folder, users, server, gap)
        for moment, number, seconds in kills:
            story.run(moment, number, seconds)
        assert story.run() in (0, 1), story.outputs[-1]
        assert story.run() == 0, story.outputs[-1]
        reported = story.unknown_events()
        assert story.resolve() in (0, 1), story.outputs[-1]
        assert not story.query(
            "select 1 from (select status, row_number() over (partition by sync, braze_batch, braze_row "
            "order by recorded_at desc, seq desc) as place from braze.braze_sync_rejects) "
            "where place = 1 and status = 'unknown'"
        )
    braze = Braze(folder / "braze.sqlite")
    check(braze, users)
    twice = {event for event, times in braze.events().items() if times > 1}
    assert twice <= reported, sorted(twice - reported)[:5]
    assert reported <= expected_events(users) | {event for event in reported if event[2:].isdigit()}
    return story


def every_moment() -> Iterator[tuple[str, int, float | None]]:
    for number in (1, 3):
        for moment in MOMENTS:
            yield moment, number, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=45_000)
    parser.add_argument("--random", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311

    def kills() -> Iterator[tuple[str, int, float | None]]:
        yield from every_moment()
        for _ in range(arguments.random):
            yield "never", 1, rng.uniform(1.0, 6.0)

    with tempfile.TemporaryDirectory() as folder:
        story = torture(Path(folder) / "torture", arguments.users, kills(), gap=0.5, lag=0.2)
        missed = set(MOMENTS) - story.reached
        rows = story.query("select count(*) from braze.braze_sync_ledger")[0][0]
        print(f"{len(story.outputs)} runs, moments missed: {sorted(missed)}, {rows} rows in the ledger")
        print(f"{len(story.unknown_events())} events were perhaps sent; all profiles and events are right.")


if __name__ == "__main__":
    main()
