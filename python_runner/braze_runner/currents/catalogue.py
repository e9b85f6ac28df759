"""The catalogue of Currents events: the fields of each, their types, and the version that brought them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import pyarrow as pa

ARROW_TYPES: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "string": pa.string(),
        "int": pa.int64(),
        "long": pa.int64(),
        "float": pa.float64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "array<string>": pa.list_(pa.string()),
    }
)
"""Type name in the catalogue -> Arrow type of the loaded column."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event; ``since`` is the Currents version that brought it when the event is older."""

    name: str
    type: str
    required: bool = False
    since: int | None = None
    in_share: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """An event type; ``since`` is None for events seen in samples only, without a release note."""

    name: str
    since: int | None
    fields: tuple[Field, ...]
    in_share: bool = True

    @property
    def table(self) -> str:
        """Name of the event's table: ``users.messages.email.Open`` -> ``users_messages_email_open``."""
        return table_name(self.name)

    def fields_at(self, version: int) -> tuple[Field, ...]:
        """Return the fields that files of this Currents version have."""
        return tuple(field for field in self.fields if field.since is None or field.since <= version)

    def avro_schema(self, version: int) -> dict[str, Any]:
        """Return the Avro writer schema of this Currents version: optional fields are unions with null."""
        namespace, _, short = self.name.rpartition(".")
        return {
            "type": "record",
            "name": short,
            "namespace": namespace,
            "fields": [_avro_field(field) for field in self.fields_at(version)],
        }


def table_name(event_type: str) -> str:
    """Return the table of an event type, catalogued or not: lower case, underscores for the dots."""
    return "".join(char if char.isalnum() else "_" for char in event_type.lower())


@cache
def events() -> Mapping[str, Event]:
    """Return every catalogued event by its exact name."""
    return MappingProxyType({name: _event(name, entry) for name, entry in _document()["events"].items()})


@cache
def families() -> dict[str, tuple[str, ...]]:
    """Return the families of events that the dbt package stages, each with its events' names."""
    return {family: tuple(names) for family, names in _document()["families"].items()}


@cache
def newest_version() -> int:
    """Return the newest Currents version that the catalogue knows."""
    return int(_document()["currents_version"])


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files(__package__).joinpath("events.json").read_bytes())
    return document


def _event(name: str, entry: dict[str, Any]) -> Event:
    fields = tuple(Field(field, **properties) for field, properties in entry["fields"].items())
    return Event(name, entry["since"], fields, entry.get("in_share", True))


def _avro_field(field: Field) -> dict[str, object]:
    avro_type = {"type": "array", "items": "string"} if field.type == "array<string>" else field.type
    if field.required:
        return {"name": field.name, "type": avro_type}
    return {"name": field.name, "type": ["null", avro_type], "default": None}
