"""How often Python looks for garbage that reference counts do not free."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects before the youngest are searched, and how often the older ones are; Python's own are 700, 10, 10.
_THRESHOLDS = (20_000, 50, 100)


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Search less often meanwhile: planned rows are in no cycle, and millions of them pass."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
