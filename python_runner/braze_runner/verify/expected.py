"""What a profile should hold, replayed from the payloads that were sent (Braze: User attributes object)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from braze_runner.plan.payloads import OBJECT_OPERATORS, SETTINGS, VALUE_OPERATORS
from braze_runner.sandbox.rules import ARRAY_ELEMENTS


@dataclass(frozen=True, slots=True)
class Expected:
    """One attribute; a ``value`` of None is an attribute that is not there.

    Where the payloads begin in the middle, it is not ``whole``: the profile may hold further keys of an object,
    further elements of an array. ``lacks`` are elements that it must not hold, of objects (key, value) pairs.
    ``is_known`` False: nothing can be said.
    """

    value: Any = None
    whole: bool = True
    lacks: tuple[Any, ...] = ()
    is_known: bool = True


UNKNOWN = Expected(whole=False, is_known=False)


def replay(payloads: Iterable[Mapping[str, Any]], *, merges: bool = False) -> dict[str, Expected]:
    """Return attribute -> what it should be after these payloads, oldest first.

    ``merges`` is the model's own ``_merge_objects``. What an attribute was before the first payload is not known.
    """
    expected: dict[str, Expected] = {}
    for payload in payloads:
        merging = merges or payload.get("_merge_objects") in (True, "true")
        for key, sent in payload.items():
            if key not in SETTINGS:
                # Braze strips spaces around names (Custom attributes).
                name = key.strip()
                expected[name] = _after(expected.get(name, UNKNOWN), sent, merging=merging)
    return expected


def _after(before: Expected, sent: Any, *, merging: bool) -> Expected:
    """Return what one update makes of an attribute."""
    if not isinstance(sent, dict) or not sent:
        return Expected(sent)
    keys = sent.keys()
    if keys == {"inc"}:
        return _incremented(before, sent["inc"])
    if keys <= VALUE_OPERATORS:
        return _changed_values(before, sent)
    if keys <= OBJECT_OPERATORS:
        return _changed_objects(before, sent, merging=merging)
    return _merged(before, sent) if merging and "$time" not in sent else Expected(sent)


def _incremented(before: Expected, amount: Any) -> Expected:
    start = 0 if before.value is None else before.value
    if not before.is_known or not _is_number(start) or not _is_number(amount):
        return UNKNOWN
    return Expected(start + amount)


def _merged(before: Expected, sent: dict[str, Any]) -> Expected:
    if not before.is_known:
        return Expected(sent, whole=False)
    if not _is_object(before.value):
        return Expected(sent)
    return replace(before, value=_deep_merge(before.value, sent))


def _changed_values(before: Expected, sent: dict[str, Any]) -> Expected:
    """Add and remove values of an array; what happens above Braze's number of elements is not documented."""
    base = _as_array(before)
    added, removed = sent.get("add", []), sent.get("remove", [])
    if base is None or not isinstance(added, list) or not isinstance(removed, list):
        return UNKNOWN
    if any(isinstance(each, dict) for each in base.value):
        return UNKNOWN
    # A value that is added again moves to the end.
    value = [each for each in base.value if not _among(each, added)] + added
    value = [each for each in value if not _among(each, removed)]
    lacks = tuple(each for each in base.lacks if not _among(each, added)) + tuple(removed)
    if len(value) > ARRAY_ELEMENTS:
        return UNKNOWN
    if before.is_known and before.value is None and not added:
        return before
    return Expected(value, base.whole, () if base.whole else lacks)


def _changed_objects(before: Expected, sent: dict[str, Any], *, merging: bool) -> Expected:
    """Change an array of objects: additions first, then removals, then updates (Braze: Array of objects)."""
    base = _as_array(before)
    lists = [sent.get(operator, []) for operator in ("$add", "$remove", "$update")]
    if base is None or not all(isinstance(each, list) and all(map(_is_object, each)) for each in lists):
        return UNKNOWN
    added, removed, updated = lists
    items, lacks = [*base.value, *added], list(base.lacks)
    lacks = [pair for pair in lacks if not any(_has(item, *pair) for item in added)]
    for key, value in map(_criterion, removed):
        items = [item for item in items if not _has(item, key, value)]
        lacks.append((key, value))
    for argument in updated:
        key, value = _criterion(argument)
        new = argument.get("$new_object")
        if not _is_object(new):
            return UNKNOWN
        items = [_updated(item, new, merging=merging) if _has(item, key, value) else item for item in items]
        lacks = [pair for pair in lacks if pair[0] not in new]
    return Expected(items, base.whole, () if base.whole else tuple(lacks))


def _updated(item: Any, new: dict[str, Any], *, merging: bool) -> dict[str, Any]:
    return _deep_merge(item, new) if merging else new


def _as_array(before: Expected) -> Expected | None:
    """Return an array to change: an empty one where nothing is known, or there; None for another type."""
    if before.value is None:
        return Expected([], whole=before.is_known)
    return before if isinstance(before.value, list) else None


def _deep_merge(current: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Merge on all levels (Braze: Nested custom attributes)."""
    merged = dict(current)
    for key, value in sent.items():
        old = merged.get(key)
        merged[key] = _deep_merge(old, value) if _is_object(old) and _is_object(value) else value
    return merged


def _criterion(argument: dict[str, Any]) -> tuple[Any, Any]:
    return argument.get("$identifier_key"), argument.get("$identifier_value")


def _has(item: Any, key: Any, value: Any) -> bool:
    return isinstance(item, dict) and key in item and _is_same(item[key], value)


def _among(value: Any, values: Iterable[Any]) -> bool:
    return any(_is_same(value, each) for each in values)


def _is_same(one: Any, other: Any) -> bool:
    # In JSON true and 1 are two values, in Python one.
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and "$time" not in value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
