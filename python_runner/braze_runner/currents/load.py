"""Load Currents files into DuckDB: each file once, each whole or not at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from braze_runner.currents import avro, layout, tables
from braze_runner.errors import ConfigError
from braze_runner.warehouse import Warehouse

# What is decoded at once, and one transaction writes: about 125,000 events, a row group of DuckDB.
BATCH_BYTES = 20_000_000
BATCH_FILES = 400


@dataclass(slots=True)
class LoadSummary:
    """What became of the files: found = loaded + already there + damaged + not recognised."""

    found: int = 0
    loaded: int = 0
    already: int = 0
    events: int = 0
    damaged: list[tuple[Path, str]] = field(default_factory=list)
    unrecognised: list[Path] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every file is in the warehouse now."""
        return not self.damaged and not self.unrecognised


@dataclass(frozen=True, slots=True)
class _Batch:
    event_type: str
    files: tuple[tuple[layout.CurrentsFile, int], ...]

    @property
    def paths(self) -> list[Path]:
        return [file.path for file, _ in self.files]


def load(
    warehouse: Warehouse,
    root: Path,
    schema: str,
    *,
    progress: Callable[[LoadSummary, int], None] = lambda _summary, _pending: None,
) -> LoadSummary:
    """Load every file below ``root`` that ``schema`` doesn't hold yet.

    A file and its row in the ledger are written in one transaction, after which ``progress`` gets the summary
    so far and the number of files left. Raises ConfigError when there is nothing to read, or no DuckDB.
    """
    if warehouse.adapter_type != "duckdb":
        raise ConfigError(
            f"load-currents loads into DuckDB; {warehouse.adapter_type} loads Avro files with its own COPY."
        )
    paths = list(layout.find(root))
    if not paths:
        problem = "holds no .avro file" if root.exists() else "does not exist"
        raise ConfigError(f"{root} {problem}: name the folder that Currents writes to.")
    summary = LoadSummary(found=len(paths))
    store = tables.EventTables(warehouse, schema)
    store.create()
    batches = _plan(paths, store.loaded_files(), summary)
    pending = sum(len(batch.files) for batch in batches)
    for batch, results in _decoded(batches):
        _write(store, batch, results, summary)
        pending -= len(batch.files)
        progress(summary, pending)
    return summary


def _plan(paths: Iterable[Path], known: Mapping[str, int], summary: LoadSummary) -> list[_Batch]:
    """Group the files that are new, or have another size than when they were loaded, by event type."""
    groups: dict[str, list[tuple[layout.CurrentsFile, int]]] = {}
    seen: set[str] = set()
    for path in paths:
        file = layout.parse(path)
        if file is None:
            summary.unrecognised.append(path)
            continue
        size = path.stat().st_size
        if file.key in seen or known.get(file.key) == size:
            summary.already += 1
            continue
        seen.add(file.key)
        groups.setdefault(file.event_type, []).append((file, size))
    return [batch for event_type, files in groups.items() for batch in _cut(event_type, files)]


def _cut(event_type: str, files: list[tuple[layout.CurrentsFile, int]]) -> Iterator[_Batch]:
    batch: list[tuple[layout.CurrentsFile, int]] = []
    size = 0
    for file in files:
        if batch and (len(batch) == BATCH_FILES or size + file[1] > BATCH_BYTES):
            yield _Batch(event_type, tuple(batch))
            batch, size = [], 0
        batch.append(file)
        size += file[1]
    yield _Batch(event_type, tuple(batch))


def decode(paths: Iterable[Path]) -> list[pa.Table | str]:
    """Decode files, each to its table or to the sentence that says what is wrong with it."""
    results: list[pa.Table | str] = []
    for path in paths:
        try:
            results.append(avro.read_table(path))
        except avro.DamagedFileError as exc:
            results.append(str(exc))
    return results


def _decoded(batches: list[_Batch]) -> Iterator[tuple[_Batch, list[pa.Table | str]]]:
    """Decode batch by batch, one ahead: DuckDB writes without Python's lock, so both cores have work.

    A pool of worker processes was tried and was not faster on two cores.
    """
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(decode, batch.paths) for batch in batches[:1]]
        for number, batch in enumerate(batches, 1):
            results = ahead.pop().result()
            ahead += [pool.submit(decode, following.paths) for following in batches[number : number + 1]]
            yield batch, results


def _write(
    store: tables.EventTables, batch: _Batch, results: list[pa.Table | str], summary: LoadSummary
) -> None:
    """Write what could be decoded of a batch in one transaction, then count it."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.writing(batch.event_type, now) as writer:
        for (file, size), result in zip(batch.files, results, strict=True):
            problem = result if isinstance(result, str) else writer.add(file.key, size, result)
            if problem:
                summary.damaged.append((file.path, problem))
    summary.loaded += writer.files
    summary.events += writer.events
