"""Profiles, events, purchases and the request log in one SQLite file."""

import dataclasses
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from braze_runner.errors import ConfigError
from braze_runner.sandbox import schema
from braze_runner.sandbox.identity import Identifier

_COLUMNS = "p.id, p.external_id, p.email, p.phone, p.fields, p.custom_attributes, p.created_at, p.revision"


@dataclasses.dataclass(slots=True, eq=False)
class Profile:
    """One user: identifiers, reserved fields by Braze's names, custom attributes."""

    id: int
    external_id: str | None
    email: str | None
    phone: str | None
    fields: dict[str, Any]
    custom_attributes: dict[str, Any]
    created_at: str
    revision: int

    @property
    def braze_id(self) -> str:
        """Braze's own id of the profile: 24 hex digits."""
        return f"{self.id:024x}"


class Event(NamedTuple):
    """One row of ``custom_events``."""

    profile_id: int
    name: str
    time: str
    app_id: str | None
    properties: str


class Purchase(NamedTuple):
    """One row of ``purchases``: one unit of one product."""

    profile_id: int
    product_id: str
    time: str
    currency: str
    price: float
    app_id: str | None
    properties: str


class LoggedRequest(NamedTuple):
    """One row of the request log, which never holds a key or a value.

    ``status`` is 0 where the connection was reset without an answer; ``detail`` is the text of the first error.
    """

    time: str
    method: str
    path: str
    status: int
    objects: int = 0
    errors: int = 0
    detail: str | None = None
    fault: str | None = None


class ProfileStore:
    """The SQLite file; every read and write happens within ``transaction``."""

    def __init__(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)  # what is pushed to try a sync may be real people's data
            self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._prepare(path)
        except OSError as exc:
            raise ConfigError(f"The sandbox cannot use {path}: {exc.strerror}.") from exc
        except sqlite3.Error as exc:
            raise ConfigError(f"The sandbox cannot use {path}: {exc}.") from exc
        self._revision = 0

    def _prepare(self, path: Path) -> None:
        found = [self._pragma(name) for name in ("application_id", "user_version")]
        (tables,) = self.connection.execute("select count(*) from sqlite_master").fetchone()
        if tables and found != [schema.APPLICATION_ID, schema.VERSION]:
            raise ConfigError(f"{path} is not a database of this sandbox; give another file with --db.")
        self.connection.execute("pragma journal_mode = wal")
        # The sandbox may lose its last requests with the machine; it must not wait for the disk.
        self.connection.execute("pragma synchronous = off")
        self.connection.execute("pragma cache_size = -65536")
        if not tables:
            self.connection.executescript(schema.TABLES)
            self.connection.execute(f"pragma application_id = {schema.APPLICATION_ID}")
            self.connection.execute(f"pragma user_version = {schema.VERSION}")

    def _pragma(self, name: str) -> int:
        return int(self.connection.execute(f"pragma {name}").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything inside, or, on an error, nothing."""
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def log(self, request: LoggedRequest) -> None:
        """Add one row to the request log."""
        self.connection.execute(
            "insert into requests values (null, ?, ?, ?, ?, ?, ?, ?, ?)",
            request,
        )

    def next_id(self) -> int:
        """Return the id that the next new profile gets; ids are never used twice."""
        row = self.connection.execute("select seq from sqlite_sequence where name = 'profiles'").fetchone()
        return 1 if row is None else int(row[0]) + 1

    def next_revision(self) -> int:
        """Return a stamp above every earlier one: nanoseconds of the clock, or one more than the last."""
        self._revision = max(self._revision + 1, time.time_ns())
        return self._revision

    def by_column(self, column: str, values: Sequence[Any]) -> list[Profile]:
        """Load the profiles whose ``column`` (id, external_id, email or phone) holds one of the values."""
        return self._load(f"profiles p where p.{column} in ({_marks(values)})", values)

    def by_external_id(self, values: Sequence[str]) -> dict[str, Profile]:
        """Return external_id -> profile; an id that was renamed still names its profile."""
        found = {str(profile.external_id): profile for profile in self.by_column("external_id", values)}
        if self.holds("deprecated_external_ids"):
            sql = "select external_id, profile_id from deprecated_external_ids where external_id in"
            renamed = dict(self.connection.execute(f"{sql} ({_marks(values)})", values).fetchall())
            profiles = {profile.id: profile for profile in self.by_column("id", list(renamed.values()))}
            found |= {value: profiles[owner] for value, owner in renamed.items()}
        return found

    def holds(self, table: str) -> bool:
        """Say whether a table has a row: most files never get one in the rarer tables."""
        return bool(self.connection.execute(f"select exists (select 1 from {table})").fetchone()[0])  # noqa: S608 (own names)

    def by_alias(self, aliases: Sequence[Identifier]) -> dict[Identifier, Profile]:
        """Load the profiles that own these aliases."""
        found = {}
        for alias in aliases:
            source = "user_aliases a join profiles p on p.id = a.profile_id"
            rows = self._load(
                f"{source} where a.alias_label = ? and a.alias_name = ?", (alias.label, alias.value)
            )
            if rows:
                found[alias] = rows[0]
        return found

    def by_device(self, device_id: str) -> list[Profile]:
        """Load the profiles with a push token of this device."""
        tokens = "select 1 from json_each(p.fields, '$.push_tokens') t where t.value ->> 'device_id' = ?"
        return self._load(f"profiles p where exists ({tokens})", (device_id,))

    def aliases_of(self, ids: Sequence[int]) -> Iterable[tuple[int, str, str]]:
        """Return (profile id, alias name, alias label) of these profiles, in order."""
        sql = "select profile_id, alias_name, alias_label from user_aliases"
        return self.connection.execute(
            f"{sql} where profile_id in ({_marks(ids)}) order by alias_label, alias_name", ids
        )

    def events_of(self, ids: Sequence[int], since: str) -> Iterable[tuple[int, str, str, str, int]]:
        """Return (profile id, name, first, last, count) of these profiles' events from ``since`` on."""
        return self._counted("custom_events", "name", ids, since)

    def purchases_of(self, ids: Sequence[int], since: str) -> Iterable[tuple[int, str, str, str, int]]:
        """Return (profile id, product, first, last, count) of these profiles' purchases from ``since`` on."""
        return self._counted("purchases", "product_id", ids, since)

    def revenue_of(self, ids: Sequence[int]) -> dict[int, float]:
        """Return profile id -> sum of its purchases in US dollars; the sandbox has no exchange rates."""
        sql = "select profile_id, sum(price) from purchases where currency = 'USD' and profile_id in"
        return dict(self.connection.execute(f"{sql} ({_marks(ids)}) group by profile_id", ids).fetchall())

    def write(self, new: Iterable[Profile], changed: Iterable[Profile]) -> None:
        """Insert and update profiles."""
        self.connection.executemany(
            "insert into profiles"
            " (external_id, email, phone, fields, custom_attributes, revision, created_at, id)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (_row(profile) for profile in new),
        )
        self.connection.executemany(
            "update profiles set external_id = ?, email = ?, phone = ?, fields = ?, custom_attributes = ?,"
            " revision = ?, created_at = ? where id = ?",
            (_row(profile) for profile in changed),
        )

    def add_aliases(self, aliases: Iterable[tuple[str, str, int]]) -> None:
        """Insert (label, name, profile id)."""
        self.connection.executemany("insert into user_aliases values (?, ?, ?)", aliases)

    def add_events(self, events: Iterable[Event]) -> None:
        """Append events; the same event twice is two rows, as in Braze."""
        self.connection.executemany("insert into custom_events values (null, ?, ?, ?, ?, ?)", events)

    def add_purchases(self, purchases: Iterable[Purchase]) -> None:
        """Append purchases; never de-duplicated."""
        self.connection.executemany("insert into purchases values (null, ?, ?, ?, ?, ?, ?, ?)", purchases)

    def close(self) -> None:
        """Close the file; what the write-ahead log holds goes into it."""
        self.connection.close()

    def _counted(self, table: str, name: str, ids: Sequence[int], since: str) -> Iterable[Any]:
        sql = f"select profile_id, {name}, min(time), max(time), count(*) from {table}"  # noqa: S608 (own names)
        where = f"where profile_id in ({_marks(ids)}) and time >= ?"
        return self.connection.execute(
            f"{sql} {where} group by profile_id, {name} order by {name}", [*ids, since]
        )

    def _load(self, source: str, values: Sequence[Any]) -> list[Profile]:
        rows = self.connection.execute(f"select {_COLUMNS} from {source}", values)  # noqa: S608 (own texts)
        return [
            Profile(
                id_, external_id, email, phone, orjson.loads(fields), orjson.loads(custom), created, revision
            )
            for id_, external_id, email, phone, fields, custom, created, revision in rows
        ]


def row_of(braze_id: str) -> int:
    """Return the row id of a braze_id, or 0, which no profile has."""
    try:
        number = int(braze_id, 16) if len(braze_id) == 24 else 0
    except ValueError:
        return 0
    return number if 0 < number < 2**63 else 0


def _row(profile: Profile) -> tuple[Any, ...]:
    return (
        profile.external_id,
        profile.email,
        profile.phone,
        orjson.dumps(profile.fields).decode(),
        orjson.dumps(profile.custom_attributes).decode(),
        profile.revision,
        profile.created_at,
        profile.id,
    )


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
