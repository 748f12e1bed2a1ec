"""Every class is recognized on movies whose behavior is known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.labels.behavior import Behavior, classify
from nca_assets.labels.names import CLASSES
from nca_assets_tests.labels import movies


@pytest.mark.parametrize(
    "movie",
    [
        movies.uniform(0),
        movies.uniform(31),
        movies.frozen(movies.picture()),
        movies.settled_at(movies.noise(), movies.FRAMES - 128),
        movies.life(movies.BLOCK),
    ],
    ids=["empty", "full", "frozen picture", "frozen just in time", "block"],
)
def test_static(movie: np.ndarray) -> None:
    assert classify(movie) == Behavior("static")


def test_one_changing_cell_in_the_tail_is_not_static() -> None:
    movie = movies.frozen(movies.picture())
    movie[-100, 3, 3] ^= 1
    assert classify(movie) == Behavior("quiet")
    assert classify(movies.settled_at(movies.noise(), movies.FRAMES - 127)).name != "static"


@pytest.mark.parametrize("period", [2, 3, 17, 40, 63, 64])
def test_periodic(period: int) -> None:
    assert classify(movies.cycle(period)) == Behavior("periodic", period)


def test_a_blinker_is_periodic() -> None:
    assert classify(movies.life(movies.BLINKER)) == Behavior("periodic", 2)


def test_a_uniform_blinking_grid_is_periodic_and_not_translating() -> None:
    movie = movies.uniform(3)
    movie[::2] = 7
    assert classify(movie) == Behavior("periodic", 2)


@pytest.mark.parametrize(("dy", "dx"), [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x] + [(3, -5), (-6, 8)])
@pytest.mark.parametrize("period", [1, 4])
def test_translating_in_every_direction(period: int, dy: int, dx: int) -> None:
    movie = movies.moving(movies.picture(13, 17), period, dy, dx)
    assert classify(movie) == Behavior("translating", period, dy, dx)


def test_a_glider_moves_by_one_cell_down_and_right_in_four_frames() -> None:
    assert classify(movies.life(movies.GLIDER)) == Behavior("gliding", 4, 1, 1)


def test_a_translation_that_comes_back_sooner_than_its_period_is_periodic() -> None:
    """Stripes that repeat every 4 columns, moved by 1: the zero-shift period is 4, the translation's is 1."""
    stripes = np.tile(np.array([1, 2, 3, 4], dtype=np.uint8), (8, 4))
    assert classify(movies.moving(stripes, 1, 0, 1)) == Behavior("translating", 1, 0, 1)
    blink = movies.cycle(2)
    assert classify(blink).name == "periodic"


@pytest.mark.parametrize("period", [5, 31, 70, 100])
def test_a_cycle_with_one_percent_flicker_is_rhythmic(period: int) -> None:
    assert classify(movies.flickering(movies.cycle(period), 0.01)) == Behavior("rhythmic", period)


def test_a_cycle_longer_than_64_frames_is_rhythmic() -> None:
    assert classify(movies.cycle(65)) == Behavior("rhythmic", 65)


STILL = np.zeros((movies.FRAMES, 16, 20), dtype=np.uint8)


@pytest.mark.parametrize(
    ("movie", "expected"),
    [
        (movies.gliders(), Behavior("gliding", 4, 1, 1)),
        (movies.moving(movies.picture(13, 17), 4, 1, -1), Behavior("translating", 4, 1, -1)),
        (movies.breathers(STILL, 12), Behavior("breathing", 12)),
        (movies.breathers(movies.blinking(4, 5), 12), Behavior("breathing", 12)),
        (movies.blinking(), Behavior("synchronous", 24)),
        (movies.sparks(), Behavior("quiet")),
        (movies.stream(), Behavior("streaming", 20)),
        (movies.spiral(), Behavior("radiating", 20)),
        (movies.target(), Behavior("radiating", 20)),
        (movies.collision(), Behavior("radiating", 18)),
        (movies.growing_domains(), Behavior("radiating")),
        (movies.own_phases(), Behavior("rhythmic", 12)),
        (movies.turbulence(), Behavior("turbulent")),
        (movies.noise(), Behavior("noisy")),
    ],
    ids=[
        "gliders", "carried picture", "breathers on a still ground", "breathers on a ground that turns",
        "blinking in step", "sparks", "stripes", "spiral", "target", "colliding waves", "growing domains",
        "cells in phases of their own", "turbulence", "noise",
    ],
)  # fmt: skip
@pytest.mark.parametrize("noise", [0.003, 0.01])
def test_what_an_eye_sees_through_noise(movie: np.ndarray, expected: Behavior, noise: float) -> None:
    assert classify(movies.flickering(movie, noise)) == expected


def test_exact_cycles_of_any_look_are_periodic() -> None:
    for movie, period in ((movies.spiral(), 20), (movies.blinking(), 24), (movies.own_phases(), 12)):
        assert classify(movie) == Behavior("periodic", period)


def test_a_pattern_that_moves_is_told_from_objects_that_do() -> None:
    """What covers more than half of the grid is no ground; what is larger than a sixteenth of it is no object."""
    stripe = np.zeros((16, 16), dtype=np.uint8)
    stripe[:, 3:6] = 1
    bar = np.where(np.arange(16)[:, None] < 4, stripe, np.uint8(0))
    assert classify(movies.moving_as_it_is(stripe, 0, 1)) == Behavior("translating", 1, 0, 1)
    assert classify(movies.moving_as_it_is(bar, 0, 1)) == Behavior("gliding", 2, 0, 2)


SIZES = [(8, 8), (8, 48), (48, 8), (48, 48), (11, 38), (31, 17)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_size(height: int, width: int) -> None:
    assert classify(movies.frozen(movies.picture(height, width))) == Behavior("static")
    assert classify(movies.cycle(5, height, width)) == Behavior("periodic", 5)
    assert classify(movies.moving(movies.picture(height, width), 3, -1, 2)) == Behavior("translating", 3, -1, 2)
    assert classify(movies.flickering(movies.cycle(21, height, width), 0.01)) == Behavior("rhythmic", 21)
    assert classify(movies.noise(height, width)) == Behavior("noisy")


@pytest.mark.parametrize(("height", "width"), [(20, 20), (48, 48), (8, 48)])
def test_a_grid_that_freezes_but_for_some_flicker_is_quiet(height: int, width: int) -> None:
    assert classify(movies.settling(height, width)) == Behavior("quiet")


@pytest.mark.parametrize(
    ("rule", "width", "expected"),
    [
        (4, 31, Behavior("static")),
        (170, 31, Behavior("translating", 1, 0, -1)),
        (22, 47, Behavior("turbulent")),
        (30, 47, Behavior("streaming")),
        (110, 48, Behavior("streaming")),
    ],
)
def test_elementary_cellular_automata(rule: int, width: int, expected: Behavior) -> None:
    """Rule 170 shifts; rule 22 is irregular in itself; so are rules 30 and 110, in which what happens runs to one
    side."""
    assert classify(movies.random_elementary(rule, width, seed=rule)) == expected


def test_a_glider_gun_is_seen_by_its_gliders() -> None:
    """The gun repeats every 30 frames, but most of what is on the ground are gliders, all on their way together."""
    assert classify(movies.life(movies.GOSPER_GUN, side=120)) == Behavior("gliding", 8, 2, 2)


@given(
    seed=st.integers(0, 1000),
    kind=st.sampled_from(
        ["cycle", "moving", "rhythm", "noise", "gliders", "stream", "spiral", "breathers", "blinking", "turbulence"]
    ),
    shift=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_invariances(seed: int, kind: str, shift: tuple[int, int]) -> None:
    """Renaming tokens or shifting the torus changes nothing; mirroring and transposing turn the shift."""
    movie = {
        "cycle": lambda: movies.cycle(seed % 10 + 2, 10, 11),
        "moving": lambda: movies.moving(movies.picture(10, 11, seed), seed % 10 + 2, 1, 2),
        "rhythm": lambda: movies.flickering(movies.cycle(seed % 10 + 2, 10, 11), 0.01, seed),
        "noise": lambda: movies.noise(10, 11, seed),
        "gliders": movies.gliders,
        "stream": movies.stream,
        "spiral": lambda: movies.spiral(22, 25),
        "breathers": lambda: movies.breathers(movies.blinking(4, 5), 12),
        "blinking": movies.blinking,
        "turbulence": lambda: movies.turbulence(16, 20, seed),
    }[kind]()
    if kind in ("gliders", "stream", "spiral", "breathers", "blinking"):
        movie = movies.flickering(movie, 0.005, seed)
    expected = classify(movie)
    renamed = np.random.default_rng(seed).permutation(32).astype(np.uint8)[movie]
    assert classify(renamed) == expected
    assert classify(np.roll(movie, shift, axis=(1, 2))) == expected
    turned = Behavior(expected.name, expected.period, expected.dx, expected.dy)
    assert classify(movie.transpose(0, 2, 1)) == turned
    mirrored = Behavior(expected.name, expected.period, expected.dy, None if expected.dx is None else -expected.dx)
    assert classify(movie[:, :, ::-1]) == mirrored


def test_the_classes_are_those_that_the_movies_cover() -> None:
    assert CLASSES == (
        "static",
        "gliding",
        "translating",
        "periodic",
        "breathing",
        "synchronous",
        "quiet",
        "streaming",
        "radiating",
        "rhythmic",
        "turbulent",
        "noisy",
    )
