"""How long work tells its caller how far it is: a callback that gets what is done and the total."""

from collections.abc import Callable

Progress = Callable[[int, int], None]


def unwatched(done: int, total: int) -> None:
    """The callback of a caller that does not want to know."""
