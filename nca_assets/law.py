"""The distribution that a set's rollouts are drawn from: how many are of each family, and how large their grids are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHARES: Mapping[str, int] = {
    "spirals": 56,
    "waves": 96,
    "flow": 112,
    "domains": 64,
    "turbulence": 52,
    "excitable": 20,
    "colonies": 12,
    "breathers": 12,
    "pulsing_breathers": 14,
    "gliders": 10,
    "pulsing_gliders": 14,
    "lifelike": 10,
    "smooth": 24,
    "plain": 16,
}
"""The families of the recipe, and how many of 512 rollouts of the card's sets are of each."""

MIN_SIDE, MAX_SIDE = 8, 128
"""What starts have room on, and what labels can count the cells of."""


@dataclass(frozen=True)
class Law:
    """By default that of the card's sets; shares are relative to their sum, sides are in cells."""

    families: Mapping[str, int] = field(default_factory=lambda: SHARES)
    smallest_side: int = 8
    largest_side: int = 48
