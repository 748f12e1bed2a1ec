"""Every class is recognized on movies whose behavior is known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.flip import Flip
from nca_assets.labels.behavior import CLASSES, Behavior, classify, lag_match_curve, rhythm_lag, rise_above_minimum
from nca_assets.labels.counting import MatchCounter
from nca_assets.labels.damage import Damage, measure_damage
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
    assert classify(movie) == Behavior("settling")
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


def test_a_glider_translates_by_one_cell_down_and_right_in_four_frames() -> None:
    assert classify(movies.life(movies.GLIDER)) == Behavior("translating", 4, 1, 1)


def test_a_translation_that_comes_back_sooner_than_its_period_is_periodic() -> None:
    """Stripes that repeat every 4 columns, moved by 1: the zero-shift period is 4, the translation's is 1."""
    stripes = np.tile(np.array([1, 2, 3, 4], dtype=np.uint8), (8, 4))
    assert classify(movies.moving(stripes, 1, 0, 1)) == Behavior("translating", 1, 0, 1)
    blink = movies.cycle(2)
    assert classify(blink).name == "periodic"


@pytest.mark.parametrize("period", [5, 31, 70, 100])
def test_rhythmic_with_one_percent_flicker(period: int) -> None:
    assert classify(movies.flickering(movies.cycle(period), 0.01)) == Behavior("rhythmic", period)


def test_a_cycle_longer_than_64_frames_is_rhythmic() -> None:
    assert classify(movies.cycle(65)) == Behavior("rhythmic", 65)


SIZES = [(8, 8), (8, 48), (48, 8), (48, 48), (11, 38), (31, 17)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_size(height: int, width: int) -> None:
    assert classify(movies.frozen(movies.picture(height, width))) == Behavior("static")
    assert classify(movies.cycle(5, height, width)) == Behavior("periodic", 5)
    assert classify(movies.moving(movies.picture(height, width), 3, -1, 2)) == Behavior("translating", 3, -1, 2)
    assert classify(movies.flickering(movies.cycle(21, height, width), 0.01)) == Behavior("rhythmic", 21)
    assert classify(movies.noise(height, width)) == Behavior("drifting")


@pytest.mark.parametrize(("height", "width"), [(20, 20), (48, 48), (8, 48)])
def test_a_grid_that_freezes_but_for_some_flicker_is_settling(height: int, width: int) -> None:
    assert classify(movies.settling(height, width)) == Behavior("settling")


def test_slow_change_of_the_whole_grid_is_not_settling() -> None:
    """One cell in a hundred changes in each step, ever fewer, but each in its turn: nothing is frozen."""
    movie = movies.frozen(movies.picture(20, 20))
    for t in range(1, movies.FRAMES):
        first = 4 * t + 40 * (t < movies.FRAMES - 64)
        movie[t:].reshape(movies.FRAMES - t, -1)[:, np.arange(first, first + 4) % 400] ^= 1
    assert classify(movie).name == "drifting"


@pytest.mark.parametrize(
    ("rule", "width", "expected"),
    [
        (30, 23, Behavior("chaotic")),
        (30, 47, Behavior("chaotic")),
        (54, 48, Behavior("rhythmic", 4)),
        (110, 48, Behavior("rhythmic", 7)),
        (4, 31, Behavior("static")),
        (170, 31, Behavior("translating", 1, 0, -1)),
        (184, 48, Behavior("translating", 1, 0, -1)),
        (15, 23, Behavior("translating", 2, 0, 2)),
    ],
)
def test_elementary_cellular_automata(rule: int, width: int, expected: Behavior) -> None:
    """Rule 30 is chaotic; the backgrounds of rules 54 and 110 repeat every 4 and 7 steps; rule 170 shifts, rule 15
    shifts and inverts, rule 184 is traffic in which all cars move."""
    movie, twin = movies.elementary_with_twin(rule, width, seed=rule)
    assert classify(movie, measure_damage(movie, twin, Flip(0, 4, width // 2))) == expected


def test_a_glider_gun_far_from_its_own_gliders_is_nothing_but_drifting() -> None:
    """The gun repeats every 30 frames, but its gliders go on: no frame comes back, and hardly a cell changes."""
    assert classify(movies.life(movies.GOSPER_GUN, side=120)) == Behavior("drifting")


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "drifting"), (0.02, "drifting"), (0.021, "complex"), (0.29, "complex"), (0.3, "chaotic")],
)
def test_damage_decides_between_chaotic_complex_and_drifting(share: float, expected: str) -> None:
    assert classify(movies.noise(), Damage(share, independent=0.6, speed=1)).name == expected


def test_what_repeats_is_not_asked_for_its_damage() -> None:
    spread = Damage(0.9, 0.9, 1)
    assert classify(movies.cycle(3), spread) == Behavior("periodic", 3)
    assert classify(movies.frozen(movies.picture()), spread) == Behavior("static")


def test_noise_drifts() -> None:
    assert classify(movies.noise()) == Behavior("drifting")


def test_slow_decay_without_return_drifts() -> None:
    """Cells change one after the other and never come back: the match only falls."""
    movie = movies.frozen(movies.picture(20, 20))
    for t in range(1, movies.FRAMES):
        movie[t:].reshape(movies.FRAMES - t, -1)[:, np.arange(4 * t, 4 * t + 4) % 400] = t // 100 + 1
    assert classify(movie) == Behavior("drifting")


@given(
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["cycle", "moving", "rhythm", "noise"]),
    period=st.integers(2, 12),
    shift=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_invariances(seed: int, kind: str, period: int, shift: tuple[int, int]) -> None:
    """Renaming tokens or shifting the torus changes nothing; mirroring and transposing turn the shift."""
    movie = {
        "cycle": lambda: movies.cycle(period, 10, 11),
        "moving": lambda: movies.moving(movies.picture(10, 11, seed), period, 1, 2),
        "rhythm": lambda: movies.flickering(movies.cycle(period, 10, 11), 0.01, seed),
        "noise": lambda: movies.noise(10, 11, seed),
    }[kind]()
    expected = classify(movie)
    renamed = np.random.default_rng(seed).permutation(32).astype(np.uint8)[movie]
    assert classify(renamed) == expected
    assert classify(np.roll(movie, shift, axis=(1, 2))) == expected
    turned = Behavior(expected.name, expected.period, expected.dx, expected.dy)
    assert classify(movie.transpose(0, 2, 1)) == turned
    assert expected.dx is None or expected.dx == 2
    mirrored = Behavior(expected.name, expected.period, expected.dy, None if expected.dx is None else -expected.dx)
    assert classify(movie[:, :, ::-1]) == mirrored


def test_the_lag_match_curve_is_its_definition() -> None:
    movie = movies.flickering(movies.cycle(9), 0.05)
    window = movie[-256:]
    curve = lag_match_curve(MatchCounter(movie))
    assert len(curve) == 128
    for lag in (1, 9, 128):
        expected = np.mean([(window[t] == window[t - lag]).mean() for t in range(lag, 256)])
        assert curve[lag - 1] == pytest.approx(expected)


def test_fewer_frames_shorten_the_lags() -> None:
    assert len(lag_match_curve(MatchCounter(movies.noise()[:140]))) == 70


def test_the_rhythm_is_the_first_peak_that_rises_enough() -> None:
    curve = np.array([0.9, 0.5, 0.4, 0.55, 0.62, 0.70, 0.69, 0.4, 0.9])
    assert rhythm_lag(curve) == 6
    assert rhythm_lag(curve[:4]) is None
    assert rise_above_minimum(curve).max() == pytest.approx(0.5)


def test_the_classes_are_those_that_the_movies_cover() -> None:
    assert CLASSES == (
        "static",
        "translating",
        "periodic",
        "rhythmic",
        "settling",
        "chaotic",
        "complex",
        "drifting",
    )
