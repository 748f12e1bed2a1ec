"""One process at a time, on this machine and on all that share its folders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from nca_assets.errors import TransientError
from nca_assets.store.refusals import refusals_of_the_disk

MAX_WAIT = 600.0
"""Seconds to wait for another process to end."""


@contextmanager
def alone(final: Path) -> Iterator[None]:
    """Hold the lock of ``final``, a file beside it, for the block.

    Raises ``TransientError`` if another process keeps it too long, and ``NcaError`` if the disk refuses.
    """
    with refusals_of_the_disk(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(final.with_name(f".{final.name}.lock")).acquire(timeout=MAX_WAIT)
        except Timeout:
            raise TransientError(
                f"another process has been writing {final} for {MAX_WAIT:.0f} s: end it, then run this again"
            ) from None
    with held:
        yield
