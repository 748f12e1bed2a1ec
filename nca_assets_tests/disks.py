"""Disks that are small enough to be full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nca_assets_tests.conftest import lacking


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of ``size``, like 12m, mounted on ``folder``; the test is skipped where mounting is not permitted."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        lacking(f"this user may not mount a small disk: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
