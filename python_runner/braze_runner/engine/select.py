"""Which syncs a push is about."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from braze_runner.engine.observer import Observer
from braze_runner.errors import ConfigError
from braze_runner.plan.endpoints import ENDPOINTS
from braze_runner.project import Sync


def select_syncs(
    syncs: Sequence[Sync], names: Sequence[str], observer: Observer, exclude: Sequence[str] = ()
) -> list[Sync]:
    """Return the syncs with these model names or unique ids, which may hold ``*``, or all; minus the excluded.

    Raises ConfigError for a name that fits no sync and for a sync that can't be pushed; one that Braze reads
    itself is refused when it is named and left out otherwise.
    """
    chosen = []
    for sync in matching_syncs(syncs, names, exclude):
        if sync.deliver == "cdi":
            if sync.name in names or sync.unique_id in names:
                raise ConfigError(
                    f"Braze reads model {sync.name} itself (deliver: cdi): it is never pushed too."
                )
            observer.message(f"{sync.name} is left out: Braze reads it itself (deliver: cdi).")
            continue
        if sync.type not in ENDPOINTS:
            raise ConfigError(f"Model {sync.name}: Braze alone reads {sync.type}; set deliver: cdi.")
        chosen.append(sync)
    return chosen


def matching_syncs(syncs: Sequence[Sync], names: Sequence[str], exclude: Sequence[str] = ()) -> list[Sync]:
    """Return the syncs of these names, or all, minus the excluded, whoever delivers them."""
    if not syncs:
        raise ConfigError("The manifest holds no sync: no model has config.meta.braze.")
    for name in (*names, *exclude):
        if not any(_fits(sync, name) for sync in syncs):
            raise ConfigError(f"{name} is not a sync; syncs: {', '.join(sync.name for sync in syncs)}.")
    return [
        sync
        for sync in syncs
        if (not names or any(_fits(sync, name) for name in names))
        and not any(_fits(sync, name) for name in exclude)
    ]


def _fits(sync: Sync, pattern: str) -> bool:
    return fnmatchcase(sync.name, pattern) or fnmatchcase(sync.unique_id, pattern)
