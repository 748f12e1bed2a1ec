"""The dynamics compiled for the CPU: one rollout at a time, in one thread, byte for byte what ``reference`` gives.

On the lattice every value is a small integer, so convolutions are sums of products of 16-bit integers, which a CPU
does two at a time in every 32-bit lane of a vector (x86's ``vpmaddwd`` and ``vpdpwssd``): twice the rate of its float
units. The sixteen outputs of a cell are the lanes of one vector; four cells share each load of weights.

States are int16 arrays of (height + 2) · (width + 2) · 16 in units of 1/1024: rows, cells, channels, with a border of
one cell that repeats the opposite edge of the torus. Frame by frame everything of a rollout stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.flip import Flip
from nca_assets.automaton.jit import compiled, emitted
from nca_assets.automaton.lattice import CHANNELS, STATE_ONE, TOKENS, WEIGHT_ONE
from nca_assets.automaton.philox import fill_words
from nca_assets.automaton.draws import NOISE_STREAM
from nca_assets.automaton.recipe import Rule, draw_initial_state

CELLS_AT_ONCE = 4
"""Neighbours in a row that share each load of weights; no grid may be narrower."""

State = NDArray[np.int16]
"""A rollout's state: (height, width, 16), in units of 1/1024, in [-1024, 1024]."""


def simulate(
    rule: Rule, centroids: Tensor, frames: int, start: State | None = None, flip: Flip | None = None
) -> NDArray[np.uint8]:
    """The tokens of a rollout: uint8 (frames, height, width), in [0, 32).

    ``centroids`` is float32 (32, 16) on the lattice. ``start`` replaces the drawn state of frame 0, on a grid of any
    shape of at least 4 x 4; ``flip`` gives the twin of the rollout that differs in one cell from ``flip.frame`` on.
    Raises ``ValueError`` if ``start`` is no state, or ``flip`` lies outside the rollout.
    """
    run = _Run(rule, start, centroids)
    tokens = np.empty((frames, *run.shape), dtype=np.uint8)
    if flip is None:
        run.advance(tokens, 0)
    else:
        flip.require_inside(frames, run.shape)
        run.advance(tokens[: flip.frame + 1], 0)
        run.state[flip.y, flip.x] *= -1
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
            run.state[flip.y, flip.x] *= -1
        yield run.state.copy()


def state_at(rule: Rule, frame: int) -> State:
    """The state behind the tokens of ``frame``: int16 (height, width, 16)."""
    run = _Run(rule, start=None)
    run.advance(np.empty((frame + 1, *run.shape), dtype=np.uint8), 0)
    return run.state


class _Run:
    """A rollout under way: its present state, and its rule as the compiled code reads it."""

    def __init__(self, rule: Rule, start: State | None, centroids: Tensor | None = None) -> None:
        first = draw_initial_state(rule) if start is None else start
        _require_state(first)
        self.shape = first.shape[:2]
        self.padded = np.zeros((self.shape[0] + 2, self.shape[1] + 2, CHANNELS), dtype=np.int16)
        self.state[:] = first
        scalars = rule.scalars
        fine = WEIGHT_ONE << scalars.residual_shift
        self.rule = (
            _pairs(rule.weights_in.transpose(0, 2, 3, 1).reshape(CHANNELS, 3, -1)),
            rule.bias_in.astype(np.int32) * STATE_ONE,
            _pairs(rule.weights_out.transpose(0, 2, 3, 1).reshape(CHANNELS, 3, -1)),
            rule.bias_out.astype(np.int32) * STATE_ONE,
            np.float32(scalars.leak),
            np.float32(1 / fine),
            np.float32(STATE_ONE / 2**scalars.noise_shift),
            (np.uint32(scalars.seed), np.uint32(scalars.index)),
        )
        lattice = np.zeros((TOKENS, CHANNELS)) if centroids is None else centroids.numpy() * STATE_ONE
        self.centroids = _pairs(lattice.reshape(2, TOKENS // 2, CHANNELS).transpose(1, 0, 2))

    @property
    def state(self) -> State:
        """The present state, without its border; what is written to it counts."""
        return self.padded[1:-1, 1:-1]

    def advance(self, tokens: NDArray[np.uint8], frame: int) -> None:
        """Fill ``tokens`` from ``frame`` on, which the present state is of; leaves the state of the last of them."""
        _advance(
            tokens, frame, self.padded.reshape(-1), np.empty(self.padded.size, np.int16), self.rule, self.centroids
        )


def _pairs(weights: NDArray[Any]) -> NDArray[np.int16]:
    """(16 outputs, rows, inputs) as the kernels read them: row, pair of inputs, output, the two of the pair."""
    outputs, rows, inputs = weights.shape
    paired = weights.reshape(outputs, rows, inputs // 2, 2).transpose(1, 2, 0, 3)
    return np.ascontiguousarray(paired, dtype=np.int16).reshape(-1)


def _require_state(state: State) -> None:
    right = state.dtype == np.int16 and state.ndim == 3 and state.shape[2] == CHANNELS
    if not right or min(state.shape[:2]) < CELLS_AT_ONCE or np.abs(state).max() > STATE_ONE:
        raise ValueError(
            f"a state is int16 (height, width, {CHANNELS}) in ±{STATE_ONE} with sides of {CELLS_AT_ONCE} or more, "
            f"not {state.dtype} {state.shape}"
        )


@compiled
def _advance(tokens, frame, state, hidden, rule, centroids):
    weights_in, bias_in, weights_out, bias_out, leak, scale, noise_scale, key = rule
    frames, height, width = tokens.shape
    stride, row = (width + 2) * CHANNELS, width * CHANNELS
    sums = np.empty(row, dtype=np.int32)
    words = np.empty((4, width), dtype=np.uint32)
    noise = np.empty(row, dtype=np.uint8)
    for t in range(frames):
        if t:
            _wrap(state, height, width)
            for y in range(height):
                _convolve_row(sums, state, y * stride, width, weights_in, bias_in)
                first = (y + 1) * stride + CHANNELS
                _activate(hidden[first : first + row], sums)
            _wrap(hidden, height, width)
            for y in range(height):
                _convolve_row(sums, hidden, y * stride, width, weights_out, bias_out)
                fill_words(words, key[0], key[1], NOISE_STREAM, frame + t, y * width, 0)
                _split_bytes(noise, words)
                first = (y + 1) * stride + CHANNELS
                _update(state[first : first + row], sums, noise, leak, scale, noise_scale)
        for y in range(height):
            _assign_row(tokens[t, y], state, (y + 1) * stride + CHANNELS, width, centroids)


@compiled
def _wrap(values, height, width):
    stride = (width + 2) * CHANNELS
    for y in range(1, height + 1):
        row = values[y * stride : (y + 1) * stride]
        for c in range(CHANNELS):
            row[c] = row[width * CHANNELS + c]
            row[(width + 1) * CHANNELS + c] = row[CHANNELS + c]
    values[:stride] = values[height * stride : (height + 1) * stride]
    values[(height + 1) * stride : (height + 2) * stride] = values[stride : 2 * stride]


@compiled
def _convolve_row(sums, values, corner, width, weights, bias):
    stride = (width + 2) * CHANNELS
    for x in range(0, width, CELLS_AT_ONCE):
        # The last four cells may overlap those before them: they are summed twice, to the same end.
        first = min(x, width - CELLS_AT_ONCE) * CHANNELS
        _convolve_cells(sums, first, values, corner + first, stride, weights, bias)


@compiled
def _activate(hidden, sums):
    one = np.float32(STATE_ONE)
    for i in range(hidden.size):
        scaled = np.float32(sums[i]) * np.float32(1 / WEIGHT_ONE)
        hidden[i] = np.int16(min(max(np.rint(scaled), -one), one))


@compiled
def _update(state, sums, noise, leak, scale, noise_scale):
    one = np.float32(STATE_ONE)
    for i in range(state.size):
        before = np.float32(state[i])
        update = (np.float32(sums[i]) - leak * before) * scale
        after = before + update + np.float32(2 * np.int32(noise[i]) - 255) * noise_scale
        state[i] = np.int16(min(max(np.rint(after), -one), one))


@compiled
def _split_bytes(noise, words):
    for x in range(words.shape[1]):
        for k in range(CHANNELS):
            noise[x * CHANNELS + k] = np.uint8(words[k // 4, x] >> np.uint32(8 * (k % 4)))


@compiled
def _assign_row(tokens, state, first, width, centroids):
    for x in range(0, width, CELLS_AT_ONCE):
        cell = min(x, width - CELLS_AT_ONCE)
        _assign_cells(tokens, cell, state, first + cell * CHANNELS, centroids)


I8, I16, I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
LANES = ir.VectorType(I32, CHANNELS)
PAIRS = ir.VectorType(I16, 2 * CHANNELS)
PRODUCTS = ir.VectorType(I32, 2 * CHANNELS)


def _sums_of_pairs(builder: ir.IRBuilder, values: Any, weights: Any, pairs: int, sums: list[Any]) -> list[Any]:
    """Add to each cell's sums (16 outputs) the products of its first 2 · ``pairs`` values with the weights.

    LLVM's own instructions alone, in the form that it knows to be the pairwise product of a CPU that has one; others
    multiply and add.
    """
    none = ir.Constant(PRODUCTS, ir.Undefined)
    even, odd = (ir.Constant(LANES, list(range(first, 2 * CHANNELS, 2))) for first in (0, 1))
    for pair in range(pairs):
        weight = builder.sext(_load(builder, weights, pair * 2 * CHANNELS, PAIRS), PRODUCTS)
        for cell in range(CELLS_AT_ONCE):
            both = _load(builder, values, cell * CHANNELS + 2 * pair, I32)
            value = builder.sext(builder.bitcast(_splat(builder, both), PAIRS), PRODUCTS)
            product = builder.mul(value, weight)
            of_pair = builder.add(
                builder.shuffle_vector(product, none, even), builder.shuffle_vector(product, none, odd)
            )
            sums[cell] = builder.add(sums[cell], of_pair)
    return sums


@emitted
def _convolve_cells(context, sums, at, values, corner, stride, weights, bias):  # noqa: ARG001
    """``sums[at:]``: the sixteen sums of four cells. ``corner`` is where the first one's upper left neighbour lies."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        target, source, weight, start = (_data(context, builder, signature, arguments, i) for i in (0, 2, 5, 6))
        _, at, _, corner, stride, _, _ = arguments
        source, target = builder.gep(source, [corner]), builder.gep(target, [at])
        pairs = 3 * CHANNELS // 2
        first = _load(builder, start, 0, LANES)
        totals = [cgutils.alloca_once_value(builder, first) for _ in range(CELLS_AT_ONCE)]
        with cgutils.for_range(builder, ir.Constant(stride.type, 3)) as loop:
            above = builder.gep(source, [builder.mul(loop.index, stride)])
            row = builder.gep(weight, [builder.mul(loop.index, ir.Constant(stride.type, pairs * 2 * CHANNELS))])
            summed = _sums_of_pairs(builder, above, row, pairs, [builder.load(total) for total in totals])
            for total, value in zip(totals, summed, strict=True):
                builder.store(value, total)
        for cell, total in enumerate(totals):
            _store(builder, builder.load(total), target, cell * CHANNELS)
        return context.get_dummy_value()

    return types.void(sums, types.intp, values, types.intp, types.intp, weights, bias), generate


@emitted
def _assign_cells(context, tokens, at, state, first, centroids):  # noqa: ARG001
    """``tokens[at:]``: the tokens of four cells, whose states begin at ``first``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        target, source, weight = (_data(context, builder, signature, arguments, i) for i in (0, 2, 4))
        _, at, _, first, _ = arguments
        source, target = builder.gep(source, [first]), builder.gep(target, [at])
        # A score's lowest five bits say which token it is of, higher for the lower token: the greatest wins, ties too.
        keys = []
        for half in (0, 1):
            weights = builder.gep(weight, [ir.Constant(at.type, half * CHANNELS * CHANNELS)])
            zeros = [ir.Constant(LANES, None)] * CELLS_AT_ONCE
            scores = _sums_of_pairs(builder, source, weights, CHANNELS // 2, zeros)
            rank = ir.Constant(LANES, [TOKENS - 1 - half * CHANNELS - lane for lane in range(CHANNELS)])
            shift = ir.Constant(LANES, [5] * CHANNELS)
            keys.append([builder.or_(builder.shl(score, shift), rank) for score in scores])
        for cell, (low, high) in enumerate(zip(*keys, strict=True)):
            greater = builder.select(builder.icmp_signed(">", low, high), low, high)
            greatest = _largest_lane(builder, greater)
            token = builder.xor(builder.and_(greatest, ir.Constant(I32, TOKENS - 1)), ir.Constant(I32, TOKENS - 1))
            _store(builder, builder.trunc(token, I8), target, cell)
        return context.get_dummy_value()

    return types.void(tokens, types.intp, state, types.intp, centroids), generate


def _largest_lane(builder: ir.IRBuilder, vector: Any) -> Any:
    reduce = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(I32, [LANES]), f"llvm.vector.reduce.smax.v{CHANNELS}i32"
    )
    return builder.call(reduce, [vector])


def _splat(builder: ir.IRBuilder, scalar: Any) -> Any:
    none = ir.Constant(LANES, ir.Undefined)
    first = builder.insert_element(none, scalar, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, none, ir.Constant(LANES, None))


def _data(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any, position: int) -> Any:
    array = context.make_array(signature.args[position])
    return array(context, builder, arguments[position]).data


def _load(builder: ir.IRBuilder, pointer: Any, offset: int, kind: Any) -> Any:
    where = builder.gep(pointer, [ir.Constant(ir.IntType(64), offset)])
    return builder.load(builder.bitcast(where, kind.as_pointer()), align=2)


def _store(builder: ir.IRBuilder, value: Any, pointer: Any, offset: int) -> None:
    where = builder.gep(pointer, [ir.Constant(ir.IntType(64), offset)])
    builder.store(value, builder.bitcast(where, value.type.as_pointer()), align=1)
