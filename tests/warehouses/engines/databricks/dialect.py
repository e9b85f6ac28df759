"""What Sail does not understand of a warehouse's SQL, put in words that it does.

Everything here works on the text with its literals and comments taken out, so that nothing inside them is touched.
"""

import re
from collections.abc import Callable

LITERAL = re.compile(
    r"r?'(?:[^'\\]|\\.)*'|r?\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/", re.DOTALL | re.IGNORECASE
)
MASK = re.compile("\x01(\\d+)\x02")
NAME = r"((?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))*)"
# A warehouse has these, and here they change nothing.
NOTHING = re.compile(
    r"\s*(set\s+time\s+zone|show\s+tblproperties|optimize|use\s+catalog|alter\s+table\s.*set\s+tblproperties)\b",
    re.IGNORECASE | re.DOTALL,
)
# Sail takes a column that has one value in a file from the file's statistics, where numbers and times are rounded.
DELTA_OPTIONS = "options (overwriteSchema=true) tblproperties ('delta.dataSkippingNumIndexedCols'='0')"
Columns = Callable[[str], list[tuple[str, str]]]
Values = Callable[[str], list[str | None]]


class Masked:
    """A statement whose literals are numbers in its text."""

    def __init__(self, sql: str) -> None:
        self.literals: list[str] = []
        self.text = LITERAL.sub(self._mask, sql)

    def _mask(self, match: re.Match[str]) -> str:
        if match[0].startswith(("--", "/*")):
            return " "
        return self._kept(match[0])

    def _kept(self, literal: str) -> str:
        self.literals.append(literal)
        return f"\x01{len(self.literals) - 1}\x02"

    def masked(self, value: str | None) -> str:
        """Return what stands in the text for a value that becomes a literal of the statement."""
        return self._kept("null" if value is None else "'" + re.sub(r"([\\'])", r"\\\1", value) + "'")

    def unmasked(self) -> str:
        """Return the statement as SQL."""
        return self.unmasked_part(self.text).strip()

    def unmasked_part(self, text: str) -> str:
        """Return a part of the text as SQL."""
        return MASK.sub(lambda match: self.literals[int(match[1])], text)

    def literal(self, text: str) -> str:
        """Return the literal that is all of this text, without its quotes, or the empty string."""
        match = MASK.fullmatch(text.strip())
        return self.literals[int(match[1])][1:-1] if match else ""


def rewritten(sql: str, columns_of: Columns, values_of: Values) -> str:
    """Return the statement for Sail; empty for one that has nothing to do there."""
    statement = Masked(sql)
    text = re.sub(r"`?\bhive_metastore\b`?\s*\.\s*", "", statement.text, flags=re.IGNORECASE)
    if NOTHING.match(text):
        return ""
    text = re.sub(r"\btblproperties\s*\([^()]*\)", " ", text, flags=re.IGNORECASE)
    text = re.sub(
        rf"^\s*alter\s+view\s+{NAME}\s+as\b", r"create or replace view \1 as", text, flags=re.IGNORECASE
    )
    text = re.sub(rf"^\s*truncate\s+table\s+{NAME}", r"delete from \1", text, flags=re.IGNORECASE)
    text = _without_subqueries(statement, text, values_of)
    text = _delta_by_default(_added_columns(_all_columns(statement, text, columns_of)))
    statement.text = replaced_calls(text, "variant_get", lambda given: _without_variant(statement, given))
    statement.text = replaced_calls(statement.text, "transform", lambda given: _elements(statement, given))
    return statement.unmasked()


def replaced_calls(text: str, name: str, change: Callable[[list[str]], str | None]) -> str:
    """Replace calls of a function, innermost first, by what `change` makes of their arguments."""
    for match in reversed(list(re.finditer(rf"\b{name}\s*\(", text, re.IGNORECASE))):
        arguments, end = _arguments(text, match.end())
        replacement = change(arguments)
        if replacement is not None:
            text = text[: match.start()] + replacement + text[end:]
    return text


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """Return the arguments from after the opening parenthesis, and where the closing one ends."""
    arguments, depth, begin = [], 0, start
    for position in range(start, len(text)):
        character = text[position]
        if character in "([":
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
        elif character in "),;" and not depth:
            arguments.append(text[begin:position].strip())
            begin = position + 1
            if character == ")":
                return arguments, begin
    raise ValueError(f"no end of the call in {text[start - 20 : start + 80]!r}")


def _delta_by_default(text: str) -> str:
    """A table is Delta where nothing else is said, is replaced with its columns, and clusters only on a warehouse."""
    match = re.match(
        rf"\s*create\s+(?:or\s+replace\s+)?table\s+(?:if\s+not\s+exists\s+)?{NAME}\s*", text, re.IGNORECASE
    )
    if not match:
        return text
    end = match.end()
    if text[end : end + 1] == "(":
        _, end = _arguments(text, end + 1)
    head, rest = text[:end], text[end:]
    options, as_, query = re.match(r"(.*?)(\bas\b|$)(.*)", rest, re.IGNORECASE | re.DOTALL).groups()  # type: ignore[union-attr]
    options = re.sub(r"\bcluster\s+by\s*\([^()]*\)", " ", options, flags=re.IGNORECASE)
    if not re.search(r"\busing\b", options, re.IGNORECASE):
        options = " using delta " + options
    options = re.sub(r"\busing\s+delta\b", f"using delta {DELTA_OPTIONS}", options, flags=re.IGNORECASE)
    return f"{head} {options} {as_}{query}"


def _all_columns(statement: Masked, text: str, columns_of: Columns) -> str:
    """An insert by name, or of fewer columns than the table has, gives null to the others."""
    match = re.match(rf"\s*insert\s+into\s+(?:table\s+)?{NAME}\s*(\(|by\s+name\b)", text, re.IGNORECASE)
    if not match:
        return text
    if match[2] == "(":
        given, end = _arguments(text, match.end())
        names = [name.strip("` ") for name in given]
        query = text[end:].strip().rstrip(";")
        alias = f"given({', '.join(given)})"
    else:
        query, alias = text[match.end() :].strip().rstrip(";"), "given"
        names = [name for name, _ in columns_of(f"({statement.unmasked_part(query)})")]
    columns = columns_of(match[1])
    if match[2] == "(" and len(names) == len(columns):
        return text
    lower = [name.lower() for name in names]
    values = [
        f"given.`{name}`" if name.lower() in lower else f"cast(null as {kind}) as `{name}`"
        for name, kind in columns
    ]
    return f"insert into {match[1]} select {', '.join(values)} from ({query}) as {alias}"


def _without_subqueries(statement: Masked, text: str, values_of: Values) -> str:
    """Sail plans no subquery in the condition of an UPDATE or DELETE: those that read no column of it are run before."""
    if not re.match(r"\s*(update|delete)\b", text, re.IGNORECASE):
        return text
    while match := re.search(r"\bin\s*\((?=\s*(select|with)\b)", text, re.IGNORECASE):
        pieces, end = _arguments(text, match.end())
        values = values_of(statement.unmasked_part(", ".join(pieces)))
        chosen = ", ".join(statement.masked(value) for value in values) or "null"
        text = f"{text[: match.start()]}in ({chosen}){text[end:]}"
    return text


def _added_columns(text: str) -> str:
    """Sail can't add a column to a table; it can write the table again."""
    match = re.match(
        rf"\s*alter\s+table\s+{NAME}\s+add\s+columns?\s*\(?(.*?)\)?\s*;?\s*$", text, re.IGNORECASE | re.DOTALL
    )
    if not match:
        return text
    columns, _ = _arguments(match[2] + ")", 0)
    added = [
        f"cast(null as {kind}) as {name}" for name, kind in (column.split(maxsplit=1) for column in columns)
    ]
    return f"create or replace table {match[1]} as select *, {', '.join(added)} from {match[1]}"


def _without_variant(statement: Masked, given: list[str]) -> str | None:
    """variant_get(…, 'variant'): for Sail that is what it returns without a type."""
    if len(given) == 3 and statement.literal(given[2]).lower() == "variant":
        return f"variant_get({given[0]}, {given[1]})"
    return None


def _elements(statement: Masked, given: list[str]) -> str | None:
    """transform(variant_get(parse_json(text), '$', 'array<variant>'), …): Sail has no array of variants."""
    match = re.fullmatch(
        r"variant_get\s*\(\s*parse_json\s*\((.*)\)\s*,([^,]*),([^,]*)\)", given[0], re.IGNORECASE | re.DOTALL
    )
    if match and statement.literal(match[3]).lower() == "array<variant>":
        return f"standin_json_elements({match[1]})"
    return None
