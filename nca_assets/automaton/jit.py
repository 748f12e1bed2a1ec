"""Compilation of functions for the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import intrinsic


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as machine code that runs without the GIL.

    The code is cached on disk, so that only the first process compiles (seconds), if a folder for it is writable:
    beside the source, in the user's cache folder, or in ``NUMBA_CACHE_DIR``.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


def emitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function for use in compiled ones, whose instructions ``function`` emits itself (in Numba: an intrinsic).

    Keep it in the module of its callers: cached code is only recompiled when the caller's own file changes.
    """
    return intrinsic(function)
