"""The dynamics on a GPU, in one Triton kernel: whole rollouts of mixed shapes in one launch, without per-step launches.

Each program takes one rollout after another and keeps its state and hidden layer in its own slot, small enough to stay
in the caches; only tokens are written out. Convolutions and scores are tensor-core products of half-precision numbers
that hold integers: states and centroids up to 1024, weights up to 2047, both exact. The products are summed in float32,
where fixed-point numbers make every sum exact in any order. A tap whose weights are all zero costs nothing: each rule
lists its nonzero taps.

With ``TRITON_INTERPRET=1`` in the environment the same kernel runs on the CPU, slowly; the tests do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from nca_assets.automaton.draws import NOISE_STREAM
from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, TOKENS, WEIGHT_ONE
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.recipe import Rule, draw_initial_state

PROGRAMS_PER_PROCESSOR = 8
"""Concurrent rollouts per multiprocessor: small grids leave most of one idle."""

CELLS_PER_TILE = 64
WARPS = 4

NEVER = -1


def simulate_batch(
    rules: Sequence[Rule], centroids: Tensor, frames: int, device: str, flips: Sequence[Flip | None] | None = None
) -> Tensor:
    """The tokens of rollouts of any shapes, in one launch: uint8 on ``device``, one rollout after the other, each
    (frames, height, width) in [0, 32).

    ``centroids`` and ``flips`` are as in ``compiled.simulate``. Returns before the GPU is done. Raises
    ``torch.OutOfMemoryError`` if the tokens do not fit in the GPU's memory.
    """
    for rule, flip in zip(rules, flips or (), strict=bool(flips)):
        if flip:
            flip.require_inside(frames, rule.shape)
    cells = [rule.shape[0] * rule.shape[1] for rule in rules]
    first_cells = np.cumsum([0, *cells])
    starts = np.concatenate([draw_initial_state(rule).reshape(-1, CHANNELS) for rule in rules])
    tokens = torch.empty(int(first_cells[-1]) * frames, dtype=torch.uint8, device=device)
    programs = min(len(rules), _programs(device))
    slots = torch.empty((2, programs, max(cells), CHANNELS), dtype=torch.float16, device=device)
    largest_first = sorted(range(len(rules)), key=lambda i: -cells[i])
    _simulate[(programs,)](
        tokens,
        slots[0],
        slots[1],
        max(cells),
        torch.from_numpy(starts).to(device, torch.float16),
        *_inputs([(rules[i], flips[i] if flips else None, int(first_cells[i])) for i in largest_first], device),
        (centroids * STATE_ONE).to(device, torch.float16),
        len(rules),
        frames,
        tile_cells=CELLS_PER_TILE,
        num_warps=WARPS,
        num_stages=1,
        enable_fp_fusion=False,
    )
    return tokens


def _programs(device: str) -> int:
    if not device.startswith("cuda"):
        return 2
    return torch.cuda.get_device_properties(device).multi_processor_count * PROGRAMS_PER_PROCESSOR


def _inputs(work: list[tuple[Rule, Flip | None, int]], device: str) -> tuple[Tensor, ...]:
    """The kernel's inputs for each rollout: weights (2, 9, inputs, outputs), nonzero taps (2, 9) and their number,
    biases (2, outputs), reals, integers.
    """

    def taps(weights: np.ndarray) -> np.ndarray:
        return weights.transpose(2, 3, 1, 0).reshape(9, CHANNELS, CHANNELS)

    weights = np.stack([[taps(rule.weights_in), taps(rule.weights_out)] for rule, _, _ in work])
    counts = weights.any(axis=(3, 4))
    listed = np.argsort(~counts, axis=2, kind="stable").astype(np.int32)
    biases = np.stack([[rule.bias_in, rule.bias_out] for rule, _, _ in work]).astype(np.float32) * STATE_ONE
    numbers = np.array(
        [
            (rule.scalars.leak, 2.0**-rule.scalars.residual_shift / WEIGHT_ONE, STATE_ONE / 2**rule.scalars.noise_shift)
            for rule, _, _ in work
        ],
        dtype=np.float32,
    )
    integers = np.array(
        [
            (
                *rule.shape,
                rule.scalars.seed,
                rule.scalars.index,
                first_cell,
                *((flip.frame, flip.y, flip.x) if flip else (NEVER, 0, 0)),
                *used,
            )
            for (rule, flip, first_cell), used in zip(work, counts.sum(axis=2).tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    arrays = (weights.astype(np.float16), listed, biases, numbers, integers)
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)


# From here on, Triton: names in capitals are compile-time constants.
jit: Any = triton.jit
C = tl.constexpr(CHANNELS)
K = tl.constexpr(TOKENS)
ONE = tl.constexpr(float(STATE_ONE))
INTEGERS = tl.constexpr(10)
NOISE = tl.constexpr(NOISE_STREAM)
# Adding and subtracting this rounds a float32 below 2**22 in magnitude half to even.
ROUNDER = tl.constexpr(1.5 * 2**23)


@jit(do_not_specialize=["slot_cells", "rollouts", "frames"])
def _simulate(
    tokens, states, hiddens, slot_cells, starts, weights, taps, biases, numbers, integers, centroids, rollouts, frames,
    tile_cells: tl.constexpr,
):  # fmt: skip
    slot = tl.program_id(0).to(tl.int64) * slot_cells * C
    state, hidden = states + slot, hiddens + slot
    for rollout in range(tl.program_id(0), rollouts, tl.num_programs(0)):
        integer = integers + rollout * INTEGERS
        height, width = tl.load(integer).to(tl.int32), tl.load(integer + 1).to(tl.int32)
        key = (tl.load(integer + 3) << 32) | tl.load(integer + 2)
        first_cell = tl.load(integer + 4)
        flip_frame = tl.load(integer + 5).to(tl.int32)
        flip_y, flip_x = tl.load(integer + 6).to(tl.int32), tl.load(integer + 7).to(tl.int32)
        taps_in, taps_out = tl.load(integer + 8).to(tl.int32), tl.load(integer + 9).to(tl.int32)
        leak = tl.load(numbers + rollout * 3)
        scale = tl.load(numbers + rollout * 3 + 1)
        noise_scale = tl.load(numbers + rollout * 3 + 2)
        weight = weights + rollout * (2 * 9 * C * C)
        tap = taps + rollout * (2 * 9)
        bias = biases + rollout * (2 * C)
        cells = height * width
        channel = tl.arange(0, C)[None, :]
        start, out = starts + first_cell * C, tokens + first_cell * frames
        for tile in range(0, cells, tile_cells):
            cell = tile + tl.arange(0, tile_cells)
            after = tl.load(start + cell[:, None] * C + channel, (cell < cells)[:, None], 0).to(tl.float32)
            after = tl.where(_in_block(cell, width, flip_y, flip_x)[:, None] & (flip_frame == 0), -after, after)
            _store(after, state, out, cell, cells, centroids)
        for frame in range(1, frames):
            tl.debug_barrier()
            for tile in range(0, cells, tile_cells):
                cell = tile + tl.arange(0, tile_cells)
                sums = _convolve(state, weight, tap, taps_in, bias, cell, height, width)
                _store_state(_to_fixed_point(sums * (1 / 64)), hidden, cell, cells)
            tl.debug_barrier()
            for tile in range(0, cells, tile_cells):
                cell = tile + tl.arange(0, tile_cells)
                sums = _convolve(hidden, weight + 9 * C * C, tap + 9, taps_out, bias + C, cell, height, width)
                before = tl.load(state + cell[:, None] * C + channel, (cell < cells)[:, None], 0).to(tl.float32)
                noise = _noise(key, frame, cell)
                after = _to_fixed_point(before + (sums - leak * before) * scale + noise * noise_scale)
                after = tl.where(_in_block(cell, width, flip_y, flip_x)[:, None] & (flip_frame == frame), -after, after)
                _store(after, state, out + frame * cells.to(tl.int64), cell, cells, centroids)
        tl.debug_barrier()


@jit
def _convolve(values, weights, taps, count, bias, cell, height, width):
    """The sums of a tile over the first ``count`` of ``taps``."""
    channel = tl.arange(0, C)
    y, x = cell // width, cell % width
    valid = (cell < height * width)[:, None]
    sums = tl.zeros((cell.shape[0], C), tl.float32) + tl.load(bias + channel)[None, :]
    for i in range(count):
        tap = tl.load(taps + i)
        row = _wrapped(y + tap // 3 - 1, height)
        column = _wrapped(x + tap % 3 - 1, width)
        value = tl.load(values + (row * width + column)[:, None] * C + channel[None, :], valid, 0)
        weight = tl.load(weights + tap * C * C + channel[:, None] * C + channel[None, :])
        sums = tl.dot(value, weight, sums)
    return sums


@jit
def _in_block(cell, width, y, x):
    """Whether a cell is among the 3 x 3 around (y, x)."""
    return (tl.abs(cell // width - y) <= 1) & (tl.abs(cell % width - x) <= 1)


@jit
def _wrapped(position, size):
    position = tl.where(position < 0, position + size, position)
    return tl.where(position >= size, position - size, position)


@jit
def _to_fixed_point(values):
    rounded = (values + ROUNDER) - ROUNDER
    return tl.minimum(tl.maximum(rounded, -ONE), ONE)


@jit
def _store(state, states, tokens, cell, cells, centroids):
    """Keep the tile's state and write its tokens."""
    _store_state(state, states, cell, cells)
    centroid = tl.load(centroids + tl.arange(0, C)[:, None] + tl.arange(0, K)[None, :] * C)
    scores = tl.dot(state.to(tl.float16), centroid, tl.zeros((cell.shape[0], K), tl.float32))
    token = tl.argmax(scores, axis=1, tie_break_left=True)
    tl.store(tokens + cell, token.to(tl.uint8), cell < cells)


@jit
def _store_state(state, states, cell, cells):
    where = states + cell[:, None] * C + tl.arange(0, C)[None, :]
    tl.store(where, state.to(tl.float16), (cell < cells)[:, None])


@jit
def _noise(key, frame, cell):
    word0, word1, word2, word3 = _words(key, frame, cell)
    channel = tl.arange(0, C)[None, :]
    word = _pick(word0, word1, word2, word3, channel // 4)
    octet = (word >> (8 * (channel % 4)).to(tl.uint32)) & 0xFF
    return (2 * octet.to(tl.int32) - 255).to(tl.float32)


@jit
def _words(key, frame, cell):
    zero = cell.to(tl.uint32) * 0
    return tl.philox(key, zero + NOISE, zero + frame, cell.to(tl.uint32), zero)


@jit
def _pick(word0, word1, word2, word3, which):
    first = tl.where(which == 0, word0[:, None], word1[:, None])
    second = tl.where(which == 2, word2[:, None], word3[:, None])
    return tl.where(which < 2, first, second)
