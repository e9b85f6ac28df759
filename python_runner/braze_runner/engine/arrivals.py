"""Which events and purchases have arrived in Braze, by the Currents events that came back from it (R3)."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from braze_runner import times
from braze_runner.project import Location, Project
from braze_runner.warehouse import Warehouse

# Type of sync -> the table of Currents, the column with its name, and the field of the payload that it comes from.
_EVENTS = {
    "events": ("users_behaviors_customevent", "name", "name"),
    "purchases": ("users_behaviors_purchase", "product_id", "product_id"),
}
_DEFAULT_SCHEMA = "braze_currents"
# When a row was loaded: by load-currents, by the Snowflake data share.
_LOADED_AT = ("braze_loaded_at", "sf_created_at")
# Users that are asked for at once.
_PAGE = 500


class Sign(NamedTuple):
    """What an event is known by in Currents: user, name, second, and properties as canonical JSON."""

    external_id: str
    name: str
    second: int
    properties: bytes


class Arrivals:
    """Looks for events in the tables of Currents, where they are loaded."""

    def __init__(self, warehouse: Warehouse, project: Project, wait: dt.timedelta) -> None:
        self._warehouse = warehouse
        self._project = project
        self._wait = wait

    def of(
        self, sync_type: str, payloads: Mapping[str, tuple[str | None, bytes]], sent_at: dt.datetime
    ) -> dict[str, bool]:
        """Return key -> whether the object arrived, for the objects that Currents tells of.

        ``payloads`` is key -> (external_id, payload); ``sent_at`` is when the last of them may have been sent, UTC.
        Objects that look the same have arrived when Currents holds as many, and are left open when it holds some.
        """
        table = self._table(sync_type) if payloads else None
        if table is None:
            return {}
        signs = {key: _sign_of(sync_type, *each) for key, each in payloads.items()}
        known = {key: sign for key, sign in signs.items() if sign is not None}
        if not known:
            return {}
        found, wanted = self._found(sync_type, table, set(known.values())), Counter(known.values())
        loaded_at = self._loaded_at(table)
        is_complete = loaded_at is not None and loaded_at >= sent_at + self._wait
        arrived = {}
        for key, sign in known.items():
            if found[sign] >= wanted[sign]:
                arrived[key] = True
            elif is_complete and not found[sign]:
                arrived[key] = False
        return arrived

    def _table(self, sync_type: str) -> tuple[str, dict[str, str]] | None:
        """Return (quoted name, columns) of the table of Currents, or None where it is not loaded."""
        if sync_type not in _EVENTS:
            return None
        name = _EVENTS[sync_type][0]
        places = list(self._project.currents.values())
        place = self._project.currents.get(name) or Location(
            places[0].database if places else None, places[0].schema if places else _DEFAULT_SCHEMA, name
        )
        relation = place.relation_in(self._warehouse)
        columns = self._warehouse.column_types(relation)
        return (relation, {column.lower(): type_ for column, type_ in columns.items()}) if columns else None

    def _found(self, sync_type: str, table: tuple[str, dict[str, str]], signs: set[Sign]) -> Counter[Sign]:
        """Return how often Currents holds each of these."""
        relation, columns = table
        name, as_text = _EVENTS[sync_type][1], self._warehouse.as_text
        selected = ", ".join(
            ["external_user_id", name, "time", as_text("properties", columns["properties"]), "id"]
        )
        found: Counter[Sign] = Counter()
        users = sorted({sign.external_id for sign in signs})
        seconds = [sign.second for sign in signs]
        for first in range(0, len(users), _PAGE):
            listed = ", ".join(self._warehouse.literal(user) for user in users[first : first + _PAGE])
            rows = self._warehouse.fetch_all(
                f"select distinct {selected} from {relation} where external_user_id in ({listed}) "  # noqa: S608 (quoted)
                f"and time between {min(seconds)} and {max(seconds)}"
            )
            for user, event, second, properties, _ in rows:
                canonical = _canonical(_parsed(properties))
                if canonical is not None:
                    found[Sign(user, event, int(second), canonical)] += 1
        return found

    def _loaded_at(self, table: tuple[str, dict[str, str]]) -> dt.datetime | None:
        """Return when Currents was loaded last, UTC, or None where nothing says so."""
        relation, columns = table
        column = next((name for name in _LOADED_AT if name in columns), None)
        if column is None:
            return None
        rows = self._warehouse.fetch_all(
            f"select max(cast({column} as {self._warehouse.types['time']})) from {relation}"  # noqa: S608 (quoted)
        )
        moment: dt.datetime | None = rows[0][0]
        return moment


def _sign_of(sync_type: str, external_id: str | None, payload: bytes) -> Sign | None:
    """Return what an object is known by, or None for one that Currents can't be asked for."""
    parsed = _parsed(payload)
    moment = times.parse(parsed.get("time")) if isinstance(parsed, dict) else None
    if external_id is None or moment is None:
        return None
    properties = _canonical(parsed.get("properties") or {})
    if properties is None:
        return None
    return Sign(external_id, parsed[_EVENTS[sync_type][2]], int(moment.timestamp()), properties)


def _parsed(text: str | bytes | None) -> Any:
    try:
        return orjson.loads(text or b"{}")
    except orjson.JSONDecodeError:
        return {}


def _canonical(value: Any) -> bytes | None:
    """Return a text that equal values share; None for what is nested deeper than orjson writes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None


def external_id_of(identifier: bytes | str) -> str | None:
    """Return the external_id in the members, or the object, of an identifier."""
    text = identifier.decode(errors="replace") if isinstance(identifier, bytes) else identifier
    known = _parsed(text if text.startswith("{") else "{" + text + "}")
    value = known.get("external_id") if isinstance(known, dict) else None
    return value if isinstance(value, str) else None


def payloads_of(rows: Iterable[tuple[str, bytes | str, bytes | None]]) -> dict[str, tuple[str | None, bytes]]:
    """Return what ``Arrivals.of`` takes, from (key, identifier, payload)."""
    return {key: (external_id_of(identifier), payload or b"") for key, identifier, payload in rows}
