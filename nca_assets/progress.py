"""Progress of long work: a callback that receives the amount done and the total."""

from collections.abc import Callable

Progress = Callable[[int, int], None]


def unwatched(done: int, total: int) -> None:
    """Ignores progress."""
