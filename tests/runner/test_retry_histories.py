"""Whatever becomes of pushes and retries, no old value comes over a new one, and in the end all is right (R1, R11)."""

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pytest
from histories import LONG_AGO, Brief, Killed, Run, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_runner.engine.candidates import Candidates
from braze_runner.engine.observer import Silent
from braze_runner.engine.past import Found
from braze_runner.engine.pusher import Pusher, PushSource
from braze_runner.engine.reader import Batch, SyncTable
from braze_runner.engine.retry import RetrySource
from braze_runner.engine.source import Source
from braze_runner.limits import TRACK
from braze_runner.plan import Request, steps_of
from braze_runner.plan.endpoints import Endpoint, Envelope
from braze_runner.plan.track import AttributesPlanner
from braze_runner.project import Location, Sync
from braze_runner.state import OpenReject, Position, State

SYNC = Sync("model.shop.users", "users", Location(None, "braze", "users"), "attributes")
TABLE = SyncTable("users", {"braze_batch": "varchar", "braze_row": "varchar"})
# Requests of two rows, so that those of one user are on their way in several.
PLANNER = AttributesPlanner(
    Envelope(
        Endpoint("track", "/users/track", "users.track", TRACK, 2, arrays=(b"attributes",)), "/users/track"
    )
)
ENDS = ("sent", "sent", "rejected", "rejected", "lost", "held")
USERS, LABELS = "abcd", "lmn"


@dataclass
class Log(World):
    """A log of several batches and what Braze makes of what it gets; values are numbers of batches."""

    batches: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    # (user, key or label) -> batch that was applied last, and (batch, user) -> how often its operators were.
    newest: dict[tuple[str, str], int] = field(default_factory=dict)
    counted: dict[tuple[int, str], int] = field(default_factory=dict)
    resent: set[tuple[int, str]] = field(default_factory=set)

    def dbt_run(self) -> None:
        """Write a batch with some users, of each some keys."""
        number, batch = len(self.batches), {}
        for user in USERS:
            payload: dict[str, Any] = {key: number for key in "xyz" if self.chance.random() < 0.4}
            added = [label for label in LABELS if self.chance.random() < 0.3]
            removed = [label for label in LABELS if label not in added and self.chance.random() < 0.3]
            operator = {name: labels for name, labels in (("add", added), ("remove", removed)) if labels}
            payload |= {"labels": operator} if operator else {}
            if payload and self.chance.random() < 0.8:
                batch[user] = payload
        self.batches.append(batch)

    def take(self, request: Request[Any], index: int) -> None:
        """Apply a row; what a newer batch has set or changed before must not be in it."""
        row = request.rows[index]
        [source] = [source for source, start, end in request.parts() if start <= index < end]
        batch, _, user = row.braze_row.rpartition("/")
        number = int(batch or source.batch)
        payload = json.loads(row.payload or b"")
        labels = payload.pop("labels", {})
        for key in [*payload, *labels.get("add", ()), *labels.get("remove", ())]:
            assert self.newest.get((user, key), -1) <= number, "an old value over a new one"
            self.newest[user, key] = number
        if labels:
            self.counted[number, user] = self.counted.get((number, user), 0) + 1
            assert self.counted[number, user] == 1 or (number, user) in self.resent, "sent twice"
        apply(self.profiles.setdefault(user, {}), payload, labels)

    def read(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Read what is behind the mark, as a reader does."""
        rows = self.batches[int(batch.id)]
        left = sorted(user for user in rows if user > (batch.position.mark or ""))
        columns = {
            "braze_row": left,
            "external_id": left,
            "payload": [json.dumps(rows[user]) for user in left],
        }
        yield pa.RecordBatch.from_pydict(columns, schema=pa.schema(dict.fromkeys(columns, pa.string())))

    def place(self, reject: OpenReject) -> tuple[str, str]:
        return reject.batch, reject.braze_row

    def of(self, rejects: Sequence[OpenReject]) -> list[Found]:
        """Say what the log has of each reject, as ``LogPast`` does."""
        found = []
        for reject in rejects:
            payloads = [
                {"braze_row": user, "external_id": user, "payload": json.dumps(rows[user])}
                for rows in self.batches[int(reject.batch) :]
                if (user := reject.braze_row) in rows
            ]
            found.append(Found(payloads[0], payloads[1:]))
        return found


class Nobody:
    """Nobody was ever deleted."""

    def after_rows(self, *_: Any) -> set[Any]:
        return set()

    done_after = after_rows


def apply(profile: dict[str, Any], payload: Mapping[str, Any], labels: Mapping[str, Any]) -> None:
    profile.update(payload)
    has = profile.setdefault("labels", set())
    has |= set(labels.get("add", ()))
    has -= set(labels.get("remove", ()))


class LogRun(Run):
    """One push or retry over the log, which may die at any step."""

    def __init__(self, log: Log, deadliness: float, ends: Sequence[str], trouble: float) -> None:
        super().__init__(log, deadliness, ends, None, trouble)
        self.log = log

    def note(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note nothing: what is uncertain shows in what is applied."""

    def push(self) -> None:
        positions = State(self.log.tables, "default", "reader").positions(SYNC.unique_id)
        sources = []
        for number, rows in enumerate(self.log.batches):
            position = positions.get(str(number), Position())
            if not position.done:
                written_at = LONG_AGO + dt.timedelta(days=number)
                batch = Batch(str(number), len(rows), written_at, written_at, position)
                sources.append(Source(SYNC, batch, self.log, PLANNER, self.counts))  # type: ignore[arg-type]
        self._run(sources)

    def retry(self, chosen: Callable[[OpenReject], bool]) -> None:
        rejects = [each for each in self.state.open_rejects(SYNC.unique_id) if chosen(each)]
        self.log.resent |= {(int(each.batch), each.braze_row) for each in rejects if each.status == "unknown"}
        candidates = Candidates(Nobody(), self.log, self.state, SYNC, TABLE)  # type: ignore[arg-type]
        source = RetrySource(
            SYNC, partial(candidates.of, rejects), PLANNER, self.counts, len(rejects), _settled_only
        )
        self._run([source])

    def _run(self, sources: Sequence[PushSource]) -> None:
        pusher = Pusher(
            self.log.braze(self),
            self.state,
            self.stop,
            Silent(),
            lambda _: self.decide,
            0.0,
            now=lambda: self.log.runs * 9.0,
        )
        try:
            pusher.push(steps_of(sources))
        except Killed:
            return
        self.counts.check()


def _settled_only(text: str) -> None:
    assert "settled unsent" in text


ACTIONS = st.lists(st.sampled_from(["dbt", "dbt", "push", "push", "retry", "resolve"]), max_size=12)


@given(ACTIONS, st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from([0.0, 0.1]), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pushes_and_retries_in_any_order(
    actions: list[str], deadliness: float, trouble: float, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    with closing(Brief()) as tables:
        log = Log(chance, [], tables)
        for action in ["dbt", *actions]:
            if action == "dbt":
                log.dbt_run()
                continue
            run = LogRun(log, deadliness, ENDS, trouble)
            if action == "push":
                run.push()
            else:
                status = "rejected" if action == "retry" else "unknown"
                run.retry(lambda reject, status=status: reject.status == status and chance.random() < 0.7)  # type: ignore[misc]
        # In the end nothing goes wrong any more, and everything is as if nothing ever had.
        LogRun(log, 0.0, ("sent",), 0.0).push()
        LogRun(log, 0.0, ("sent",), 0.0).retry(lambda _: True)
        assert not list(State(tables, "default", "reader").open_rejects(SYNC.unique_id))
    wanted: dict[str, dict[str, Any]] = {}
    for rows in log.batches:
        for user, payload in rows.items():
            plain = {key: value for key, value in payload.items() if key != "labels"}
            apply(wanted.setdefault(user, {}), plain, payload.get("labels", {}))
    assert log.profiles == wanted


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_runner.engine.pusher._INTENT_REQUESTS", 2)
