"""The campaigns and the Canvas of the demo, and what becomes of each message that they send."""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from braze_runner.demo.behaviour import device_of, identity
from braze_runner.demo.people import APP_GROUP_ID, Person
from braze_runner.demo.recorder import DAY, HOUR, Recorder, unique_id

USER_AGENTS = (
    {
        "user_agent": "Mozilla/5.0 (iPhone)",
        "device_class": "Phone",
        "device_os": "iOS",
        "browser": "Safari",
        "device_model": "iPhone",
    },
    {
        "user_agent": "Mozilla/5.0 (Android)",
        "device_class": "Phone",
        "device_os": "Android",
        "browser": "Chrome",
        "device_model": "Pixel",
    },
    {
        "user_agent": "Mozilla/5.0 (Windows)",
        "device_class": "Desktop",
        "device_os": "Windows",
        "browser": "Edge",
        "device_model": None,
    },
)
FROM = {"from_domain": "mail.example.com", "esp": "SendGrid", "ip_pool": "main"}
URLS = ("https://shop.example.com/new", "https://shop.example.com/offer", "https://shop.example.com/account")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign: sent ``every`` so many days, one dispatch for all, or (None) triggered by each person."""

    name: str
    channel: str
    share: float
    """Part of the people that a send reaches, or that trigger it on one day."""
    every: int | None = None
    first: int = 0
    hour: int = 9
    variations: int = 1


CAMPAIGNS = (
    Campaign("Weekly letter", "email", 0.072, every=7, first=-4, hour=8, variations=2),
    Campaign("New arrivals", "email", 0.06, every=10, first=2, hour=16),
    Campaign("Loyalty update", "email", 0.05, every=30, first=5, hour=10, variations=2),
    Campaign("Season offer", "email", 0.08, every=21, first=12, hour=7),
    Campaign("Welcome", "email", 0.0012),
    Campaign("Basket reminder", "email", 0.0036, variations=2),
    Campaign("App highlights", "push", 0.05, every=8, first=1, hour=17),
)
CANVAS = "Onboarding"
CANVAS_STEPS = (("Hello", 0), ("How it works", 3), ("First order", 7))
CANVAS_VARIATIONS = ("Short", "Long")
CANVAS_SHARE = 0.0035


class Messages:
    """Sends what is due day by day, and records each message's life at once, to its last open weeks later."""

    def __init__(self, recorder: Recorder, people: Sequence[Person], rate: float, rng: random.Random) -> None:
        self._recorder = recorder
        self._people = people
        self._rate = rate
        self._rng = rng
        self._unsubscribed: set[int] = set()
        self._steps_due: dict[int, list[tuple[Person, dict[str, Any]]]] = defaultdict(list)

    def run_day(self, day: int) -> None:
        """Send what is due on this day; days before 0 are those before Currents was switched on."""
        start = self._recorder.start + day * DAY
        for campaign in CAMPAIGNS:
            blocks = [_campaign_block(campaign, index) for index in range(campaign.variations)]
            if campaign.every is None:
                for person in self._draw(campaign.share):
                    self._email(
                        person,
                        start + int(DAY * self._rng.random()),
                        unique_id(self._rng),
                        self._rng.choice(blocks),
                    )
            elif day >= campaign.first and (day - campaign.first) % campaign.every == 0:
                self._scheduled(campaign, start + campaign.hour * HOUR, blocks)
        self._canvas(day, start)

    def _draw(self, share: float) -> Iterator[Person]:
        count = min(len(self._people), round(len(self._people) * share * self._rate))
        return iter(self._rng.sample(self._people, count))

    def _scheduled(self, campaign: Campaign, at: int, blocks: list[dict[str, Any]]) -> None:
        dispatch_id = unique_id(self._rng)
        for person in self._draw(campaign.share):
            sent_at = at + int(1200 * self._rng.random())
            if campaign.channel == "email":
                self._email(person, sent_at, dispatch_id, blocks[person.number % len(blocks)])
            elif person.platform != "web":
                self._push(person, sent_at, dispatch_id, blocks[0])

    def _canvas(self, day: int, start: int) -> None:
        for person in self._draw(CANVAS_SHARE):
            at = start + int(DAY * self._rng.random())
            variation = CANVAS_VARIATIONS[person.number % 2]
            in_control_group = person.number % 10 == 3
            entry = {"timezone": person.timezone, "in_control_group": in_control_group}
            self._recorder.emit("users.canvas.Entry", at, identity(person), _canvas_block(variation), entry)
            if not in_control_group:
                for step, later in CANVAS_STEPS:
                    self._steps_due[day + later].append((person, _canvas_block(variation, step)))
        for person, block in self._steps_due.pop(day, []):
            self._email(person, start + int(DAY * self._rng.random()), unique_id(self._rng), block)

    def _email(self, person: Person, at: int, dispatch_id: str, block: dict[str, Any]) -> None:
        if person.number in self._unsubscribed:
            return
        message = {**identity(person), **block, "email_address": person.email, "timezone": person.timezone}
        message |= FROM | {"dispatch_id": dispatch_id, "send_time": at}
        if self._rng.random() < 0.004:
            self._record("Abort", at, message, {"abort_type": "frequency_capped"})
            return
        self._record("Send", at, message, {"message_extras": None})
        delivered_at = self._deliver(person, at, message)
        if delivered_at is not None:
            self._engage(person, delivered_at, message)

    def _deliver(self, person: Person, at: int, message: dict[str, Any]) -> int | None:
        """Record what the receiver answered; return when it took the message, or None when it never did."""
        rng = self._rng
        arrived = at + 2 + int(rng.expovariate(1 / 20))
        from_ip = {"sending_ip": f"192.0.2.{person.number % 4 + 1}"}
        if person.number % 211 == 7:
            self._record(
                "Bounce",
                arrived,
                message,
                from_ip,
                {"bounce_reason": "550 no such mailbox", "is_drop": False},
            )
            return None
        if rng.random() < 0.01:
            reason = {"deferral_reason": "452 mailbox full", "recipient_domain": "example.com"}
            for attempt in range(1, rng.randrange(2, 5)):
                self._record("Deferral", arrived, message, from_ip, reason, {"attempt_count": attempt})
                arrived += 2 * HOUR * attempt
            if rng.random() < 0.5:
                self._record("SoftBounce", arrived, message, from_ip, {"bounce_reason": "452 mailbox full"})
                return None
        if rng.random() > 0.003:
            self._record("Delivery", arrived, message, from_ip)
        return arrived

    def _engage(self, person: Person, at: int, message: dict[str, Any]) -> None:
        """Record opens, clicks and what follows them."""
        rng = self._rng
        if person.hidden_opens and rng.random() < 0.7:
            self._record(
                "Open", at + int(rng.expovariate(1 / 300)), message, USER_AGENTS[0], {"machine_open": "true"}
            )
        if rng.random() < 0.006:
            suspected = {
                "is_suspected_bot_click": True,
                "suspected_bot_click_reason": ["made-up reason"],
                "url": URLS[0],
            }
            self._record("Click", at + 1, message, USER_AGENTS[2], suspected)
        if rng.random() < 0.0004:
            self._record("MarkAsSpam", at + HOUR, message)
            self._unsubscribe(person, at + HOUR, message)
        if rng.random() > 0.2:
            return
        agent = USER_AGENTS[person.number % len(USER_AGENTS)]
        opened_at = at + int(rng.expovariate(1 / (7 * HOUR)))
        for open_at in _repeated(rng, opened_at):
            self._record("Open", open_at, message, agent)
        if rng.random() < 0.18:
            self._click(person, opened_at + 20, message, agent)
        if rng.random() < 0.008:
            self._record("Unsubscribe", opened_at + 60, message)
            self._unsubscribe(person, opened_at + 60, message)

    def _click(self, person: Person, at: int, message: dict[str, Any], agent: Mapping[str, Any]) -> None:
        rng = self._rng
        for click_at in _repeated(rng, at):
            link = {"url": rng.choice(URLS), "is_suspected_bot_click": False, "has_url_parameters": False}
            self._record("Click", click_at, message, agent, link)
        if rng.random() < 0.06:
            kind = "campaigns" if message.get("campaign_id") else "canvas"
            converted = {"app_id": person.app_id, "conversion_behavior_index": 0, "conversion_behavior": "{}"}
            self._recorder.emit(f"users.{kind}.Conversion", at + HOUR, message, converted)

    def _unsubscribe(self, person: Person, at: int, message: dict[str, Any]) -> None:
        self._unsubscribed.add(person.number)
        change = {
            "subscription_status": "Unsubscribed",
            "state_change_source": "Subscription Page",
            "channel": "email",
        }
        self._recorder.emit("users.behaviors.subscription.GlobalStateChange", at + 1, message, change)

    def _push(self, person: Person, at: int, dispatch_id: str, block: dict[str, Any]) -> None:
        message = {**identity(person), **device_of(person), **block, "dispatch_id": dispatch_id}
        message["timezone"] = person.timezone
        self._recorder.emit("users.messages.pushnotification.Send", at, message)
        if self._rng.random() < 0.045:
            self._recorder.emit(
                "users.messages.pushnotification.Open", at + int(self._rng.expovariate(1 / HOUR)), message
            )

    def _record(self, short: str, at: int, *parts: Mapping[str, Any]) -> None:
        self._recorder.emit(f"users.messages.email.{short}", at, *parts)


def _repeated(rng: random.Random, first: int) -> Iterator[int]:
    """Yield the time of an act and of its repetitions: some soon, few after more than a week."""
    yield first
    for _ in range(rng.choices((0, 1, 2, 5), (74, 18, 6, 2))[0]):
        yield first + int(rng.expovariate(1 / (10 * HOUR)))
    if rng.random() < 0.03:
        yield first + int(DAY * (8 + 10 * rng.random()))


def _made_id(*names: str) -> str:
    return str(uuid.uuid5(uuid.UUID(APP_GROUP_ID), "/".join(names)))


def _campaign_block(campaign: Campaign, variation: int) -> dict[str, Any]:
    name = f"Variant {variation + 1}"
    return {
        "campaign_id": _made_id("campaign", campaign.name),
        "campaign_name": campaign.name,
        "message_variation_id": _made_id("campaign", campaign.name, name),
        "message_variation_name": name,
    }


def _canvas_block(variation: str, step: str | None = None) -> dict[str, Any]:
    return {
        "canvas_id": _made_id("canvas", CANVAS),
        "canvas_name": CANVAS,
        "canvas_variation_id": _made_id("canvas", CANVAS, variation),
        "canvas_variation_name": variation,
        "canvas_step_id": _made_id("canvas", CANVAS, variation, step) if step else None,
        "canvas_step_name": step,
    }
