"""A folder that appears whole or not at all: written beside, then renamed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from nca_assets.errors import DiskFullError, NcaError
from nca_assets.files import TEMPORARY, is_full

BEFORE = ".before"
"""Suffix of the folder that is being replaced, for as long as that takes."""


@contextmanager
def replaced_folder(to: Path) -> Iterator[Path]:
    """A folder beside ``to`` that takes its place when the block ends well, and vanishes when it does not.

    Leftovers of writers that were killed are removed first. Raises ``NcaError`` when the disk refuses.
    """
