"""Locks that hold across processes, and across machines that share a folder."""

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
"""Seconds to wait for another process to finish."""

BETWEEN = 0.05
"""Seconds between attempts to take a lock."""


@contextmanager
def alone(final: Path) -> Iterator[None]:
    """Hold the lock of ``final``, a file beside it, during the block; a killed process releases it.

    Raises ``TransientError`` if another process holds it too long, and ``NcaError`` if the disk refuses.
    """
    file = final.with_name(f".{final.name}.lock")
    with refusals_of_the_disk(final):
        file.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + MAX_WAIT
        while (lock := _try(file)) is None:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"another process has been writing {final} for {MAX_WAIT:.0f} s: stop it, then run this again"
                )
            time.sleep(BETWEEN)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(lock)


def _try(file: Path) -> int | None:
    """An open, locked descriptor of ``file``, or None if another process holds the lock."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), file.stat()):
            return lock  # otherwise its last holder has removed the file since
    os.close(lock)
    return None
