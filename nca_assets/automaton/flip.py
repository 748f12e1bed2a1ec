"""Damage: one cell's state changed, to see how far it spreads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flip:
    """The state of the cell in row ``y`` and column ``x`` changes its sign at ``frame``; the noise stays the same.

    A rollout with a flip is the twin of the rollout without: they agree in every frame before.
    """

    frame: int
    y: int
    x: int

    def require_inside(self, frames: int, shape: tuple[int, ...]) -> None:
        """Raise ``ValueError`` unless the cell is one of a rollout of ``frames`` frames on a grid of ``shape``."""
        height, width = shape
        if not (0 <= self.frame < frames and 0 <= self.y < height and 0 <= self.x < width):
            raise ValueError(f"{self} lies outside a rollout of {frames} frames on a grid of {height} x {width}")
