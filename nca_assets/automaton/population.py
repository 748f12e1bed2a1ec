"""The population that a set's rollouts are drawn from: a seed, a mix of families, and a range of grid sizes.

Not here: the draws themselves (``recipe``, ``shape``). Imports nothing heavy, so that sets are checked quickly.
"""

from __future__ import annotations

from dataclasses import dataclass

from nca_assets.errors import NcaError

FAMILY_SHARES = (
    ("spirals", 56),
    ("waves", 96),
    ("flow", 112),
    ("domains", 64),
    ("turbulence", 52),
    ("excitable", 20),
    ("colonies", 12),
    ("breathers", 12),
    ("pulsing_breathers", 14),
    ("gliders", 10),
    ("pulsing_gliders", 14),
    ("lifelike", 10),
    ("smooth", 24),
    ("plain", 16),
)
"""Every family and its default share of 512 rollouts."""

MAX_SHARE = 65536
"""Keeps the sum of the shares far below the range of a word, 2**32, so that families are drawn in proportion."""

MIN_SIDE, MAX_SIDE = 4, 128
"""The labels damage a block of 3 x 3 cells and need a larger grid, and their columns hold up to 2**15 - 1 cells per
frame, twice the largest grid. The engines' own limits are far beyond."""


@dataclass(frozen=True)
class Population:
    """The distribution that a set's rollouts are drawn from; together with ``index``, it determines a rollout.

    ``seed`` is in [0, 2**32); 0 is the vocabulary's. ``families`` are names and shares: a family's probability is its
    share over the sum of all shares, and families not listed don't occur. They are sorted in the catalog's order. Grids
    have sides from ``smallest_side`` to ``largest_side``, inclusive. Raises ``NcaError`` naming the first value that is
    out of range.
    """

    seed: int
    families: tuple[tuple[str, int], ...] = FAMILY_SHARES
    smallest_side: int = 8
    largest_side: int = 48

    def __post_init__(self) -> None:
        _require_whole("seed", self.seed, 0, 2**32 - 1)
        _require_whole("smallest_side", self.smallest_side, MIN_SIDE, MAX_SIDE)
        _require_whole("largest_side", self.largest_side, self.smallest_side, MAX_SIDE)
        object.__setattr__(self, "families", _in_catalog_order(self.families))


def _in_catalog_order(families: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    known = [name for name, _ in FAMILY_SHARES]
    shares = dict(families)
    if not shares:
        raise NcaError(f"families is empty: list at least one of {', '.join(known)}")
    if len(shares) < len(families):
        raise NcaError("families lists a family twice: give each one share")
    for name, share in families:
        if name not in known:
            raise NcaError(f"unknown family {name!r}: use {', '.join(known)}")
        _require_whole(f"the share of {name}", share, 1, MAX_SHARE)
    return tuple((name, shares[name]) for name in known if name in shares)


def _require_whole(what: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise NcaError(f"{what} is {value!r}: use a whole number from {low} to {high}")
