"""Damage: a change to the states of a few cells, to see how far it spreads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flip:
    """The states of 3 x 3 cells around row ``y`` and column ``x`` change sign at ``frame``; the noise stays the same.

    A rollout with a flip is the replica of the rollout without: they agree in every earlier frame. A single cell would
    often be masked, in media with thresholds.
    """

    frame: int
    y: int
    x: int

    @property
    def block(self) -> tuple[slice, slice]:
        """The rows and columns of the cells."""
        return slice(self.y - 1, self.y + 2), slice(self.x - 1, self.x + 2)

    def require_inside(self, frames: int, shape: tuple[int, ...]) -> None:
        """Raise ``ValueError`` unless all nine cells lie, unwrapped, in a rollout of ``frames`` frames on ``shape``."""
        height, width = shape
        if not (0 <= self.frame < frames and 1 <= self.y < height - 1 and 1 <= self.x < width - 1):
            raise ValueError(
                f"{self}, a block of 3 x 3 cells, lies outside a rollout of {frames} frames on a grid of "
                f"{height} x {width}"
            )
