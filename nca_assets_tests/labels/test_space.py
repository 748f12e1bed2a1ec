"""Domains, correlation lengths and waves, against plain definitions and on pictures of known wavelength."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.labels.space import structure_in_space
from nca_assets_tests.labels import movies


def wave(height: int, width: int, ky: int, kx: int, tokens: int = 6) -> np.ndarray:
    """A frame with ky waves down its height and kx along its width."""
    y, x = np.mgrid[:height, :width]
    return movies.phases((ky * y / height + kx * x / width)[None], tokens)


@given(st.integers(0, 100), st.integers(3, 12), st.integers(3, 12))
def test_domains_are_equal_neighbors_above_chance(seed: int, height: int, width: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 4, (3, height, width), dtype=np.uint8)
    space = structure_in_space(frames)
    shares = np.array([np.bincount(frame.ravel(), minlength=4) / frame.size for frame in frames])
    assert space.chance == pytest.approx((shares**2).sum(axis=1).mean())
    right, below = ((frames == np.roll(frames, -1, axis)).mean() for axis in (2, 1))
    assert space.domains == pytest.approx((right + below) / 2 - space.chance)


@pytest.mark.parametrize(
    ("height", "width", "ky", "kx"), [(24, 36, 0, 3), (24, 36, 2, 0), (30, 30, 2, 3), (31, 27, 3, -2), (16, 16, 8, 0)]
)
def test_a_plane_wave_has_its_length_and_direction(height: int, width: int, ky: int, kx: int) -> None:
    space = structure_in_space(wave(height, width, ky, kx))
    assert space.wavelength == pytest.approx(1 / math.hypot(ky / height, kx / width))
    assert space.wave_direction == pytest.approx(math.degrees(math.atan2(ky / height, kx / width)) % 180)


def test_checkers_are_below_chance_and_their_waves_diagonal() -> None:
    space = structure_in_space((np.indices((8, 8)).sum(axis=0) % 2).astype(np.uint8)[None])
    assert (space.domains, space.wavelength, space.wave_direction) == (-0.5, pytest.approx(math.sqrt(2)), 45)


def test_crossed_waves_have_a_length_but_no_direction() -> None:
    y, x = np.mgrid[:24, :24]
    space = structure_in_space(((y // 4 % 2) * 2 + x // 4 % 2).astype(np.uint8)[None])
    assert space.wavelength == 8
    assert space.wave_direction is None


def test_noise_has_no_domains_and_no_waves() -> None:
    space = structure_in_space(movies.noise(40, 40)[:19])
    assert abs(space.domains) < 0.01
    assert space.wavelength is space.wave_direction is None
    assert space.correlation_length == pytest.approx(1 - 1 / math.e, abs=0.01)


def test_larger_domains_have_a_longer_correlation() -> None:
    blocks = [np.kron(movies.picture(12, 12), np.ones((size, size), dtype=np.uint8))[None] for size in (1, 2, 4)]
    lengths = [structure_in_space(frames).correlation_length or 0 for frames in blocks]
    assert lengths == sorted(lengths)
    assert lengths[2] > 2 * lengths[0]


def test_a_uniform_frame_has_no_structure() -> None:
    space = structure_in_space(np.full((3, 9, 9), 5, dtype=np.uint8))
    assert (space.domains, space.chance) == (0, 1)
    assert space.correlation_length is space.wavelength is space.wave_direction is None
