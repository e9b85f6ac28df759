"""The kinds of work that endpoints submit, and what applies each."""

from typing import Final

from braze_runner.sandbox.applier import Work
from braze_runner.sandbox.apply import apply_writes, write_of
from braze_runner.sandbox.cdi.jobs import run_jobs
from braze_runner.sandbox.endpoints.aliases import apply_alias_updates, apply_aliases
from braze_runner.sandbox.endpoints.catalog_items import apply_items
from braze_runner.sandbox.endpoints.catalogs import apply_fields
from braze_runner.sandbox.endpoints.delete import apply_deletes
from braze_runner.sandbox.endpoints.identify import apply_identifies
from braze_runner.sandbox.endpoints.merge import apply_merges
from braze_runner.sandbox.endpoints.subscriptions import apply_states

WORK: Final = {
    "writes": Work(apply_writes, lambda items: [write_of(item) for item in items]),
    "deletes": Work(apply_deletes),
    "aliases": Work(apply_aliases),
    "alias_updates": Work(apply_alias_updates),
    "identifies": Work(apply_identifies),
    "merges": Work(apply_merges),
    "states": Work(apply_states),
    "catalog_items": Work(apply_items),
    "catalog_fields": Work(apply_fields),
}

SLOW_WORK: Final = {"cdi": run_jobs}
