"""The profiles that one batch of writes touches: loaded together, changed in memory, written together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from braze_runner.sandbox.identity import Identifier, Kind
from braze_runner.sandbox.profiles import Event, Profile, ProfileStore, Purchase, row_of
from braze_runner.sandbox.states import EMAIL_SUBSCRIBE, states_of


class Session:
    """A unit of work over a store, within one transaction of it.

    Objects of one batch see what earlier ones did to the same profile, by whichever identifier they name it.
    """

    def __init__(self, store: ProfileStore, identifiers: Iterable[Identifier], created_at: str) -> None:
        self._store = store
        self._created_at = created_at
        self._profiles: dict[int, Profile] = {}
        self._by_external_id: dict[str, Profile] = {}
        self._by_alias: dict[Identifier, Profile] = {}
        self._shared_loaded: set[tuple[Kind, str]] = set()
        self._new: dict[int, Profile] = {}
        self._new_aliases: list[tuple[str, str, int]] = []
        self._changed: dict[int, Profile] = {}
        self._next_id = store.next_id()
        self._inherits = store.holds("address_states")
        self.events: list[Event] = []
        self.purchases: list[Purchase] = []
        self._load(identifiers)

    def find(self, identifier: Identifier) -> Profile | None:
        """Return the profile that an identifier of this session's own set names, or None.

        Of several with the same email or phone: the most recently updated one with an external_id, else the
        most recently updated one.
        """
        kind, value, _ = identifier
        if kind == "external_id":
            return self._by_external_id.get(value)
        if kind == "user_alias":
            return self._by_alias.get(identifier)
        if kind == "braze_id":
            return self._profiles.get(row_of(value))
        if kind == "push_token":
            return None
        owners = self._owners(kind, value)
        return max(owners, key=lambda p: (p.external_id is not None, p.revision), default=None)

    def create(self, identifier: Identifier) -> Profile:
        """Make a profile that has this identifier."""
        profile = Profile(self._next_id, None, None, None, {}, {}, self._created_at, 0)
        self._next_id += 1
        self._profiles[profile.id] = self._new[profile.id] = profile
        kind, value, label = identifier
        if kind == "external_id":
            profile.external_id = value
            self._by_external_id[value] = profile
        elif kind == "user_alias":
            self._by_alias[identifier] = profile
            self._new_aliases.append((label, value, profile.id))
        elif kind == "email":
            profile.email = value
        elif kind == "phone":
            profile.phone = value
        return profile

    def touch(self, profile: Profile) -> None:
        """Note that the profile changed."""
        profile.revision = self._store.next_revision()
        if profile.id not in self._new:
            self._changed[profile.id] = profile

    def inherit(self, profile: Profile) -> None:
        """Give a new profile the states that were set for its addresses before it existed (30 days)."""
        if self._inherits:
            for subject, state in states_of(self._store, profile):
                if subject == EMAIL_SUBSCRIBE:
                    profile.fields.setdefault(EMAIL_SUBSCRIBE, state)
                else:
                    profile.fields.setdefault("subscription_groups", {}).setdefault(subject, state)

    def sharing(self, kind: Kind, value: str) -> Iterator[Profile]:
        """Return every profile with this email or phone."""
        if (kind, value) not in self._shared_loaded:
            self._load_shared(kind, [value])
        return self._owners(kind, value)

    def write(self) -> None:
        """Write everything to the store."""
        self._store.write(self._new.values(), self._changed.values())
        self._store.add_aliases(self._new_aliases)
        self._store.add_events(self.events)
        self._store.add_purchases(self.purchases)

    def _load(self, identifiers: Iterable[Identifier]) -> None:
        by_kind: defaultdict[Kind, set[Identifier]] = defaultdict(set)
        for identifier in identifiers:
            by_kind[identifier.kind].add(identifier)
        for kind, wanted in by_kind.items():
            values = [identifier.value for identifier in wanted]
            if kind == "external_id":
                for value, profile in self._store.by_external_id(values).items():
                    self._by_external_id[value] = self._adopt([profile])[0]
            elif kind == "braze_id":
                self._adopt(self._store.by_column("id", [row_of(value) for value in values]))
            elif kind == "user_alias":
                for alias, profile in self._store.by_alias(list(wanted)).items():
                    self._by_alias[alias] = self._adopt([profile])[0]
            elif kind in ("email", "phone"):
                self._load_shared(kind, values)

    def _load_shared(self, kind: Kind, values: list[str]) -> None:
        self._adopt(self._store.by_column(kind, values))
        self._shared_loaded.update((kind, value) for value in values)

    def _adopt(self, loaded: list[Profile]) -> list[Profile]:
        return [self._profiles.setdefault(profile.id, profile) for profile in loaded]

    def _owners(self, kind: Kind, value: str) -> Iterator[Profile]:
        # `kind` is "email" or "phone": the two that are columns and may be shared.
        return (profile for profile in list(self._profiles.values()) if getattr(profile, kind) == value)
