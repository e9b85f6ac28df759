"""A company with every kind of sync over three dbt runs, and what Braze has to hold in the end."""

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
from push_helpers import write_manifest

PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\n"
SYNCS: dict[str, dict[str, Any]] = {
    "users_deletes": {"sync": "deletes"},
    "users_purchases": {"sync": "purchases"},
    "users_events": {"sync": "events"},
    "users_labels": {"sync": "attributes"},
    "users_attributes": {"sync": "attributes"},
    "users_merges": {"sync": "merges"},
    "users_identifies": {"sync": "identifies"},
    "users_alias_updates": {"sync": "alias_updates"},
    "users_aliases": {"sync": "aliases"},
    "users_renames": {"sync": "external_id_renames"},
    "users_removals": {"sync": "external_id_removals"},
    "users_groups": {"sync": "subscription_groups"},
    "users_emails": {"sync": "email_status"},
    "restaurants": {
        "sync": "catalog_items",
        "catalog": "restaurants",
        "catalog_fields": [{"name": "stars", "type": "number"}],
    },
}
GROUP = "6d3cbbf0-2d0b-4c2f-9f5a-5a1d2b6f1c11"
_USER = "printf('u-%06d', i)"
# Sync -> for each run: condition on the number i of a user, identifier columns, payload.
_ROWS: dict[str, dict[int, tuple[str, dict[str, str], str | None]]] = {
    "users_attributes": {
        1: ("true", {"EXTERNAL_ID": _USER}, """printf('{"n":%d,"plan":"basic","city":"c%d"}', i, i % 50)"""),
        2: ("i % 3 = 0 and i % 50 != 3", {"EXTERNAL_ID": _USER}, """'{"plan":"pro","city":null}'"""),
        3: ("(i % 5 = 0 or i % 50 = 4) and i % 50 != 3", {"EXTERNAL_ID": _USER}, """'{"plan":"gold"}'"""),
    },
    "users_labels": {
        1: ("i % 2 = 0", {"EXTERNAL_ID": _USER}, """'{"labels":{"add":["a"]}}'"""),
        2: ("i % 4 = 0", {"EXTERNAL_ID": _USER}, """'{"labels":{"add":["b"],"remove":["a"]}}'"""),
    },
    "users_events": {
        1: ("i % 80 != 7", {"EXTERNAL_ID": _USER}, """printf('{"name":"seen","time":"2026-01-01T00:00:00Z","properties":{"event":"1-%d"}}', i)"""),
        2: ("i % 2 = 1 and i % 50 != 3 and i % 80 != 7", {"EXTERNAL_ID": _USER}, """printf('{"name":"seen","time":"2026-01-02T00:00:00Z","properties":{"event":"2-%d"}}', i)"""),
    },
    "users_purchases": {
        1: ("i % 4 = 1", {"EXTERNAL_ID": _USER}, """printf('{"product_id":"p","currency":"USD","price":2.5,"time":"2026-01-01T00:00:00Z","properties":{"event":"p-%d"}}', i)"""),
    },
    "users_aliases": {
        1: ("i % 20 = 0", {}, """printf('{"alias_name":"anon-%d","alias_label":"web"}', i)"""),
        2: ("i % 10 = 1", {}, """printf('{"alias_name":"v-%d","alias_label":"app","external_id":"u-%06d"}', i, i)"""),
    },
    "users_alias_updates": {
        3: ("i % 10 = 1 and i % 50 != 3", {}, """printf('{"alias_label":"app","old_alias_name":"v-%d","new_alias_name":"w-%d"}', i, i)"""),
    },
    "users_identifies": {
        2: ("i % 20 = 0", {}, """printf('{"external_id":"u-%06d","user_alias":{"alias_name":"anon-%d","alias_label":"web"}}', i, i)"""),
    },
    "users_merges": {
        3: ("i % 25 = 0", {}, """printf('{"identifier_to_merge":{"external_id":"dup-%06d"},"identifier_to_keep":{"external_id":"u-%06d"}}', i, i)"""),
    },
    "users_renames": {
        3: ("i % 40 = 7", {}, """printf('{"current_external_id":"u-%06d","new_external_id":"new-%06d"}', i, i)"""),
    },
    "users_removals": {
        3: ("i % 80 = 7", {}, """printf('{"external_id":"u-%06d"}', i)"""),
    },
    "users_groups": {
        1: ("i % 6 = 0", {"EXTERNAL_ID": _USER}, f"""'{{"subscription_group_id":"{GROUP}","subscription_state":"subscribed"}}'"""),
        2: ("i % 12 = 0", {"EXTERNAL_ID": _USER}, f"""'{{"subscription_group_id":"{GROUP}","subscription_state":"unsubscribed"}}'"""),
    },
    "users_emails": {
        1: ("i % 9 = 0", {"EMAIL": "printf('u%d@shop.example', i)"}, """'{"subscription_state":"unsubscribed"}'"""),
    },
    "users_deletes": {2: ("i % 50 in (3, 4)", {"EXTERNAL_ID": _USER}, None)},
    "restaurants": {
        1: ("i % 10 = 0", {"ID": "printf('r-%d', i)", "DELETED": "false"}, """printf('{"stars":%d}', i % 5)"""),
        2: ("i % 20 = 0", {"ID": "printf('r-%d', i)", "DELETED": "false"}, """'{"stars":9}'"""),
        3: ("i % 30 = 0", {"ID": "printf('r-%d', i)", "DELETED": "true"}, "'{}'"),
    },
}  # fmt: skip
# More rows: users who are merged later, and in each run of two syncs one row that can't be sent.
_EXTRA = [
    ("users_attributes", 1, "i % 25 = 0", "printf('dup-%06d', i)", """printf('{"dup":%d}', i)"""),
    *(
        (sync, run, "i = 0", f"'bad-{run}'", "'no json'")
        for sync in ("users_attributes", "users_events")
        for run in (1, 2, 3)
    ),
]


def write_company(folder: Path, users: int) -> Path:
    """Write a dbt project and its DuckDB file with three runs pending; returns the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder.parent / "shop.duckdb"
    output = {"type": "duckdb", "path": str(database), "schema": "braze"}
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    write_manifest(folder, SYNCS)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists braze")
        for sync, runs in _ROWS.items():
            columns = next(iter(runs.values()))[1]
            types = {name: "boolean" if name == "DELETED" else "varchar" for name in columns}
            if sync != "users_deletes":
                types["PAYLOAD"] = "varchar"
            listed = "".join(f'"{name}" {type_}, ' for name, type_ in types.items())
            connection.execute(
                f'create table braze.{sync} ("UPDATED_AT" timestamp, {listed}braze_batch varchar, braze_row varchar)'
            )
            for run, (condition, identifiers, payload) in runs.items():
                values = [*identifiers.values(), *([] if payload is None else [payload])]
                _insert(connection, sync, run, users, condition, values)
        for sync, run, condition, identifier, payload in _EXTRA:
            _insert(connection, sync, run, users, condition, [identifier, payload], identifier.strip("'")[:3])
    return database


def _insert(
    connection: Any, sync: str, run: int, users: int, condition: str, values: list[str], salt: str = ""
) -> None:
    connection.execute(
        f"insert into braze.{sync} select timestamp '2026-01-0{run}' + to_microseconds(i), {', '.join(values)}, "
        f"'run-{run}', md5(printf('{salt}%d', i)) from range({users}) t (i) where {condition}"
    )


def expected_profiles(users: int) -> dict[str, dict[str, Any]]:
    """Return external_id -> custom attributes in the end."""
    profiles = {}
    for i in range(users):
        if i % 50 == 3:
            continue
        custom: dict[str, Any] = {"n": i, "plan": "basic", "city": f"c{i % 50}"}
        if i % 3 == 0:
            custom["plan"] = "pro"
            del custom["city"]
        if i % 5 == 0 or i % 50 == 4:
            custom["plan"] = "gold"
        if i % 2 == 0:
            custom["labels"] = ["b"] if i % 4 == 0 else ["a"]
        if i % 25 == 0:
            custom["dup"] = i
        profiles[f"new-{i:06}" if i % 40 == 7 else f"u-{i:06}"] = custom
    return profiles


def expected_events(users: int) -> set[str]:
    """Return the ids of the events and purchases of users who are still there."""
    stay = [i for i in range(users) if i % 50 != 3 and i % 80 != 7]
    events = {f"1-{i}" for i in stay} | {f"2-{i}" for i in stay if i % 2 == 1}
    return events | {f"p-{i}" for i in stay if i % 4 == 1}


class Braze:
    """What the local Braze holds, read from its file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def profiles(self) -> dict[str, dict[str, Any]]:
        rows = self.query("select external_id, custom_attributes from profiles where external_id is not null")
        return {external_id: json.loads(custom) for external_id, custom in rows}

    def events(self) -> Counter[str]:
        """Return how often each event and purchase is there."""
        union = "select properties from custom_events union all select properties from purchases"
        return Counter(json.loads(properties)["event"] for (properties,) in self.query(union))

    def aliases(self) -> set[str]:
        return {name for (name,) in self.query("select alias_name from user_aliases")}

    def items(self) -> dict[str, Any]:
        return {item: json.loads(value) for item, value in self.query("select id, item from catalog_items")}

    def groups(self) -> Counter[str]:
        rows = self.query("select fields from profiles where external_id like 'u-%'")
        states = (json.loads(fields).get("subscription_groups", {}).get(GROUP) for (fields,) in rows)
        return Counter(state for state in states if state)


def check(braze: Braze, users: int) -> None:
    """Compare everything with what has to be there in the end."""
    found, wanted = braze.profiles(), expected_profiles(users)
    assert found.keys() == wanted.keys()
    wrong = {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}
    assert not wrong, (len(wrong), next(iter(wrong.items())))
    assert expected_events(users) <= braze.events().keys()
    stay = [i for i in range(users) if i % 50 != 3]
    aliases = {f"w-{i}" for i in stay if i % 10 == 1} | {f"anon-{i}" for i in stay if i % 20 == 0}
    assert braze.aliases() == aliases
    items = {f"r-{i}": {"stars": 9 if i % 20 == 0 else i % 5} for i in range(0, users, 10) if i % 30 != 0}
    assert braze.items() == items
    groups = Counter("unsubscribed" if i % 12 == 0 else "subscribed" for i in stay if i % 6 == 0)
    assert braze.groups() == groups
    states = braze.query("select address from address_states where kind = 'email' and state = 'unsubscribed'")
    assert {address for (address,) in states} == {f"u{i}@shop.example" for i in range(0, users, 9)}
