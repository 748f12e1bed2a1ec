"""The recipe: a rollout's rule and its start, drawn by integer arithmetic from (population, index).

``docs/SPEC.md`` specifies it in words; a change to any draw requires a new ``versions.RECIPE_VERSION``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import BY_NAME
from nca_assets.automaton.families.family import Family
from nca_assets.automaton.fixed_point import CHANNELS, FAN_IN, PRODUCT_ONE, STATE_ONE
from nca_assets.automaton.population import Population
from nca_assets.automaton.shape import draw_shape
from nca_assets.automaton.start import Start, draw_start

MAX_NOISE = 255


@dataclass(frozen=True)
class Scalars:
    """The single numbers in a rollout's recipe; ``docs/SPEC.md`` gives the formulas.

    The residual scale is 2**-``residual_shift``, the leak is ``leak``/64, and the noise is an odd integer in
    [-255, 255] times 2**-``noise_shift``.
    """

    seed: int
    index: int
    height: int
    width: int
    family: str
    residual_shift: int
    leak: int
    noise_shift: int


@dataclass(frozen=True)
class Rule:
    """One rollout's frozen random rule: its scalars, its weights and its start.

    ``weights_in`` and ``weights_out`` are int16 (16 outputs, 16 inputs, 3 rows, 3 columns), ``bias_in`` and
    ``bias_out`` int16 (16,), all in units of 1/64. Channel c begins as field ``fields[c]`` of ``start``.
    """

    scalars: Scalars
    weights_in: NDArray[np.int16]
    bias_in: NDArray[np.int16]
    weights_out: NDArray[np.int16]
    bias_out: NDArray[np.int16]
    fields: tuple[int, ...]
    start: Start

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.scalars.height, self.scalars.width

    def largest_sum(self) -> int:
        """A bound on the magnitude of any partial sum of a step, in units of that sum's finest step.

        float32 arithmetic is exact while this stays at or below 2**24 (``fixed_point.EXACT_LIMIT``).
        """
        hidden = _largest_convolution(self.weights_in, self.bias_in)
        update = _largest_convolution(self.weights_out, self.bias_out) + self.scalars.leak * STATE_ONE
        fine = 1 << self.scalars.residual_shift
        return max(hidden, PRODUCT_ONE * fine + update + MAX_NOISE * (PRODUCT_ONE * fine >> self.scalars.noise_shift))


def _largest_convolution(weights: NDArray[np.int16], bias: NDArray[np.int16]) -> int:
    per_output = np.abs(weights.astype(np.int64)).reshape(CHANNELS, FAN_IN).sum(axis=1) + np.abs(bias.astype(np.int64))
    return int(per_output.max()) * STATE_ONE


def draw_rule(population: Population, index: int) -> Rule:
    """The rule of rollout ``index``, in [0, 2**32), of ``population``."""
    draws = Draws(population.seed, index)
    return draw_rule_of(_draw_family(population, draws), draws, draw_shape(population, index))


def draw_rule_of(family: Family, draws: Draws, shape: tuple[int, int]) -> Rule:
    """A rule of ``family`` on a grid of ``shape`` (height, width), from the next numbers of ``draws``."""
    seed, index = draws.key
    height, width = shape
    drawn = family.draw(draws, height, width)
    scalars = Scalars(
        seed=seed,
        index=index,
        height=height,
        width=width,
        family=family.name,
        residual_shift=drawn.residual_shift,
        leak=drawn.leak,
        noise_shift=drawn.noise_shift,
    )
    return Rule(scalars, *drawn.sketch.weights(), fields=drawn.sketch.fields, start=drawn.start)


def draw_initial_state(rule: Rule) -> NDArray[np.int16]:
    """The state at frame 0: int16 (height, width, 16), in [-1024, 1024], in units of 1/1024."""
    return draw_start((rule.scalars.seed, rule.scalars.index), *rule.shape, rule.fields, rule.start)


def _draw_family(population: Population, draws: Draws) -> Family:
    number = draws.between(0, sum(share for _, share in population.families) - 1)
    for name, share in population.families:
        if number < share:
            return BY_NAME[name]
        number -= share
    raise AssertionError("the shares of the families leave a gap")
