"""The rows that a log holds of some users or items, in all its batches."""

from collections.abc import Iterable
from typing import Any

from braze_runner.engine.reader import SyncTable, selected
from braze_runner.plan import Planner
from braze_runner.warehouse import Warehouse


class History:
    """Looks up rows by their key, with the columns that a planner reads."""

    def __init__(self, warehouse: Warehouse, table: SyncTable, planner: Planner) -> None:
        self._warehouse = warehouse
        self._table = table.name
        self._names = [name for name in planner.columns if name in table.columns]
        self._columns = ", ".join(selected(warehouse, table, planner))

    def of(self, keys: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Return braze_row -> its rows, each with ``braze_row``, ``braze_batch``, ``stamp`` and the columns."""
        listed = ", ".join(self._warehouse.literal(key) for key in sorted(keys))
        stamp = f"cast(updated_at as {self._warehouse.types['time']}) as stamp"
        rows = self._warehouse.fetch_all(
            f"select braze_row, braze_batch, {stamp}, {self._columns} "  # noqa: S608 (quoted)
            f"from {self._table} where braze_row in ({listed})"
        )
        names = ["braze_row", "braze_batch", "stamp", *self._names]
        history: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            history.setdefault(row[0], []).append(dict(zip(names, row, strict=True)))
        return history
