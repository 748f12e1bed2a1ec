"""The dynamics in torch: batches of one shape, in any floating-point type and by any convolution.

The numbers of ``integer_reference`` are carried as floating-point fractions, where each of them is exact, so that no
order of summation, batch size or number of threads can change a bit.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, WEIGHT_ONE
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.recipe import Rule, draw_initial_state
from nca_assets_tests.automaton.integer_reference import step_noise

Convolution = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(values (rollouts, 16, height + 2, width + 2), weights (rollouts, 16, 16, 3, 3), bias (rollouts, 16)) to sums
(rollouts, 16, height, width)."""


def grouped_convolution(values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Each rollout's 3x3 convolution as one group of a single call."""
    count, _, height, width = values.shape
    stacked = values.reshape(1, count * CHANNELS, height, width)
    summed = F.conv2d(stacked, weights.flatten(0, 1), bias.flatten(), groups=count)
    return summed.reshape(count, CHANNELS, height - 2, width - 2)


def matrix_convolution(values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Each rollout's 3x3 convolution as a matrix product."""
    summed = torch.baddbmm(bias[:, :, None], weights.flatten(2), F.unfold(values, 3))
    return summed.unflatten(2, (values.shape[2] - 2, values.shape[3] - 2))


def simulate(rules: Sequence[Rule], centroids: Tensor, frames: int, flip: Flip | None = None) -> Tensor:
    """Tokens of rollouts of one shape: uint8 (rollouts, frames, height, width)."""
    return torch.stack([assign_tokens(state, centroids) for state in hidden_states(rules, frames, flip=flip)], dim=1)


@torch.no_grad()
def hidden_states(
    rules: Sequence[Rule],
    frames: int,
    dtype: torch.dtype = torch.float32,
    convolve: Convolution = grouped_convolution,
    start: Tensor | None = None,
    flip: Flip | None = None,
) -> Iterator[Tensor]:
    """The states of rollouts of one shape, frame by frame: (rollouts, 16, height, width), in [-1, 1].

    ``start`` replaces the drawn states of frame 0; ``flip`` is damage done to each rollout.
    """
    weights_in, bias_in, weights_out, bias_out = (
        torch.from_numpy(np.stack([getattr(rule, name) for rule in rules])).to(dtype) / WEIGHT_ONE
        for name in ("weights_in", "bias_in", "weights_out", "bias_out")
    )
    leak = _column([rule.scalars.leak / WEIGHT_ONE for rule in rules], dtype)
    scale = _column([2.0**-rule.scalars.residual_shift for rule in rules], dtype)
    noise_step = _column([2.0**-rule.scalars.noise_shift for rule in rules], dtype)
    state = (_drawn_states(rules) if start is None else start).to(dtype)
    _, _, height, width = state.shape
    for step in range(frames):
        if step:
            hidden = _to_fixed_point(convolve(_wrap(state), weights_in, bias_in))
            update = convolve(_wrap(hidden), weights_out, bias_out) - leak * state
            keys = [(rule.scalars.seed, rule.scalars.index) for rule in rules]
            odd = torch.from_numpy(np.stack([step_noise(key, step, height, width) for key in keys])).to(dtype)
            state = _to_fixed_point(state + scale * update + noise_step * odd)
        if flip and step == flip.frame:
            rows, columns = flip.block
            state[:, :, rows, columns] *= -1
        yield state


def assign_tokens(state: Tensor, centroids: Tensor) -> Tensor:
    """The token of each cell of states (rollouts, 16, height, width): uint8 (rollouts, height, width).

    It is the centroid of greatest dot product; ties go to the lowest token.
    """
    scores = torch.einsum("bchw,kc->bkhw", state, centroids.to(state.dtype))
    return scores.argmax(dim=1).to(torch.uint8)


def _drawn_states(rules: Sequence[Rule]) -> Tensor:
    drawn = np.stack([draw_initial_state(rule) for rule in rules])
    return torch.from_numpy(drawn.transpose(0, 3, 1, 2) / STATE_ONE)


def _wrap(values: Tensor) -> Tensor:
    return F.pad(values, (1, 1, 1, 1), mode="circular")


def _to_fixed_point(values: Tensor) -> Tensor:
    """Round half to even to a multiple of 1/1024, and clamp to [-1, 1]."""
    return (values * STATE_ONE).round_().clamp_(-STATE_ONE, STATE_ONE).div_(STATE_ONE)


def _column(values: list[float], dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, dtype=dtype)[:, None, None, None]
