"""One process at a time, on this machine and on all that share its folders."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nca_assets.errors import TransientError
from nca_assets.store.refusals import refusals_of_the_disk

MAX_WAIT = 600.0
"""Seconds to wait for another process to end."""

BETWEEN = 0.05
"""Seconds between two looks at a lock."""


@contextmanager
def alone(final: Path) -> Iterator[None]:
    """Hold the lock of ``final``, a file beside it, for the block; it ends with the process.

    Raises ``TransientError`` if another process keeps it too long, and ``NcaError`` if the disk refuses.
    """
    file = final.with_name(f".{final.name}.lock")
    with refusals_of_the_disk(final):
        file.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + MAX_WAIT
        while (lock := _try(file)) is None:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"another process has been writing {final} for {MAX_WAIT:.0f} s: end it, then run this again"
                )
            time.sleep(BETWEEN)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(lock)


def _try(file: Path) -> int | None:
    """The lock of ``file``, to be closed, or None if another process has it."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), file.stat()):
            return lock  # otherwise the last holder has removed it since it was opened
    os.close(lock)
    return None
