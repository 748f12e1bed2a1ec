"""The step of the dynamics, compiled for the CPU. ``compiled`` prepares its inputs.

In fixed point every value is a small integer, so sums are of products of 16-bit integers, which a CPU does two at a
time in every 32-bit lane of a vector (x86's ``vpmaddwd`` and ``vpdpwssd``): twice the rate of its float units. Lanes
are neighboring cells; each multiplies two channels at one tap by the two weights of one output.

States and hidden layers are planes of int32, one plane per two channels: the grid, row by row, with a border of one
cell that repeats the opposite edge of the torus; each number holds two channels of a cell, the even one in its low
half. Blocks of cells run across the borders between rows, which are rewritten before they are read. From frame to frame
a whole rollout stays in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from nca_assets.automaton.draws import NOISE_STREAM
from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, TOKENS, WEIGHT_ONE
from nca_assets.automaton.jit import compiled, emitted
from nca_assets.automaton.philox import fill_words

PAIRS = CHANNELS // 2
"""Planes of a state."""
OUTPUTS = 4
"""Sums that share each load of cells."""
CELLS = 32
"""Cells of a block, which share each load of weights."""

Products = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
"""The sums of each cell, four outputs at a time: where the products of each four begin, and where the last ones end;
each product's offset in the planes from the cell; its weights, (products, 4), each two 16-bit numbers in one; and the
bias of each output."""


@compiled
def advance(tokens, frame, state, products, numbers, key):
    """Fill ``tokens``, uint8 (frames, height, width), from ``frame`` on, and advance ``state`` to the last of them.

    ``state``, int32 (8, places), is that of ``frame``, in planes that hold whole blocks from the first cell on, and as
    many places after these as before. ``products`` are those of the first convolution, the second, and the scores.
    ``numbers`` are the leak, the residual scale and the scale of the noise, float32; ``key`` is the seed and the index,
    uint32.
    """
    products_in, products_out, products_of_scores = products
    frames, height, width = tokens.shape
    stride, size = width + 2, state.shape[1]
    first, last = stride + 1, size - stride - 1
    units = products_in[3].size
    hidden = np.zeros((units // 2, size), dtype=np.int32)
    sums = np.empty((TOKENS, CELLS), dtype=np.int32)
    words = np.empty((4, CELLS), dtype=np.uint32)
    # For every place in a plane: its cell in the grid (arbitrary on the border), and its token.
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
def _to_fixed_point(value):
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
            block[i] = _joined(
                _to_fixed_point(np.float32(even[i]) * scale), _to_fixed_point(np.float32(odd[i]) * scale)
            )


@compiled
def _update(state, at, sums, words, numbers):
    for four in range(words.shape[0]):
        for half in range(2):
            pair = 2 * four + half
            block = state[pair, at : at + CELLS]
            for i in range(CELLS):
                both, noise = block[i], np.uint32(words[four, i] >> np.uint32(16 * half))
                even = _updated(np.int16(both), sums[2 * pair, i], noise, numbers)
                odd = _updated(np.int16(both >> 16), sums[2 * pair + 1, i], np.uint32(noise >> np.uint32(8)), numbers)
                block[i] = _joined(even, odd)


@compiled
def _updated(value, total, noise, numbers):
    leak, scale, noise_scale = numbers
    before = np.float32(value)
    update = (np.float32(total) - leak * before) * scale
    odd = np.int32(2 * np.int32(noise & np.uint32(255)) - 255)
    return _to_fixed_point(before + update + np.float32(odd) * noise_scale)


@compiled
def _assign(tokens, at, scores):
    block = tokens[at : at + CELLS]
    for i in range(CELLS):
        # A score's lowest five bits identify its token, higher for lower tokens, so the maximum also breaks ties.
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
    """The sum of two products in each lane, in portable LLVM instructions of the form that LLVM recognizes as a CPU's
    pairwise product; CPUs without one multiply and add.
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
