from collections.abc import Iterator
from pathlib import Path

from killed import MOMENTS
from torture import torture


def test_killed_at_every_moment_and_nothing_is_lost(tmp_path: Path) -> None:
    """The short form of `make torture`."""

    def kills() -> Iterator[tuple[str, int, float | None]]:
        for moment in MOMENTS:
            yield moment, 2 if "send" in moment else 1, None

    story = torture(tmp_path / "torture", 3_000, kills(), gap=0.1, lag=0.05)
    assert story.reached == set(MOMENTS)
