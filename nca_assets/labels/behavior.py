"""The behavior class of a rollout; ``docs/LABELS.md`` gives the definitions and the reasons for them.

Classes follow from the tokens alone, mostly those of the tail, the last 128 frames; rhythms need the last 256. The grid
is a torus, so shifts wrap around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.labels.counting import Counts, Frames, count_tokens
from nca_assets.labels.ground import Ground, measure_ground
from nca_assets.labels.matching import MatchCounter
from nca_assets.labels.motion import Travel, traveling
from nca_assets.labels.rhythm import WINDOW, lag_match_curve, rhythm_lag
from nca_assets.labels.space import Space, structure_in_space
from nca_assets.labels.translation import MAX_PERIOD, Shift, exact_period, exact_translation, loose_translation

TAIL = 128
SAMPLED = 7
"""Stride of the sampled frames of the tail; no short even period divides it."""

TURNING = 0.75
QUIET_CHANGE = 0.05
ONE_WAY = 0.1
ONE_WAY_OF_TRAVELING = 2 / 3
TRAVELING = 0.25
STRUCTURED = 0.1
"""Share of the equal neighbors beyond chance."""


@dataclass(frozen=True)
class Behavior:
    """A class with its period in frames and, for common motion, the shift in cells per period."""

    name: str
    period: int | None = None
    dy: int | None = None
    dx: int | None = None


@dataclass(frozen=True)
class Traits:
    """The basis of the classes. ``counts`` are the tokens of each frame; ``lag_match`` is s(L) from lag 1 on."""

    counts: Counts
    lag_match: NDArray[np.float64]
    ground: Ground
    space: Space
    travel: Travel

    @classmethod
    def of(cls, tokens: Frames, counter: MatchCounter | None = None) -> Traits:
        """The traits of ``tokens`` (frames, height, width)."""
        counts, tail = count_tokens(tokens), tokens[-TAIL:]
        return cls(
            counts=counts,
            lag_match=lag_match_curve(counter or MatchCounter(tokens)),
            ground=measure_ground(tokens[-WINDOW:], counts[-WINDOW:], TAIL, SAMPLED),
            space=structure_in_space(tail[::SAMPLED]),
            travel=traveling(tail),
        )


def classify(tokens: Frames, traits: Traits | None = None) -> Behavior:
    """The first class in ``CLASSES`` whose definition ``tokens`` (frames, height, width) meets.

    ``traits`` are those of ``tokens``, if already computed.
    """
    tail = tokens[-TAIL:]
    if (tail == tail[0]).all():
        return Behavior("static")
    traits = traits or Traits.of(tokens)
    return _repeating(tail, traits) or _beating(tail, traits) or _traveling(traits) or _irregular(traits)


def frozen_share(tail: Frames) -> float:
    """The share of cells that never change in the tail."""
    return int((tail == tail[0]).all(axis=0).sum()) / tail[0].size


def _repeating(tail: Frames, traits: Traits) -> Behavior | None:
    """Exact or approximate recurrence of the objects or of the whole grid, in place or shifted."""
    if traits.ground.shift:
        return _shifted("gliding", traits.ground.shift)
    period, counts = exact_period(tail), traits.counts[-TAIL:]
    shift = exact_translation(tail, counts, MAX_PERIOD if period is None else period - 1)
    if shift is None and period is None:
        shift = loose_translation(tail, counts)
    if shift:
        return _shifted("translating", shift)
    return Behavior("periodic", period) if period else None


def _beating(tail: Frames, traits: Traits) -> Behavior | None:
    """Approximate recurrence, of objects in place or of the whole grid in step; and near stillness."""
    ground, lag = traits.ground, rhythm_lag(traits.lag_match)
    if ground.beat:
        return Behavior("breathing", ground.beat)
    if lag and ground.still is not None and ground.still < TURNING:
        return Behavior("synchronous", lag)
    if lag is None and np.count_nonzero(tail[1:] != tail[:-1]) < QUIET_CHANGE * tail[1:].size:
        return Behavior("quiet")
    return None


def _traveling(traits: Traits) -> Behavior | None:
    """Waves that go one way, or several ways; the period is null if they come at irregular intervals."""
    travel, lag = traits.travel, rhythm_lag(traits.lag_match)
    if travel.one_way >= max(ONE_WAY, ONE_WAY_OF_TRAVELING * travel.share):
        return Behavior("streaming", lag)
    return Behavior("radiating", lag) if travel.share >= TRAVELING else None


def _irregular(traits: Traits) -> Behavior:
    """The rest: cells that beat in their own phases, and change without recurrence or travel."""
    lag, space = rhythm_lag(traits.lag_match), traits.space
    if lag:
        return Behavior("rhythmic", lag)
    structured = space.domains >= STRUCTURED * (1 - space.chance)
    return Behavior("turbulent" if structured else "noisy")


def _shifted(name: str, shift: Shift) -> Behavior:
    return Behavior(name, shift.period, shift.dy, shift.dx)
