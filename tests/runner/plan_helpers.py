"""Rows as a warehouse hands them out, and what planners make of them."""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from braze_runner.plan import Identifiers, Packer, Planner, Reject, Request, Row
from braze_runner.plan.endpoints import TRACK, TRACKS, Envelope
from braze_runner.plan.track import ActivityPlanner, AttributesPlanner

TRACKED = Envelope(TRACK, TRACK.path)
CUSTOMER = Identifiers(external_id="customer-000001")

Value = str | bytes | bool | None


def text_column(values: Sequence[Value]) -> Any:
    """Return an Arrow text column of any bytes, as a warehouse hands them out that checks no encoding."""
    data = [each.encode("utf-8", "surrogatepass") if isinstance(each, str) else each for each in values]
    return pa.array(data, pa.binary()).view(pa.string())


def batch_of(rows: Sequence[dict[str, Value]]) -> pa.RecordBatch:
    """Return rows as an Arrow batch; a row without a ``braze_row`` gets one."""
    names = ["braze_row", *dict.fromkeys(name for row in rows for name in row if name != "braze_row")]
    columns = {}
    for name in names:
        values = [
            row.get(name, f"{place:032x}" if name == "braze_row" else None) for place, row in enumerate(rows)
        ]
        is_flag = any(isinstance(value, bool) for value in values)
        columns[name] = pa.array(values, pa.bool_()) if is_flag else text_column(values)
    return pa.RecordBatch.from_pydict(columns)


def plan_one(planner: Planner, **columns: Value) -> Row | Reject:
    [planned] = planner.plan_batch(batch_of([columns]))
    return planned


def attributes(identifiers: Identifiers, payload: Value, **settings: bool) -> Row | Reject:
    return plan_one(AttributesPlanner(TRACKED, settings), **identifiers._asdict(), payload=payload)


def activity(kind: str, payload: Any, identifiers: Identifiers = CUSTOMER, **settings: bool) -> Row | Reject:
    text = payload if isinstance(payload, str | bytes | None) else json.dumps(payload)
    return plan_one(ActivityPlanner(kind, TRACKED, settings), **identifiers._asdict(), payload=text)


def sent(planned: Row | Reject) -> str:
    """Return the object that goes to Braze."""
    assert isinstance(planned, Row), planned
    return planned.object.decode()


def reason(planned: Row | Reject) -> str:
    """Return why a row is not sent; its sentence names no value of it."""
    assert isinstance(planned, Reject), planned
    assert planned.message.endswith(".")
    return planned.reason


class Noted:
    """A source that notes which requests its rows entered first."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.numbers: list[int] = []

    def entered(self, number: int) -> None:
        self.numbers.append(number)


def pack(rows: Iterable[Row], source: Noted | None = None) -> list[Request[Noted]]:
    """Pack rows of one source to the end."""
    packer: Packer[Noted] = Packer(itertools.count(1))
    from_ = source or Noted()
    packed = [packer.add(from_, row) for row in rows]
    return [request for request in packed if request] + packer.flush()


def bodies(rows: Iterable[Row]) -> list[bytes]:
    """Return what goes on the wire."""
    return [request.body() for request in pack(rows)]


ENVELOPES = {limit: Envelope(endpoint, endpoint.path) for limit, endpoint in TRACKS.items()}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
