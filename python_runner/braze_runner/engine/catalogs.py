"""Catalogs that items are about to be pushed to: they and their fields have to be there."""

from collections.abc import Iterable

from braze_runner.client.api import BAD_REQUEST, Api, ApiError
from braze_runner.engine.observer import Observer
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.project import Sync

_PATH = "/catalogs"


def make_catalogs(syncs: Iterable[Sync], api: Api, observer: Observer) -> None:
    """Create the catalogs that are missing, with the fields that their models declare.

    A key that may not list catalogs (Braze: permission catalogs.get) is no error: then nothing is known, and a
    catalog that is missing stops the run with Braze's own answer.
    """
    wanted = {sync.catalog: sync for sync in syncs if sync.type == "catalog_items"}
    if not wanted:
        return
    try:
        present = _present(api)
    except ApiError as exc:
        if exc.status in (401, 403):
            return
        raise
    for name, sync in wanted.items():
        if name not in present:
            _make(sync, api)
            observer.message(f"{sync.name}: the catalog {name} was created.")


def _present(api: Api) -> set[str]:
    return {catalog["name"] for catalog in api.get(_PATH).body.get("catalogs", ())}


def _make(sync: Sync, api: Api) -> None:
    if not sync.catalog_fields:
        raise ConfigError(f"Model {sync.name}: there is no catalog {sync.catalog} in Braze.")
    # The first field of a catalog is its id (Braze: Create catalog).
    fields = [{"name": "id", "type": "string"}]
    fields += [{"name": field, "type": type_} for field, type_ in sync.catalog_fields]
    try:
        api.post(_PATH, {"catalogs": [{"name": sync.catalog, "fields": fields}]})
    except ApiError as exc:
        # A first try may have made it though its answer was lost.
        if exc.status == BAD_REQUEST and sync.catalog in _present(api):
            return
        hint = " The key needs the permission catalogs.create." if exc.status in (401, 403) else ""
        raise StoppedError(f"The catalog {sync.catalog} could not be created. {exc}{hint}") from exc
