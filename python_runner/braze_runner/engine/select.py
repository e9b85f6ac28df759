"""Which syncs a push is about."""

from collections.abc import Sequence

from braze_runner.engine.observer import Observer
from braze_runner.errors import ConfigError
from braze_runner.project import Sync

# Events and purchases need an intent on record before they are sent, or a crash could send them twice (R3).
PUSHABLE = ("attributes",)


def select_syncs(syncs: Sequence[Sync], names: Sequence[str], observer: Observer) -> list[Sync]:
    """Return the syncs with these model names or unique ids, or all.

    Raises ConfigError for a name that is no sync and for a sync that can't be pushed; one that Braze reads
    itself is refused when it is named and left out otherwise.
    """
    if not syncs:
        raise ConfigError("The manifest holds no sync: no model has config.meta.braze.")
    known = {name for sync in syncs for name in (sync.name, sync.unique_id)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"{unknown[0]} is not a sync; syncs: {', '.join(sync.name for sync in syncs)}.")
    chosen = []
    for sync in syncs:
        if names and sync.name not in names and sync.unique_id not in names:
            continue
        if sync.deliver == "cdi":
            if names:
                raise ConfigError(
                    f"Braze reads model {sync.name} itself (deliver: cdi): it is never pushed too."
                )
            observer.message(f"{sync.name} is left out: Braze reads it itself (deliver: cdi).")
            continue
        if sync.type not in PUSHABLE:
            raise ConfigError(
                f"Model {sync.name}: this version can't push {sync.type}, only {', '.join(PUSHABLE)}; "
                "name the others with --select, or set deliver: cdi."
            )
        chosen.append(sync)
    return chosen
