"""The dynamics, in torch: the readable reference that ``compiled`` and ``fused`` must equal byte for byte.

One step, in integers (state S in 1/1024, sums in 1/65536; ``docs/SPEC.md``)::

    H  = clamp(round((W1 * S + B1) / 64))                        first 3x3 convolution, wrapped at the edges
    U  = W2 * H + B2 - L·S                                       second one, less the leak
    S' = clamp(round(S + (U·2**-r + noise·2**(16-k)) / 64))      residual update

Here the same numbers are carried as float32 fractions, where each is exact, so any device computes the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nca_assets.automaton.draws import NOISE_STREAM
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.lattice import CHANNELS, STATE_ONE, WEIGHT_ONE
from nca_assets.automaton.philox import octets, philox4x32
from nca_assets.automaton.recipe import Rule, draw_initial_state

Convolution = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(values (rollouts, 16, height + 2, width + 2), weights (rollouts, 16, 16, 3, 3), bias (rollouts, 16)) to sums
(rollouts, 16, height, width)."""


def simulate(
    rules: Sequence[Rule],
    centroids: Tensor,
    frames: int,
    device: str = "cpu",
    start: Tensor | None = None,
    flip: Flip | None = None,
) -> Tensor:
    """Tokens of rollouts of one shape: uint8 (rollouts, frames, height, width), on ``device``, in [0, 32).

    ``centroids`` is float32 (32, 16) on the lattice. Frame 0 is the initial state; the rest as in ``hidden_states``.
    """
    states = hidden_states(rules, frames, device, start=start, flip=flip)
    return torch.stack([assign_tokens(state, centroids.to(device)) for state in states], dim=1)


@torch.no_grad()
def hidden_states(
    rules: Sequence[Rule],
    frames: int,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    convolve: Convolution | None = None,
    start: Tensor | None = None,
    flip: Flip | None = None,
) -> Iterator[Tensor]:
    """The states of rollouts of one shape, frame by frame: (rollouts, 16, height, width), in [-1, 1] on the lattice.

    ``start`` replaces the drawn states of frame 0; ``flip`` is damage done to each rollout. ``dtype`` and ``convolve``
    change nothing but the speed; ``convolve`` is chosen by device unless given.
    """
    _require_one_shape(rules)
    convolve = convolve or (matrix_convolution if device.startswith("cuda") else grouped_convolution)
    weights_in, bias_in = _layer([rule.weights_in for rule in rules], [rule.bias_in for rule in rules], device, dtype)
    weights_out, bias_out = _layer(
        [rule.weights_out for rule in rules], [rule.bias_out for rule in rules], device, dtype
    )
    leak = _column([rule.scalars.leak / WEIGHT_ONE for rule in rules], device, dtype)
    scale = _column([2.0**-rule.scalars.residual_shift for rule in rules], device, dtype)
    noise_step = _column([2.0**-rule.scalars.noise_shift for rule in rules], device, dtype)
    keys = _keys(rules, device)

    state = (_drawn_states(rules) if start is None else start).to(device, dtype)
    _, _, height, width = state.shape
    for step in range(frames):
        if step:
            hidden = _to_lattice(convolve(_wrap(state), weights_in, bias_in))
            update = convolve(_wrap(hidden), weights_out, bias_out) - leak * state
            noise = step_noise(keys, step, height, width, dtype)
            state = _to_lattice(state + scale * update + noise_step * noise)
        if flip and step == flip.frame:
            rows, columns = flip.block
            state[:, :, rows, columns] *= -1
        yield state


def step_noise(keys: tuple[int, Tensor], step: int, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """The noise of the step that makes frame ``step``: odd integers in [-255, 255], (rollouts, 16, height, width)."""
    cells = torch.arange(height * width, device=keys[1].device)
    uniform = octets(philox4x32((NOISE_STREAM, step, cells, 0), keys))
    return _channels_first(uniform, height, width).to(dtype).mul_(2).sub_(255)


def assign_tokens(state: Tensor, centroids: Tensor) -> Tensor:
    """The token of each cell: uint8 (rollouts, height, width).

    A state (rollouts, 16, height, width) takes the centroid of greatest cosine similarity; the state's own norm
    cancels and the centroids are normalized, so that is the greatest dot product. Ties go to the lowest token.
    """
    scores = torch.einsum("bchw,kc->bkhw", state, centroids.to(state.dtype))
    return scores.argmax(dim=1).to(torch.uint8)


def grouped_convolution(values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Each rollout's 3x3 convolution as one group of a single call; fastest on a CPU."""
    count, _, height, width = values.shape
    stacked = values.reshape(1, count * CHANNELS, height, width)
    summed = F.conv2d(stacked, weights.flatten(0, 1), bias.flatten(), groups=count)
    return summed.reshape(count, CHANNELS, height - 2, width - 2)


def matrix_convolution(values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Each rollout's 3x3 convolution as a matrix product.

    For CUDA: cuDNN may choose a Winograd or FFT algorithm, whose intermediate fractions are off the lattice.
    """
    summed = torch.baddbmm(bias[:, :, None], weights.flatten(2), F.unfold(values, 3))
    return summed.unflatten(2, (values.shape[2] - 2, values.shape[3] - 2))


def _drawn_states(rules: Sequence[Rule]) -> Tensor:
    drawn = np.stack([draw_initial_state(rule) for rule in rules])
    return torch.from_numpy(drawn.transpose(0, 3, 1, 2) / STATE_ONE)


def _wrap(values: Tensor) -> Tensor:
    return F.pad(values, (1, 1, 1, 1), mode="circular")


def _to_lattice(values: Tensor) -> Tensor:
    """Round half to even to a multiple of 1/1024, and clamp to [-1, 1]."""
    return (values * STATE_ONE).round_().clamp_(-STATE_ONE, STATE_ONE).div_(STATE_ONE)


def _layer(
    weights: list[np.ndarray], biases: list[np.ndarray], device: str, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    def stacked(arrays: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(device, dtype) / WEIGHT_ONE

    return stacked(weights), stacked(biases)


def _column(values: list[float], device: str, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype)[:, None, None, None]


def _keys(rules: Sequence[Rule], device: str) -> tuple[int, Tensor]:
    return rules[0].scalars.seed, torch.tensor([[rule.scalars.index] for rule in rules], device=device)


def _channels_first(cells: Tensor, height: int, width: int) -> Tensor:
    return cells.transpose(1, 2).contiguous().unflatten(2, (height, width))


def _require_one_shape(rules: Sequence[Rule]) -> None:
    shapes = {(rule.scalars.seed, *rule.shape) for rule in rules}
    if len(shapes) != 1:
        raise ValueError(f"a batch holds rollouts of one set and one shape, not {sorted(shapes)}")
