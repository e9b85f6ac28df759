"""POST /users/external_ids/rename and /remove (Braze docs, "Rename external ID", "Remove external ID").

Their answers say what came of each id, so nothing is queued.
"""

from typing import Any

from braze_runner.limits import OBJECTS
from braze_runner.sandbox.endpoints.checks import is_id, list_error, refusal
from braze_runner.sandbox.http import Answer, Call
from braze_runner.sandbox.profiles import ProfileStore


def rename(call: Call) -> Answer:
    """Give profiles new external_ids; the old ones stay as deprecated names of the same profiles."""
    error = list_error(call.body, "external_id_renames", OBJECTS)
    if error is not None:
        return refusal(error)
    items, renamed, errors = call.body["external_id_renames"], [], []
    for index, item in enumerate(items):
        text = _rename_error(call.store, item)
        if text is None:
            _rename(call.store, item["current_external_id"], item["new_external_id"])
            renamed.append(item["new_external_id"])
        else:
            errors.append([index, text])
    body = {"message": "success", "external_ids": renamed, "rename_errors": errors}
    return Answer(201, body, len(items), len(errors))


def _rename_error(store: ProfileStore, item: Any) -> str | None:
    if not isinstance(item, dict):
        return "The rename must be an object"
    current, new = item.get("current_external_id"), item.get("new_external_id")
    if not is_id(current) or not is_id(new):
        return "'current_external_id' and 'new_external_id' must be external_ids"
    if not store.by_column("external_id", [current]):
        return "The current external_id is not the primary one of a user"
    return "The new external_id is in use" if store.by_external_id([new]) else None


def _rename(store: ProfileStore, current: str, new: str) -> None:
    (profile,) = store.by_column("external_id", [current])
    profile.external_id = new
    store.write([], [profile])
    store.connection.execute("insert into deprecated_external_ids values (?, ?)", (current, profile.id))


def remove(call: Call) -> Answer:
    """Forget deprecated external_ids; a primary one can't be removed."""
    error = list_error(call.body, "external_ids", OBJECTS)
    if error is not None:
        return refusal(error)
    items, removed, errors = call.body["external_ids"], [], []
    for index, item in enumerate(items):
        sql = "delete from deprecated_external_ids where external_id = ?"
        if is_id(item) and call.store.connection.execute(sql, (item,)).rowcount:
            removed.append(item)
        else:
            errors.append([index, "The external_id is not a deprecated one"])
    body = {"message": "success", "removed_ids": removed, "removal_errors": errors}
    return Answer(201, body, len(items), len(errors))
