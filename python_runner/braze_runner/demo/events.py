"""Write made-up Currents events in Braze's storage layout: the same arguments give the same bytes."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from braze_runner.demo.behaviour import Behaviour
from braze_runner.demo.messages import Messages
from braze_runner.demo.people import person
from braze_runner.demo.recorder import DAY, Recorder, Summary

ANONYMOUS_SHARE = 0.03
# Messages sent before Currents is switched on: their opens come, their sends never do.
DAYS_BEFORE = 4
# What one person of the demo causes in 60 days at rate 1.
EVENTS_PER_PERSON = 9.73


def write_events(
    root: Path,
    customers: int = 100_000,
    *,
    days: int = 60,
    target: int = 1_000_000,
    seed: int = 1,
    end: datetime = datetime(2026, 9, 30, tzinfo=UTC),
) -> Summary:
    """Write about ``target`` events of the ``days`` before ``end`` (midnight UTC) as files below ``root``.

    Customer n, from 1, has the external_id ``customer-%06d`` and the email ``customer-%06d@example.com``; 3 %
    more people have no external_id.
    """
    rng = random.Random(seed)  # noqa: S311 (made-up data)
    people = [
        person(number, customers) for number in range(1, customers + round(customers * ANONYMOUS_SHARE) + 1)
    ]
    rate = target / (len(people) * EVENTS_PER_PERSON) * 60 / days
    start = int((end - timedelta(days=days)).timestamp())
    recorder = Recorder(root, start, days, rng)
    behaviour = Behaviour(recorder, people, rate, rng)
    messages = Messages(recorder, people, rate, rng)
    for day in range(-DAYS_BEFORE, days):
        messages.run_day(day)
        if day >= 0:
            behaviour.run_day(start + day * DAY)
            recorder.finish_day(day)
    return recorder.summary
