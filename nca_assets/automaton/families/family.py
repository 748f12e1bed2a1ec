"""A family of rules, and what it draws for one rollout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.sketch import Sketch
from nca_assets.automaton.start import Start

DrawFunction = Callable[[Draws, int, int], "Drawn"]
"""From the numbers of a rollout, its height and its width."""


@dataclass(frozen=True)
class Drawn:
    """A family's draw: weights, the start, and the scalars of the residual update.

    The residual scale is 2**-``residual_shift``, the leak is ``leak``/64, and the noise is an odd integer in
    [-255, 255] times 2**-``noise_shift``.
    """

    sketch: Sketch
    start: Start
    residual_shift: int
    noise_shift: int
    leak: int = 64


@dataclass(frozen=True)
class Family:
    """A family: its name, and the function that draws a rule of it."""

    name: str
    draw: DrawFunction
