"""The commands that send differing users again: ``dbt run-operation braze_reemit`` (docs/operations.md)."""

import json
from collections.abc import Iterator, Sequence

from braze_runner.engine.candidates import batched
from braze_runner.project import Sync
from braze_runner.verify.sample import User
from braze_runner.warehouse import Warehouse

# So that one argument stays below what an operating system takes: 128 KiB on Linux.
_USERS = 1_000
_KINDS = {"user_alias": ("alias", ("alias_name", "alias_label"))}


def reemit_arguments(
    warehouse: Warehouse, sync: Sync, table: str, users: Sequence[User], attributes: Sequence[str]
) -> Iterator[list[str]]:
    """Yield dbt's arguments, for each kind of identifier. Users are named by the keys of their rows, not by name."""
    for kind in sorted({user.kind for user in users}):
        identifier, columns = _KINDS.get(kind, (kind, (kind,)))
        for page in batched((user.key for user in users if user.kind == kind), _USERS):
            keys = ", ".join(map(warehouse.literal, page))
            query = f"select {', '.join(columns)} from {table} where braze_row in ({keys})"  # noqa: S608 (quoted)
            arguments: dict[str, object] = {"sync": sync.name, "users": query, "identifier": identifier}
            # An audience is sent as a whole, and the operation takes no name with a quote.
            if not sync.is_audience and not any('"' in name for name in attributes):
                arguments["attributes"] = list(attributes)
            text = json.dumps(arguments, ensure_ascii=False)
            yield ["run-operation", "braze_reemit", "--args", text]
