"""Load Currents files into DuckDB: each file once, each whole or not at all."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import pyarrow as pa

from braze_runner.currents import avro, layout, tables
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.warehouse import Transactional, Warehouse

# What is decoded at once, and one transaction writes: about 125,000 events, a row group of DuckDB.
BATCH_BYTES = 20_000_000
BATCH_FILES = 400
# Processes that decode, and the size of a tree from which on they are worth their start.
DECODERS = 2
POOL_FROM_BYTES = 80_000_000


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
    store = tables.EventTables(cast("Transactional", warehouse), schema)
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
    """Decode batch by batch, a few ahead of the one that is written."""
    with _decoders(batches) as pool:
        left = iter(batches)
        ahead = deque((batch, pool.submit(decode, batch.paths)) for batch in islice(left, DECODERS + 1))
        try:
            while ahead:
                batch, results = ahead.popleft()
                yield batch, results.result()
                ahead.extend((after, pool.submit(decode, after.paths)) for after in islice(left, 1))
        except BrokenProcessPool as exc:
            raise StoppedError("A process that decodes files was ended from outside: run again.") from exc
        finally:
            pool.shutdown(cancel_futures=True)


def _decoders(batches: Iterable[_Batch]) -> Executor:
    """Return a thread, which works while DuckDB writes; for a large tree processes, which cost a start."""
    if sum(size for batch in batches for _, size in batch.files) < POOL_FROM_BYTES:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(DECODERS, get_context("spawn"), _ignore_interrupts)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that writes; it ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
