"""Damage: the states of a few cells changed, to see how far it spreads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flip:
    """The states of 3 x 3 cells around row ``y`` and column ``x`` change their sign at ``frame``; noise stays the same.

    A rollout with a flip is the replica of the rollout without: they agree in every frame before. A single cell would
    often be masked by chance, in a medium that has to be excited or that has thresholds.
    """

    frame: int
    y: int
    x: int

    @property
    def block(self) -> tuple[slice, slice]:
        """The rows and the columns of the cells."""
        return slice(self.y - 1, self.y + 2), slice(self.x - 1, self.x + 2)

    def require_inside(self, frames: int, shape: tuple[int, ...]) -> None:
        """Raise ``ValueError`` unless all nine cells, unwrapped, are of a rollout of ``frames`` frames on ``shape``."""
        height, width = shape
        if not (0 <= self.frame < frames and 1 <= self.y < height - 1 and 1 <= self.x < width - 1):
            raise ValueError(
                f"{self}, which is of 3 x 3 cells, lies outside a rollout of {frames} frames on a grid of "
                f"{height} x {width}"
            )
