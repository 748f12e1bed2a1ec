"""Statistics behind the tokens: how saturated the hidden states are, and how clearly each belongs to its token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from nca_assets.automaton.compiled import State, state_at
from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.jit import compiled
from nca_assets.automaton.recipe import Rule

STATES_FRAME = 16
"""The frame examined, past the first transient; reaching it costs 3 % of a rollout of 500 frames."""


@dataclass(frozen=True)
class StateStatistics:
    """``saturation``: the share of channels at ±1. ``clear_tokens``: the share of cells whose nearest centroid has a
    cosine at least a tenth above the second nearest one's."""

    saturation: float
    clear_tokens: float


def measure_states(rule: Rule, centroids: Tensor) -> StateStatistics:
    """Simulate a rollout up to frame 16 and measure its states there."""
    return state_statistics(state_at(rule, STATES_FRAME), centroids)


def state_statistics(state: State, centroids: Tensor) -> StateStatistics:
    """The statistics of a state (height, width, 16)."""
    units = np.rint(centroids.numpy() * STATE_ONE).astype(np.int32)
    cells = np.ascontiguousarray(state, dtype=np.int32).reshape(-1, state.shape[2])
    at_bounds, clear = _count(cells, units)
    return StateStatistics(saturation=at_bounds / state.size, clear_tokens=clear / len(cells))


@compiled
def _count(cells, centroids):
    """The channels at ±1, and the cells whose greatest score is a tenth above the second greatest.

    Scores are sums of 16 products of numbers up to 1024.
    """
    at_bounds, clear = 0, 0
    for cell in range(cells.shape[0]):
        state = cells[cell]
        for value in state:
            at_bounds += abs(value) == STATE_ONE
        first = second = np.int32(-(2**31))
        for token in range(centroids.shape[0]):
            score = np.int32(0)
            for channel in range(state.size):
                score += state[channel] * centroids[token, channel]
            if score > first:
                first, second = score, first
            elif score > second:
                second = score
        clear += np.int64(10) * first >= np.int64(11) * second
    return at_bounds, clear
