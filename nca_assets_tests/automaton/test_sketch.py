"""Sketches: gains spread over kernels and channels, so that channels of a field act as one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton import sketch
from nca_assets.automaton.sketch import BLUR, BOX, CENTER, DOWNWARD, LAPLACE, RIGHTWARD, SMOOTH, Kernel, Sketch

KERNELS = (*SMOOTH, CENTER, RIGHTWARD, DOWNWARD, LAPLACE)
FIELDS = (0, 1) * 4 + (2, 3) * 3 + (4, 4)

kernels = st.sampled_from(KERNELS)
gains = st.integers(-2500, 2500)


@given(kernel=kernels, gain=gains)
def test_a_gain_is_spread_in_proportion_to_the_taps_to_within_rounding(kernel: Kernel, gain: int) -> None:
    exact = gain * np.array(kernel.taps) / sum(map(abs, kernel.taps))
    assert np.abs(kernel.spread(gain) - exact).max() <= 0.5


def test_halves_are_rounded_up() -> None:
    assert BLUR.spread(8).tolist() == [1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert BLUR.spread(-8).tolist() == [0, -1, 0, -1, -2, -1, 0, -1, 0]


@pytest.mark.parametrize("kernel", [RIGHTWARD, DOWNWARD, LAPLACE], ids=lambda kernel: kernel.name)
def test_gradients_and_the_laplacian_do_not_see_what_is_the_same_everywhere(kernel: Kernel) -> None:
    assert sum(kernel.taps) == 0


def test_gradients_look_where_their_names_say() -> None:
    columns, rows = np.tile([0, 1, 2], 3), np.repeat([0, 1, 2], 3)
    assert np.dot(RIGHTWARD.taps, columns) > 0
    assert np.dot(DOWNWARD.taps, rows) > 0
    assert np.dot(RIGHTWARD.taps, rows) == np.dot(DOWNWARD.taps, columns) == 0


@given(kernel=kernels, gain=gains, field=st.integers(0, 4))
def test_channels_share_a_weight_evenly_and_lose_nothing(kernel: Kernel, gain: int, field: int) -> None:
    drawn = Sketch(FIELDS)
    assert drawn.unit((field, kernel, gain), bias=7) == 0
    parts = drawn.weights_in[0, np.array(FIELDS) == field]
    np.testing.assert_array_equal(parts.sum(axis=0), kernel.spread(gain))
    assert np.ptp(parts, axis=0).max() <= 1
    assert np.abs(drawn.weights_in).sum() == np.abs(parts).sum()
    assert drawn.bias_in.tolist() == [7] + [0] * 15


def test_reads_of_one_field_add_up_and_units_are_numbered() -> None:
    drawn = Sketch(FIELDS)
    assert [drawn.unit((2, BOX, 90), (2, CENTER, -30)), drawn.unit((0, CENTER, 4))] == [0, 1]
    assert drawn.weights_in[0, np.array(FIELDS) == 2].sum(axis=0).tolist() == [10] * 4 + [-20] + [10] * 4


def test_a_turn_multiplies_complex_numbers() -> None:
    drawn = Sketch(FIELDS)
    drawn.turn(0, (5, 6), 3, 4)
    product = (3 + 4j) * (10 + 20j)
    update = drawn.weights_out[:, 5, 4] * 10 + drawn.weights_out[:, 6, 4] * 20
    assert update.tolist() == [product.real, product.imag] * 4 + [0] * 8


def test_what_is_written_goes_to_all_channels_of_the_field_alone() -> None:
    drawn = Sketch(FIELDS)
    drawn.write(4, 3, 9)
    drawn.bias(4, -2)
    assert np.argwhere(drawn.weights_out).tolist() == [[14, 3, 4], [15, 3, 4]]
    assert np.flatnonzero(drawn.bias_out).tolist() == [14, 15]


@pytest.mark.parametrize(("dy", "dx"), [(0, 1), (1, 0), (-1, -1)])
def test_a_carried_sketch_reads_the_neighbor_that_things_come_from(dy: int, dx: int) -> None:
    drawn = Sketch(FIELDS)
    drawn.write(0, 0, 5)
    drawn.carry(dy, dx)
    row, column = np.argwhere(drawn.weights()[2][0, 0])[0] - 1
    assert (row, column) == (-dy, -dx)


def test_weights_are_as_rules_hold_them() -> None:
    shapes = [(array.shape, array.dtype) for array in Sketch(FIELDS).weights()]
    assert shapes == [((16, 16, 3, 3), np.int16), ((16,), np.int16)] * 2
    assert sketch.CENTER_TAP == 4
