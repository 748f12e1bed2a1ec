"""The dynamics compiled for the CPU: one rollout at a time, in one thread, byte for byte what ``reference`` gives.

On the lattice every value is a small integer, so sums are of products of 16-bit integers, which a CPU does two at a
time in every 32-bit lane of a vector (x86's ``vpmaddwd`` and ``vpdpwssd``): twice the rate of its float units. Lanes are
neighboring cells, and what each multiplies is two channels at one tap by the two weights of one output.

Most rules leave much of that out: taps, channels and hidden units whose weights are zero. So each convolution is a
list of its products that count, made once per rule for every four outputs; the centroids' scores are such sums too.

A state is held as int32 (8, cells): for each two channels, a plane of the grid with a border of one cell that repeats
the opposite edge of the torus, and two channels of a cell in one number, the lower one in its low half. Frame by frame
everything of a rollout stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from nca_assets.automaton.recipe import NOISE_STREAM, Rule, draw_initial_state

PAIRS = CHANNELS // 2
OUTPUTS = 4
"""Sums that share each load of cells."""
CELLS = 32
"""Cells that share each load of weights: a block."""
AROUND = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
"""The nine taps."""

State = NDArray[np.int16]
"""A rollout's state: (height, width, 16), in units of 1/1024, in [-1024, 1024]."""

Products = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
"""What is summed for each cell, four outputs at a time: where each four's products begin, and where the last one's end;
how far from the cell each product's values lie in the planes; its weights, (products, 4), two 16-bit numbers in one
each; and the bias of each output."""


def simulate(
    rule: Rule, centroids: Tensor, frames: int, start: State | None = None, flip: Flip | None = None
) -> NDArray[np.uint8]:
    """The tokens of a rollout: uint8 (frames, height, width), in [0, 32).

    ``centroids`` is float32 (32, 16) on the lattice. ``start`` replaces the drawn state of frame 0, on a grid of any
    shape; ``flip`` gives the twin of the rollout that is damaged at ``flip.frame``. Raises ``ValueError`` if ``start``
    is no state, or ``flip`` lies outside the rollout.
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
        yield run.state.copy()


def state_at(rule: Rule, frame: int) -> State:
    """The state behind the tokens of ``frame``: int16 (height, width, 16)."""
    run = _Run(rule, start=None)
    run.advance(np.empty((frame + 1, *run.shape), dtype=np.uint8), 0)
    return run.state.copy()


class _Run:
    """A rollout under way: its present state, and its rule as the compiled code reads it."""

    def __init__(self, rule: Rule, start: State | None, centroids: Tensor | None = None) -> None:
        first = draw_initial_state(rule) if start is None else start
        _require_state(first)
        height, width = self.shape = first.shape[:2]
        # From the first cell to the last one, the borders between rows included, in whole blocks.
        blocks = -(-(height * (width + 2) - 2) // CELLS)
        self.planes = np.zeros((PAIRS, blocks * CELLS + 2 * (width + 3)), dtype=np.int32)
        self.view[:] = first.reshape(height, width, PAIRS, 2)
        units = _units_that_count(rule)
        scores = np.zeros((TOKENS, CHANNELS)) if centroids is None else centroids.numpy() * STATE_ONE
        self.products = (
            self._products(rule.weights_in[units].reshape(-1, CHANNELS, 9), AROUND, rule.bias_in[units]),
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
        """The present state as (height, width, 8, 2); what is written to it counts."""
        height, width = self.shape
        padded = self.planes[:, : (height + 2) * (width + 2)].view("<i2").reshape(PAIRS, height + 2, width + 2, 2)
        return padded[:, 1:-1, 1:-1].transpose(1, 2, 0, 3)

    @property
    def state(self) -> State:
        """A copy of the present state."""
        return self.view.reshape(*self.shape, CHANNELS)

    def flip(self, flip: Flip) -> None:
        """Do the damage."""
        self.view[flip.block] *= -1

    def advance(self, tokens: NDArray[np.uint8], frame: int) -> None:
        """Fill ``tokens`` from ``frame`` on, which the present state is of; leaves the state of the last of them."""
        _advance(tokens, frame, self.planes, self.products, self.numbers, self.key)

    def _products(self, weights: NDArray[Any], taps: Sequence[tuple[int, int]], bias: NDArray[Any]) -> Products:
        """Those that count, of weights (outputs, inputs, taps); a tap is how many rows and columns away it looks."""
        outputs, inputs, _ = weights.shape
        fours = weights.reshape(outputs // OUTPUTS, OUTPUTS, inputs // 2, 2, len(taps))
        four, pair, tap = np.nonzero(fours.any(axis=(1, 3)))
        starts = np.searchsorted(four, np.arange(len(fours) + 1))
        stride, plane = self.shape[1] + 2, self.planes.shape[1]
        offsets = pair * plane + (np.array(taps) @ (stride, 1))[tap]
        both = np.ascontiguousarray(fours[four, :, pair, :, tap], dtype="<i2").view(np.int32)
        return starts, offsets, both.reshape(-1), bias.astype(np.int32) * STATE_ONE


def _units_that_count(rule: Rule) -> list[int]:
    """The hidden units that the update reads, and others to make their number a multiple of four.

    Those that see the same pairs of channels at the same taps are side by side: what four leave out costs nothing.
    """
    read = rule.weights_out.any(axis=(0, 2, 3)).tolist()
    sees = rule.weights_in.reshape(CHANNELS, PAIRS, 2, 9).any(axis=2).reshape(CHANNELS, -1)
    order = [(read[unit], sees[unit].tobytes().count(1), sees[unit].tobytes(), unit) for unit in range(CHANNELS)]
    return [unit for *_, unit in sorted(order, reverse=True)][: -(-sum(read) // OUTPUTS) * OUTPUTS]


def _require_state(state: State) -> None:
    right = state.dtype == np.int16 and state.ndim == 3 and state.shape[2] == CHANNELS and state.size
    if not right or np.abs(state).max() > STATE_ONE:
        raise ValueError(
            f"a state is int16 (height, width, {CHANNELS}) in ±{STATE_ONE}, not {state.dtype} {state.shape}"
        )


@compiled
def _advance(tokens, frame, state, products, numbers, key):
    products_in, products_out, products_of_scores = products
    frames, height, width = tokens.shape
    stride, size = width + 2, state.shape[1]
    first, last = stride + 1, size - stride - 1
    units = products_in[3].size
    hidden = np.zeros((units // 2, size), dtype=np.int32)
    sums = np.empty((TOKENS, CELLS), dtype=np.int32)
    words = np.empty((4, CELLS), dtype=np.uint32)
    # Of every place in a plane: which cell of the grid it is (on the border it doesn't matter), and its token.
    cells, padded = np.empty(size, dtype=np.uint32), np.empty(size, dtype=np.uint8)
    for i in range(size):
        cells[i] = (i // stride - 1) * width + i % stride - 1
    for t in range(frames):
        if t:
            _wrap(state, height, width)
            for at in range(first, last, CELLS):
                _sum(sums, state, at, products_in)
                _activate(hidden, at, sums)
            _wrap(hidden, height, width)
            for at in range(first, last, CELLS):
                _sum(sums, hidden, at, products_out)
                fill_words(words, cells, at, key[0], key[1], NOISE_STREAM, frame + t, 0)
                _update(state, at, sums, words, numbers)
        for at in range(first, last, CELLS):
            _sum(sums, state, at, products_of_scores)
            _assign(padded, at, sums)
        for y in range(height):
            tokens[t, y] = padded[(y + 1) * stride + 1 : (y + 1) * stride + 1 + width]


@compiled
def _wrap(planes, height, width):
    stride = width + 2
    for plane in range(planes.shape[0]):
        values = planes[plane]
        for y in range(1, height + 1):
            values[y * stride] = values[y * stride + width]
            values[y * stride + width + 1] = values[y * stride + 1]
        values[:stride] = values[height * stride : (height + 1) * stride]
        values[(height + 1) * stride : (height + 2) * stride] = values[stride : 2 * stride]


@compiled
def _to_lattice(value):
    one = np.float32(STATE_ONE)
    return np.int32(min(max(np.rint(value), -one), one))


@compiled
def _joined(low, high):
    return np.int32((low & 0xFFFF) | (high << 16))


@compiled
def _sum(sums, values, at, products):
    starts, offsets, weights, bias = products
    for four in range(starts.size - 1):
        _sum_four(sums, values, at, starts, offsets, weights, bias, four)


@compiled
def _activate(hidden, at, sums):
    scale = np.float32(1 / WEIGHT_ONE)
    for pair in range(hidden.shape[0]):
        block, even, odd = hidden[pair, at : at + CELLS], sums[2 * pair], sums[2 * pair + 1]
        for i in range(CELLS):
            block[i] = _joined(_to_lattice(np.float32(even[i]) * scale), _to_lattice(np.float32(odd[i]) * scale))


@compiled
def _update(state, at, sums, words, numbers):
    for pair in range(PAIRS):
        block, even, odd = state[pair, at : at + CELLS], sums[2 * pair], sums[2 * pair + 1]
        word, shift = words[pair // 2], np.uint32(pair % 2 * 16)
        for i in range(CELLS):
            both, noise = block[i], np.uint32(word[i] >> shift)
            low = _updated(np.int16(both), even[i], noise, numbers)
            high = _updated(np.int16(both >> 16), odd[i], np.uint32(noise >> np.uint32(8)), numbers)
            block[i] = _joined(low, high)


@compiled
def _updated(value, total, noise, numbers):
    leak, scale, noise_scale = numbers
    before = np.float32(value)
    update = (np.float32(total) - leak * before) * scale
    odd = np.int32(2 * np.int32(noise & np.uint32(255)) - 255)
    return _to_lattice(before + update + np.float32(odd) * noise_scale)


@compiled
def _assign(tokens, at, scores):
    block = tokens[at : at + CELLS]
    for i in range(CELLS):
        # A key's lowest five bits say which token's score it is, higher for the lower token: the greatest wins, ties too.
        best = np.int32(-(2**31))
        for token in range(TOKENS):
            best = max(best, np.int32((scores[token, i] << 5) | (TOKENS - 1 - token)))
        block[i] = TOKENS - 1 - (best & (TOKENS - 1))


LANES = 16
TOTALS = ir.VectorType(ir.IntType(32), LANES)
HALVES = ir.VectorType(ir.IntType(16), 2 * LANES)
PRODUCTS = ir.VectorType(ir.IntType(32), 2 * LANES)


@emitted
def _sum_four(context, sums, values, at, starts, offsets, weights, bias, four):  # noqa: ARG001
    """Four rows of ``sums`` (outputs, ``CELLS``), of the cells from ``at`` on; the other arrays are ``Products``."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        target, source, starts, offsets, weights, bias = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 1, 3, 4, 5, 6)
        )
        at, four = arguments[2], arguments[7]
        first = builder.mul(four, ir.Constant(four.type, OUTPUTS))
        source = builder.gep(source, [at])
        target = builder.gep(target, [builder.mul(first, ir.Constant(four.type, CELLS))])
        totals = [
            [
                cgutils.alloca_once_value(builder, _splat(builder, _at(builder, bias, first, o)))
                for _ in range(CELLS // LANES)
            ]
            for o in range(OUTPUTS)
        ]
        begin, end = _at(builder, starts, four, 0), _at(builder, starts, four, 1)
        with cgutils.for_range(builder, end, start=begin) as loop:
            near = builder.gep(source, [_at(builder, offsets, loop.index, 0)])
            cells = [_load(builder, near, LANES * i) for i in range(CELLS // LANES)]
            place = builder.mul(loop.index, ir.Constant(four.type, OUTPUTS))
            for output, row in enumerate(totals):
                weight = builder.bitcast(_splat(builder, _at(builder, weights, place, output)), HALVES)
                for total, value in zip(row, cells, strict=True):
                    builder.store(builder.add(builder.load(total), _product(builder, value, weight)), total)
        for output, row in enumerate(totals):
            for i, total in enumerate(row):
                where = builder.gep(target, [ir.Constant(four.type, output * CELLS + i * LANES)])
                builder.store(builder.load(total), builder.bitcast(where, TOTALS.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(sums, values, types.intp, starts, offsets, weights, bias, types.intp), generate


def _product(builder: ir.IRBuilder, value: Any, weight: Any) -> Any:
    """In each lane the sum of two products. LLVM's own instructions alone, in the form that it knows to be the pairwise
    product of a CPU that has one; others multiply and add.
    """
    none = ir.Constant(PRODUCTS, ir.Undefined)
    low, high = (ir.Constant(TOTALS, list(range(first, 2 * LANES, 2))) for first in (0, 1))
    product = builder.mul(builder.sext(value, PRODUCTS), builder.sext(weight, PRODUCTS))
    return builder.add(builder.shuffle_vector(product, none, low), builder.shuffle_vector(product, none, high))


def _splat(builder: ir.IRBuilder, scalar: Any) -> Any:
    none = ir.Constant(TOTALS, ir.Undefined)
    first = builder.insert_element(none, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, none, ir.Constant(TOTALS, None))


def _at(builder: ir.IRBuilder, pointer: Any, index: Any, offset: int) -> Any:
    return builder.load(builder.gep(pointer, [builder.add(index, ir.Constant(index.type, offset))]))


def _load(builder: ir.IRBuilder, pointer: Any, offset: int) -> Any:
    where = builder.gep(pointer, [ir.Constant(ir.IntType(64), offset)])
    return builder.load(builder.bitcast(where, HALVES.as_pointer()), align=4)
