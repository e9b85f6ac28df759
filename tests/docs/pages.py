"""What the pages of docs/ say in a form that can be checked: models, tables of rows, columns, arguments, requests.

A model or YAML block begins with a comment that names its file; with ", the next day" it is what the second run sees.
Other blocks and tables have a comment in front, which a reader does not see: `<!-- rows: <table>, run 1 -->`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))

BLOCK = re.compile(
    r"^```(?:sql|yaml)\n(?:--|#) models/([\w/]+\.(?:sql|yml))(, the next day)?[^\n]*\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(
    r"^<!-- (\w+): ([^>]+?) -->\n\n(?:```json\n(.*?)^```$|((?:^\|[^\n]*\n)+))", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Mark:
    """A marked block: what it is about, and the JSON text or the lines of the table."""

    page: str
    kind: str
    about: str
    body: str

    @property
    def tables(self) -> list[str]:
        """What is named before `, run 1`."""
        return [name for name in self.about.split(", ") if not name.startswith("run ")]

    @property
    def run(self) -> int | None:
        """The run whose rows these are."""
        found = re.search(r"run (\d)", self.about)
        return int(found[1]) if found else None

    def cells(self) -> list[list[str]]:
        """The rows of the table, its header first."""
        lines = [line for line in self.body.splitlines() if not re.fullmatch(r"[|\- ]+", line)]
        return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]

    def __str__(self) -> str:
        return f"{self.page}: {self.kind} of {self.about}"


def models(next_day: bool) -> dict[str, str]:
    """Return file name -> content of the blocks of one day, of all pages."""
    files: dict[str, str] = {}
    for page in PAGES:
        for name, later, body in BLOCK.findall(page.read_text()):
            if bool(later) == next_day:
                assert name not in files, f"{page.name}: a second block of {name}"
                files[name] = body
    return files


def marks(kind: str) -> list[Mark]:
    """Return the marked blocks of this kind, of all pages."""
    return [
        Mark(page.name, found[1], found[2], found[3] or found[4])
        for page in PAGES
        for found in MARK.finditer(page.read_text())
        if found[1] == kind
    ]


def value(cell: str) -> Any:
    """A cell as a value that compares: JSON in backticks parsed, an empty one null."""
    if cell.startswith("`{"):
        return json.loads(cell.strip("`"))
    return cell or None


def shown(stored: Any) -> Any:
    """A value of the warehouse in the same form."""
    if isinstance(stored, str) and stored.startswith("{"):
        return json.loads(stored)
    return None if stored is None else str(stored).lower() if isinstance(stored, bool) else str(stored)


def names(cell: str) -> list[str]:
    """The names in backticks of a cell."""
    return re.findall(r"`(\w+)`", cell)
