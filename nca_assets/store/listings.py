"""Listings of a bucket: page by page, or once for a block of code that asks for the same folders repeatedly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from nca_assets.store.location import BucketPath

if TYPE_CHECKING:
    from obstore import ObjectMeta

AT_ONCE = 16
"""Folders listed concurrently."""

_listed: ContextVar[dict[BucketPath, Future[list[ObjectMeta]]] | None] = ContextVar("listed", default=None)


@contextmanager
def listed_once(folders: Iterable[BucketPath]) -> Iterator[None]:
    """List ``folders``, concurrently, and answer from these listings during the block, as soon as they are there; an
    inner block changes nothing.

    For reading only: what is written meanwhile, here or elsewhere, is not seen.
    """
    if _listed.get() is not None:
        yield
        return
    pool = ThreadPoolExecutor(AT_ONCE)
    before = _listed.set({folder: pool.submit(lambda at: list(at.client.below(at.key)), folder) for folder in folders})
    try:
        yield
    finally:
        _listed.reset(before)
        pool.shutdown(cancel_futures=True)


def below(folder: BucketPath) -> Iterator[ObjectMeta]:
    """All objects below ``folder``."""
    found = _known(folder)
    return folder.client.below(folder.key) if found is None else iter(found)


def directly_in(folder: BucketPath) -> dict[str, ObjectMeta]:
    """The objects directly in ``folder``, by name."""
    found = _known(folder)
    if found is None:
        found = folder.client.directly_in(folder.key)
    start = len(folder.key) + 1 if folder.key else 0
    return {item["path"][start:]: item for item in found if "/" not in item["path"][start:]}


def _known(folder: BucketPath) -> list[ObjectMeta] | None:
    """What a surrounding ``listed_once`` found below ``folder``; None if it did not list it."""
    for place, found in (_listed.get() or {}).items():
        if place == folder:
            return found.result()
        if place.bucket == folder.bucket and place.path in folder.path.parents:
            return [item for item in found.result() if item["path"].startswith(f"{folder.key}/")]
    return None
