"""DuckDB's names of types, read: what typeof() says of a value."""

import re
from typing import NamedTuple


class Type(NamedTuple):
    """A type; a list has the type of its elements, a struct those of its fields."""

    name: str
    items: tuple["Type", ...] = ()


def parse_type(text: str) -> Type:
    """Return the type that DuckDB writes as `STRUCT(a INTEGER, "b c" VARCHAR[])`."""
    if text.endswith("[]"):
        return Type("LIST", (parse_type(text[:-2]),))
    if text.startswith("STRUCT("):
        return Type("STRUCT", tuple(parse_type(_type_of_field(field)) for field in _fields(text[7:-1])))
    return Type(text.partition("(")[0])


def _fields(text: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quoted name."""
    fields, depth, quoted, start = [], 0, False, 0
    for position, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if letter == "," and depth == 0:
                fields.append(text[start:position].strip())
                start = position + 1
    return [*fields, text[start:].strip()]


def _type_of_field(field: str) -> str:
    return re.sub(r'^("(?:[^"]|"")*"|\S+) ', "", field)
