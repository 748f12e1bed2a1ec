"""The ground and the objects on it, on movies in which they were put."""

import numpy as np
import pytest

from nca_assets.labels.counting import count_tokens
from nca_assets.labels.ground import Ground, measure_ground
from nca_assets.labels.translation import Shift
from nca_assets_tests.labels import movies


def ground_of(movie: np.ndarray) -> Ground:
    return measure_ground(movie[-256:], count_tokens(movie[-256:]), tail=128, every=7)


def squares(ground: np.ndarray) -> np.ndarray:
    """Squares of 4 cells at a corner of the torus and in the middle."""
    movie = ground.copy()
    height, width = movie.shape[1:]
    for y, x in ((0, 0), (-1, 0), (0, -1), (-1, -1), (5, 7), (5, 8), (6, 7), (6, 8)):
        movie[:, y % height, x % width] = 30
    return movie


def test_a_still_ground_with_objects_in_place() -> None:
    ground = ground_of(squares(np.zeros((300, 16, 20), dtype=np.uint8)))
    assert ground == Ground(312 / 320, 1.0, 2.0, 4.0, home=1.0)


def test_a_ground_that_turns_is_the_ground_all_the_same() -> None:
    turning = ground_of(squares(movies.blinking(4, 8, 16, 20)))
    assert turning == Ground(312 / 320, 0.25, 2.0, 4.0, home=1.0)


def test_cells_that_touch_by_a_corner_are_one_object() -> None:
    movie = np.zeros((300, 16, 20), dtype=np.uint8)
    movie[:, (0, 15), (0, 19)] = 1
    ground = ground_of(movie)
    assert (ground.objects, ground.object_size) == (1, 2)


def test_without_a_ground_there_are_no_objects() -> None:
    ground = ground_of(movies.noise())
    assert ground.share < 0.1
    assert ground == Ground(ground.share)


def test_an_empty_ground() -> None:
    assert ground_of(movies.uniform()) == Ground(1.0, 1.0, 0.0)


@pytest.mark.parametrize("noise", [0, 0.01])
def test_gliders_share_a_shift_and_leave_their_places(noise: float) -> None:
    ground = ground_of(movies.flickering(movies.gliders(), noise))
    assert ground.shift == Shift(4, 1, 1)
    assert ground.home is not None
    assert ground.home < 0.1


def test_breathers_stay_and_beat() -> None:
    ground = ground_of(movies.flickering(movies.breathers(movies.blinking(4, 5), 12), 0.005))
    assert (ground.shift, ground.beat) == (None, 12)
    assert ground.home is not None
    assert ground.home > 0.5


def test_a_domain_is_no_object() -> None:
    movie = np.zeros((300, 16, 20), dtype=np.uint8)
    movie[:, 2:8, 3:9] = np.arange(300, dtype=np.uint8)[:, None, None] % 5 + 1
    ground = ground_of(movie)
    assert (ground.objects, ground.object_size, ground.beat) == (1, 36, None)
