"""Names of tables as SQL has them, and their parts as a catalogue has them."""

import re
from typing import NamedTuple

_PART = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|[^."`]+')


class Part(NamedTuple):
    """One part of a name as it is written; without quotes a warehouse may change its case."""

    written: str

    @property
    def is_quoted(self) -> bool:
        """Say whether it stands in quotes."""
        return self.written[0] in '"`'

    @property
    def text(self) -> str:
        """Return it without quotes."""
        quote = self.written[0]
        return self.written[1:-1].replace(quote * 2, quote) if self.is_quoted else self.written


def parts_of(relation: str) -> list[Part]:
    """Return the parts of a name, of a table (database, schema, name) or of its schema; the first may be missing."""
    return [Part(part) for part in _PART.findall(relation)]


def schema_of(relation: str) -> str:
    """Return the name of the schema that a table is in, as it is written in the table's."""
    return ".".join(part.written for part in parts_of(relation)[:-1])
