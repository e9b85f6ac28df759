"""What the people of the demo do by themselves: sessions, purchases, other events, uninstalls."""

import random
from collections.abc import Sequence

from braze_runner.demo.people import APP_GROUP_ID, Person
from braze_runner.demo.recorder import DAY, Recorder, unique_id

PRODUCTS = tuple((f"product-{number:03d}", 4.99 + 7.5 * (number % 13)) for number in range(1, 81))
CURRENCIES = ("EUR", "EUR", "USD", "GBP")
ACTIONS = ("viewed_product", "viewed_product", "viewed_product", "added_to_basket", "searched")
SEARCHES = ("shoes", "coat", "lamp", "table", "gift")


class Behaviour:
    """A day of sessions at a time: part of the people come, some of them buy."""

    def __init__(self, recorder: Recorder, people: Sequence[Person], rate: float, rng: random.Random) -> None:
        self._recorder = recorder
        self._people = people
        self._rate = rate
        self._rng = rng
        self._seen: set[int] = set()

    def run_day(self, start: int) -> None:
        """Record what happens in the day that starts at ``start``."""
        rng = self._rng
        for _ in range(round(len(self._people) * 0.021 * self._rate)):
            # Squared, so that few people come often and many seldom.
            person = self._people[int(len(self._people) * rng.random() ** 2)]
            self._session(person, start + int(DAY * rng.random()))
        for _ in range(round(len(self._people) * 0.0004 * self._rate)):
            person = rng.choice(self._people)
            self._recorder.emit(
                "users.behaviors.Uninstall",
                start + int(DAY * rng.random()),
                identity(person),
                {"app_id": person.app_id},
            )

    def _session(self, person: Person, at: int) -> None:
        rng = self._rng
        session = {"session_id": unique_id(rng)}
        who, device = identity(person), device_of(person)
        if person.number not in self._seen and rng.random() < 0.3:
            self._recorder.emit(
                "users.behaviors.app.FirstSession", at, who, device, session, {"timezone": person.timezone}
            )
        self._seen.add(person.number)
        self._recorder.emit("users.behaviors.app.SessionStart", at, who, device, session)
        duration = min(7200.0, 5 + rng.expovariate(1 / 240))
        for _ in range(rng.choices((0, 1, 2, 4), (70, 20, 8, 2))[0]):
            self._action(person, at + int(duration * rng.random()))
        if rng.random() < 0.12:
            self._purchase(person, at + int(duration))
        self._recorder.emit(
            "users.behaviors.app.SessionEnd", at + int(duration), who, device, session, {"duration": duration}
        )

    def _action(self, person: Person, at: int) -> None:
        name = self._rng.choice(ACTIONS)
        properties = f'{{"term":"{self._rng.choice(SEARCHES)}"}}' if name == "searched" else "{}"
        self._recorder.emit(
            "users.behaviors.CustomEvent",
            at,
            identity(person),
            device_of(person),
            {"name": name, "properties": properties, "timezone": person.timezone},
        )

    def _purchase(self, person: Person, at: int) -> None:
        # Braze logs a quantity of n as n events.
        product_id, price = self._rng.choice(PRODUCTS)
        currency = CURRENCIES[person.number % len(CURRENCIES)]
        bought = {
            "product_id": product_id,
            "price": price,
            "currency": currency,
            "properties": '{"channel":"shop"}',
        }
        for _ in range(self._rng.choices((1, 2, 3), (85, 12, 3))[0]):
            self._recorder.emit("users.behaviors.Purchase", at, identity(person), device_of(person), bought)


def identity(person: Person) -> dict[str, object]:
    """Return the fields that say who an event is about."""
    return {"user_id": person.user_id, "external_user_id": person.external_id, "app_group_id": APP_GROUP_ID}


def device_of(person: Person) -> dict[str, object]:
    """Return the fields of a person's device and app."""
    return {
        "app_id": person.app_id,
        "device_id": person.device_id,
        "platform": person.platform,
        "os_version": person.os_version,
        "device_model": person.device_model,
    }
