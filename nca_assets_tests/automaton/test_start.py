"""Frame 0: what a start says is what the grid shows."""

import numpy as np
import pytest

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.start import Start, draw_rectangles, draw_start

FIELDS = (0, 1) * 4 + (2, 3) * 3 + (4, 4)
HEIGHT, WIDTH = 40, 45
GROUND = -1024


def state_of(start: Start, index: int = 0) -> np.ndarray:
    return draw_start((9, index), HEIGHT, WIDTH, FIELDS, start)


def test_noise_is_uniform_and_differs_by_cell_field_and_rollout() -> None:
    state = state_of(Start("noise"))
    assert state.shape == (HEIGHT, WIDTH, 16)
    assert state.dtype == np.int16
    assert state.flags.c_contiguous
    assert -1024 <= state.min() < -1000
    assert 1000 < state.max() <= 1024
    assert abs(state[..., 0].mean()) < 50
    assert (state[..., 0] == state[..., 1]).mean() < 0.01
    assert (state == state_of(Start("noise"), index=1)).mean() < 0.01


def test_channels_of_a_field_are_equal() -> None:
    state = state_of(Start("noise"))
    for field in range(5):
        channels = [channel for channel in range(16) if FIELDS[channel] == field]
        assert np.ptp(state[..., channels], axis=2).max() == 0


@pytest.mark.parametrize("side", [2, 3, 6])
def test_patches_are_squares_of_one_state(side: int) -> None:
    state = state_of(Start("patches", patch=side))
    rows, columns = np.arange(HEIGHT) // side * side, np.arange(WIDTH) // side * side
    np.testing.assert_array_equal(state, state[rows][:, columns])
    assert len(np.unique(state.reshape(-1, 16), axis=0)) == -(-HEIGHT // side) * -(-WIDTH // side)


@pytest.mark.parametrize("density", [0, 12, 102, 256])
def test_so_many_of_256_cells_are_active_and_the_others_ground(density: int) -> None:
    state = state_of(Start("sparse", density=density))
    active = (state != GROUND).any(axis=2)
    assert active.mean() == pytest.approx(density / 256, abs=0.03)
    assert (state[~active] == GROUND).all()


def test_seeds_are_active_and_wrap_around_the_edges() -> None:
    state = state_of(Start("seeds", density=0, seeds=((39, 44, 2, 3),)))
    active = (state != GROUND).any(axis=2)
    assert np.argwhere(active).tolist() == [[y, x] for y in (0, 39) for x in (0, 1, 44)]


def test_quiet_fields_are_ground() -> None:
    state = state_of(Start("noise", quiet=(0, 4)))
    quiet = np.isin(FIELDS, (0, 4))
    assert (state[..., quiet] == GROUND).all()
    assert (state[..., ~quiet] == GROUND).mean() < 0.01


def test_marks_are_1_and_all_else_of_their_field_is_ground() -> None:
    state = state_of(Start("noise", marked=4, marks=((3, 5, 2, 4), (10, 43, 1, 3))))
    marked = np.zeros((HEIGHT, WIDTH), dtype=bool)
    marked[3:5, 5:9] = marked[10, 43:] = marked[10, :1] = True
    for channel in (14, 15):
        np.testing.assert_array_equal(state[..., channel], np.where(marked, 1024, GROUND))


def test_what_is_active_does_not_depend_on_what_is_there() -> None:
    """A start of another kind shows the same noise where it is active."""
    noise, sparse = state_of(Start("noise")), state_of(Start("sparse", density=90))
    active = (sparse != GROUND).any(axis=2)
    np.testing.assert_array_equal(noise[active], sparse[active])


def test_rectangles_begin_anywhere_and_have_sides_of_the_range() -> None:
    rectangles = np.array(draw_rectangles(Draws(1, 1), 2000, 5, 9, (2, 4)))
    assert [set(column.tolist()) for column in rectangles.T] == [set(range(5)), set(range(9)), {2, 3, 4}, {2, 3, 4}]
