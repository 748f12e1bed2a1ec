"""The dynamics on the CPU: one rollout at a time, in one thread.

In most rules, many taps, channels and hidden units have zero weights. So each convolution is reduced, once per rollout,
to a list of its nonzero products, which ``kernel`` runs through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, TOKENS, WEIGHT_ONE
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.kernel import CELLS, OUTPUTS, PAIRS, Products, advance
from nca_assets.automaton.recipe import Rule, draw_initial_state

AROUND = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
"""The nine taps."""

State = NDArray[np.int16]
"""A rollout's state: (height, width, 16), in units of 1/1024, in [-1024, 1024]."""


def simulate(
    rule: Rule, centroids: Tensor, frames: int, start: State | None = None, flip: Flip | None = None
) -> NDArray[np.uint8]:
    """The tokens of a rollout: uint8 (frames, height, width), in [0, 32).

    ``centroids`` is float32 (32, 16) in fixed point. ``start`` replaces the drawn state of frame 0, on a grid of any
    shape; ``flip`` selects the replica damaged at ``flip.frame``. Raises ``ValueError`` if ``start`` is not a state,
    or ``flip`` lies outside the rollout.
    """
    run = _Run(rule, start, centroids)
    tokens = np.empty((frames, *run.shape), dtype=np.uint8)
    if flip is None:
        run.advance(tokens, 0)
    else:
        flip.require_inside(frames, run.shape)
        run.advance(tokens[: flip.frame + 1], 0)
        run.flip(flip)
        run.advance(tokens[flip.frame :], flip.frame)
    return tokens


def hidden_states(rule: Rule, frames: int, start: State | None = None, flip: Flip | None = None) -> Iterator[State]:
    """The states behind the tokens, frame by frame: int16 (height, width, 16). Arguments are those of ``simulate``."""
    run = _Run(rule, start)
    if flip:
        flip.require_inside(frames, run.shape)
    tokens = np.empty((2, *run.shape), dtype=np.uint8)
    for frame in range(frames):
        if frame:
            run.advance(tokens, frame - 1)
        if flip and frame == flip.frame:
            run.flip(flip)
        yield run.state


def state_at(rule: Rule, frame: int) -> State:
    """The state behind the tokens of ``frame``: int16 (height, width, 16)."""
    run = _Run(rule, start=None)
    run.advance(np.empty((frame + 1, *run.shape), dtype=np.uint8), 0)
    return run.state


class _Run:
    """A rollout in progress: its current state, and its rule in the layout of the compiled code."""

    def __init__(self, rule: Rule, start: State | None, centroids: Tensor | None = None) -> None:
        first = draw_initial_state(rule) if start is None else start
        _require_state(first)
        height, width = self.shape = first.shape[:2]
        # From the first cell to the last, including the borders between rows, in whole blocks.
        blocks = -(-(height * (width + 2) - 2) // CELLS)
        self.planes = np.zeros((PAIRS, blocks * CELLS + 2 * (width + 3)), dtype=np.int32)
        self.view[:] = first.reshape(height, width, PAIRS, 2)
        units, weights_in = _units_that_count(rule)
        scores = np.zeros((TOKENS, CHANNELS)) if centroids is None else centroids.numpy() * STATE_ONE
        self.products = (
            self._products(weights_in.reshape(-1, CHANNELS, 9), AROUND, rule.bias_in[units]),
            self._products(rule.weights_out[:, units].reshape(CHANNELS, -1, 9), AROUND, rule.bias_out),
            self._products(scores[:, :, None], ((0, 0),), np.zeros(TOKENS)),
        )
        self.numbers = (
            np.float32(rule.scalars.leak),
            np.float32(1 / (WEIGHT_ONE << rule.scalars.residual_shift)),
            np.float32(STATE_ONE / 2**rule.scalars.noise_shift),
        )
        self.key = (np.uint32(rule.scalars.seed), np.uint32(rule.scalars.index))

    @property
    def view(self) -> NDArray[np.int16]:
        """A writable view of the current state: (height, width, 8, 2)."""
        height, width = self.shape
        padded = self.planes[:, : (height + 2) * (width + 2)].view("<i2").reshape(PAIRS, height + 2, width + 2, 2)
        return padded[:, 1:-1, 1:-1].transpose(1, 2, 0, 3)

    @property
    def state(self) -> State:
        """A copy of the current state."""
        return self.view.reshape(*self.shape, CHANNELS)

    def flip(self, flip: Flip) -> None:
        """Apply the damage."""
        self.view[flip.block] *= -1

    def advance(self, tokens: NDArray[np.uint8], frame: int) -> None:
        """Fill ``tokens`` from ``frame``, that of the current state, and advance the state to the last frame."""
        advance(tokens, frame, self.planes, self.products, self.numbers, self.key)

    def _products(self, weights: NDArray[Any], taps: Sequence[tuple[int, int]], bias: NDArray[Any]) -> Products:
        """The nonzero products of weights (outputs, inputs, taps); a tap is an offset in rows and columns."""
        outputs, inputs, _ = weights.shape
        fours = weights.reshape(outputs // OUTPUTS, OUTPUTS, inputs // 2, 2, len(taps))
        four, pair, tap = np.nonzero(fours.any(axis=(1, 3)))
        starts = np.searchsorted(four, np.arange(len(fours) + 1))
        stride, plane = self.shape[1] + 2, self.planes.shape[1]
        offsets = pair * plane + np.array([rows * stride + columns for rows, columns in taps])[tap]
        both = np.ascontiguousarray(fours[four, :, pair, :, tap], dtype="<i2").view(np.int32)
        return starts, offsets, both.reshape(-1), bias.astype(np.int32) * STATE_ONE


def _units_that_count(rule: Rule) -> tuple[list[int], NDArray[np.int16]]:
    """The hidden units that the update reads, padded to a multiple of four with units of zero weight; and their input
    weights (units, 16, 3, 3).

    Units that see the same pairs of channels at the same taps are adjacent: products that are zero in all of a four are
    skipped.
    """
    read = np.abs(rule.weights_out).sum(axis=(0, 2, 3)) > 0
    weights = rule.weights_in * read[:, None, None, None]
    sees = np.abs(weights).reshape(CHANNELS, PAIRS, 2, 9).sum(axis=2).reshape(CHANNELS, -1) > 0
    order = [(bool(read[unit]), int(sees[unit].sum()), sees[unit].tobytes(), unit) for unit in range(CHANNELS)]
    units = [unit for *_, unit in sorted(order, reverse=True)][: -(-int(read.sum()) // OUTPUTS) * OUTPUTS]
    return units, weights[units]


def _require_state(state: State) -> None:
    right = state.dtype == np.int16 and state.ndim == 3 and state.shape[2] == CHANNELS and state.size
    if not right or np.abs(state).max() > STATE_ONE:
        raise ValueError(
            f"a state is int16 (height, width, {CHANNELS}) in ±{STATE_ONE}, not {state.dtype} {state.shape}"
        )
