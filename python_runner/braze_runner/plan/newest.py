"""Several pending rows of one user made one: the newest value of each key (R2)."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from braze_runner import limits
from braze_runner.plan.members import members
from braze_runner.plan.payloads import parse

# Place of a row among those that were given, and its payload.
Kept = tuple[int, bytes | None]
Fold = Callable[[Sequence[bytes | None]], list[Kept]]


def fold_for(sync_type: str) -> Fold | None:
    """Return what makes rows of one user fewer, given oldest first; None where each row counts."""
    if sync_type in ("events", "purchases"):
        return None
    return {"attributes": _merged, "subscription_groups": _newest_of_groups}.get(sync_type, _newest)


def _newest(payloads: Sequence[bytes | None]) -> list[Kept]:
    """Keep the last: a deletion, a state and an item of a catalog are written as a whole."""
    return [(len(payloads) - 1, payloads[-1])]


def _newest_of_groups(payloads: Sequence[bytes | None]) -> list[Kept]:
    """Keep the last of each subscription group; what names none is rejected by itself."""
    newest: dict[Any, Kept] = {}
    for place, payload in enumerate(payloads):
        group = subscription_group_of(payload)
        newest[group if isinstance(group, str) else place] = (place, payload)
    return sorted(newest.values(), key=lambda kept: kept[0])


def subscription_group_of(payload: bytes | None) -> Any:
    """Return the id of the subscription group that a state is about, as it stands there; None without one."""
    parsed, problem = parse(payload)
    return None if problem else parsed.get("subscription_group_id")


def _merged(payloads: Sequence[bytes | None]) -> list[Kept]:
    """Merge neighbours, values in their own text (R10); what depends on the order stays a row of its own."""
    kept: list[Kept] = []
    before: dict[str, str] | None = None
    for place, payload in enumerate(payloads):
        own = _flat(payload)
        joined = None if own is None or before is None else before | own
        text = None if joined is None else _written(joined)
        if text is None:
            kept.append((place, payload))
            before = own
        else:
            kept[-1] = (place, text)
            before = joined
    return kept


def _flat(payload: bytes | None) -> dict[str, str] | None:
    """Return key -> value's text of a payload that sets each key by itself, else None.

    An operator counts from what is there, nested objects may be merged, and a state goes to the address beside it
    (Braze: User attributes object).
    """
    parsed, problem = parse(payload)
    if problem or payload is None:
        return None
    if any(type(value) is dict for value in parsed.values()) or not limits.UNBILLED_KEYS.isdisjoint(parsed):
        return None
    return dict(members(payload.decode()))


def _written(values: dict[str, str]) -> bytes | None:
    """Return the object, or None for one that is over Braze's limits."""
    text = b"{" + b",".join(orjson.dumps(key) + b":" + value.encode() for key, value in values.items()) + b"}"
    return text if len(values) <= limits.PAYLOAD_KEYS and len(text) <= limits.PAYLOAD_BYTES else None
