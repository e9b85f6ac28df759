"""The tables of the syncs that are pushed, and what is pending in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from braze_runner.engine.deletions import DeletionGuard, Deletions
from braze_runner.engine.reader import Batch, LogReader, Reader, SyncTable, open_table
from braze_runner.engine.source import Source
from braze_runner.engine.stamps import StampReader
from braze_runner.engine.summary import Counts
from braze_runner.plan import Planner, planner_for
from braze_runner.plan.planners import TrackLimit
from braze_runner.project import Project, Sync
from braze_runner.state import Position
from braze_runner.warehouse import Warehouse


class Input:
    """One sync with its table, planner and reader."""

    def __init__(self, warehouse: Warehouse, sync: Sync, track_limit: TrackLimit) -> None:
        self.sync = sync
        self.counts = Counts()
        self.planner: Planner = planner_for(sync, track_limit)
        self.table: SyncTable = open_table(warehouse, sync, self.planner)
        kind = LogReader if self.table.has_bookkeeping else StampReader
        self.reader: Reader = kind(warehouse, sync, self.table, self.planner)


class Inputs:
    """The syncs of one push; opening them raises ConfigError for a table that can't be pushed."""

    def __init__(
        self, warehouse: Warehouse, project: Project, syncs: Sequence[Sync], track_limit: TrackLimit
    ) -> None:
        self.deletions = Deletions(warehouse, project.syncs)
        self._inputs = [Input(warehouse, sync, track_limit) for sync in syncs]

    def __iter__(self) -> Iterator[Input]:
        return iter(self._inputs)

    def sources(
        self,
        positions: Callable[[str], Mapping[str, Position]],
        guard: DeletionGuard,
        refused: Callable[[str], None],
    ) -> list[Source]:
        """Return every pending batch; deletions that the guard does not let through are held back and told."""
        sources = []
        for each in self._inputs:
            batches = each.reader.pending(positions(each.sync.unique_id))
            problem = self._problem(each.sync, batches, guard)
            if problem:
                refused(problem)
                each.counts.rows_read = each.counts.rows_held = sum(batch.rows for batch in batches)
                continue
            for batch in batches:
                dropped = self._dropped(each, batch)
                sources.append(Source(each.sync, batch, each.reader, each.planner, each.counts, dropped))
        return sources

    def _problem(self, sync: Sync, batches: Sequence[Batch], guard: DeletionGuard) -> str:
        deletions = sum(batch.rows for batch in batches)
        if sync.type != "deletes" or not deletions:
            return ""
        return guard.problem(sync.name, deletions, self.deletions.users_known())

    def _dropped(self, each: Input, batch: Batch) -> Callable[[], frozenset[str]]:
        if each.sync.type != "deletes":
            return frozenset
        return partial(self.deletions.of_users_who_returned, each.table, batch)
