"""Subscription states, which belong to an address: also to one that no profile has yet.

Braze docs, "Update user's subscription group status", "Update email status": such a state is kept up to 30
days, and inherited by a profile that is created in that time.
"""

import time
from collections.abc import Iterable
from typing import Any, Final

from braze_runner.sandbox.profiles import Profile, ProfileStore
from braze_runner.sandbox.rules import ADDRESS_STATE_DAYS

EMAIL_SUBSCRIBE: Final = "email_subscribe"
"""The subject that is no subscription group: the global state of an email address, and its profile field."""

Addresses = dict[str, list[str]]


def states_of(store: ProfileStore, profile: Profile) -> Iterable[tuple[str, str]]:
    """Return (subject, state) of what was set for a profile's addresses while nobody had them."""
    since = time.time() - ADDRESS_STATE_DAYS * 86_400
    return store.connection.execute(
        "select subject, state from address_states where set_at >= ?"
        " and ((kind = 'email' and address = ?) or (kind = 'phone' and address = ?)) order by kind desc",
        (since, profile.email, profile.phone),
    ).fetchall()


def set_states(store: ProfileStore, kind: str, addresses: list[str], states: dict[str, str]) -> None:
    """Set states (subject -> state) for emails or phones: on every profile that has one, or else on the address."""
    profiles = store.by_column(kind, addresses)
    for profile in profiles:
        set_on(profile, states)
        profile.revision = store.next_revision()
    store.write([], profiles)
    known = {getattr(profile, kind) for profile in profiles}
    store.connection.executemany(  # what was set before the address had a profile is out of date
        "delete from address_states where kind = ? and address = ? and subject = ?",
        [(kind, address, subject) for address in known for subject in states],
    )
    store.connection.executemany(
        "insert or replace into address_states values (?, ?, ?, ?, ?)",
        [
            (kind, address, subject, state, time.time())
            for address in addresses
            if address not in known
            for subject, state in states.items()
        ],
    )


def set_on(profile: Profile, states: dict[str, Any]) -> None:
    """Set states on one profile."""
    groups = {subject: state for subject, state in states.items() if subject != EMAIL_SUBSCRIBE}
    if EMAIL_SUBSCRIBE in states:
        profile.fields[EMAIL_SUBSCRIBE] = states[EMAIL_SUBSCRIBE]
    if groups:
        profile.fields["subscription_groups"] = profile.fields.get("subscription_groups", {}) | groups
