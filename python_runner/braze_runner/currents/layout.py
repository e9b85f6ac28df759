"""Where Currents puts its files: Braze's storage layout, read and written.

``<prefix>/dataexport.<cluster>.<kind>.integration.<id>/event_type=<event>/date=<YYYY-MM-DD-HH>/version=<n>/<env>/<file>``;
whatever comes before ``event_type=`` is the owner's, and Braze may rename what comes after ``date=``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

HOUR = "%Y-%m-%d-%H"
INTEGRATION = "dataexport.prod-01.S3.integration.000000000000000000000001"
ENVIRONMENT = "us-01"


@dataclass(frozen=True, slots=True)
class CurrentsFile:
    """One file of the tree; ``key`` is its path from ``event_type=`` on, which stays when a tree is moved."""

    path: Path
    key: str
    event_type: str
    hour: datetime | None
    version: int | None


def find(root: Path) -> Iterator[Path]:
    """Yield every Avro file below a folder (or the file itself), in the order of its path."""
    if root.is_file():
        yield root
        return
    yield from sorted(path for path in root.rglob("*.avro") if path.is_file())


def parse(path: Path) -> CurrentsFile | None:
    """Read what a path says about its file; None when it has no ``event_type=``: no Currents file."""
    parts = path.absolute().parts
    starts = [
        index
        for index, part in enumerate(parts[:-1])
        if part.startswith("event_type=") and part != "event_type="
    ]
    if not starts:
        return None
    below = parts[starts[-1] :]
    said = dict(part.split("=", 1) for part in below[:-1] if "=" in part)
    return CurrentsFile(
        path=path,
        key="/".join(below),
        event_type=said["event_type"],
        hour=_hour(said.get("date", "")),
        version=int(said["version"]) if said.get("version", "").isdecimal() else None,
    )


def build(event_type: str, hour: datetime, version: int, partition: int, offset: int) -> PurePosixPath:
    """Return where Braze puts a file, relative to the prefix; ``hour`` is when its events were queued."""
    folder = PurePosixPath(
        INTEGRATION, f"event_type={event_type}", f"date={hour:{HOUR}}", f"version={version}", ENVIRONMENT
    )
    return folder / f"{INTEGRATION}+{partition}+{offset:010d}.avro"


def _hour(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, HOUR).replace(tzinfo=UTC)
    except ValueError:
        return None
