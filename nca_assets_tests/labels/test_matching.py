"""Matches under shifts are those that NumPy finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.labels.matching import count_shifted


@given(st.integers(0, 100), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_shifted_matches_are_numpys(seed: int, height: int, width: int, frames: int) -> None:
    earlier, later = np.random.default_rng(seed).integers(0, 3, (2, frames, height, width), dtype=np.uint8)
    down, right = range(-2, height), range(-width, 3)
    counts = count_shifted(earlier, later, down, right)
    for i, dy in enumerate(down):
        for j, dx in enumerate(right):
            assert counts[i, j] == (later == np.roll(earlier, (dy, dx), axis=(1, 2))).sum()


@pytest.mark.parametrize("width", [63, 64, 65, 130])
def test_grids_wider_than_the_bytes_compared_at_once(width: int) -> None:
    earlier, later = np.random.default_rng(1).integers(0, 3, (2, 2, 5, width), dtype=np.uint8)
    counts = count_shifted(earlier, later, range(1), range(width))
    assert counts[0].tolist() == [(later == np.roll(earlier, dx, axis=2)).sum() for dx in range(width)]


def test_the_upper_rows_alone() -> None:
    earlier, later = np.random.default_rng(2).integers(0, 3, (2, 3, 9, 7), dtype=np.uint8)
    counts = count_shifted(earlier, later[:, :2], range(-4, 5), range(1))
    assert counts[:, 0].tolist() == [(later == np.roll(earlier, dy, axis=1))[:, :2].sum() for dy in range(-4, 5)]
