"""Life-like rules: cells live and die by the number of their living neighbors, and leave a fading trail."""

import numpy as np

from nca_assets.automaton.families.lifelike import BIRTHS, SURVIVALS
from nca_assets.automaton.recipe import Rule
from nca_assets_tests.automaton import integer_reference
from nca_assets_tests.automaton.families.movies import movie_of
from nca_assets_tests.automaton.rules import rule_of, rules_of, specified

RULES = rules_of("lifelike", 40)
LOW, HIGH = 4, 5
"""The two units that count neighbors, after four of the ground."""


def births_alone(rule: Rule) -> bool:
    return rule.weights_in[LOW, rule.fields.index(3), 1, 1] < 0


def window(rule: Rule) -> tuple[int, int]:
    zero = -1280 if births_alone(rule) else 2176
    low, high = ((zero - int(rule.bias_in[unit])) // 128 for unit in (LOW, HIGH))
    return (low + 1) // 2, (high - 1) // 2


def living_neighbors(alive: np.ndarray) -> np.ndarray:
    return sum(np.roll(alive, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) - alive


def test_windows_are_those_listed() -> None:
    assert {window(rule) for rule in RULES if births_alone(rule)} == set(BIRTHS)
    assert {window(rule) for rule in RULES if not births_alone(rule)} <= set(SURVIVALS)
    assert sum(map(births_alone, RULES)) / len(RULES) < 0.6


def test_cells_live_by_a_window_on_their_neighbors() -> None:
    """Without noise: any pattern of living cells, and of dead ones that still have a trail."""
    random = np.random.default_rng(1)
    for index in range(60):
        rule, spec = rule_of("lifelike", 13, index), specified("lifelike", 13, index)
        low, high = window(rule)
        alive = random.random((20, 20)) < random.random()
        trail = alive | (random.random((20, 20)) < 0.2)
        ground = np.full((20, 20), -1)
        by_field = np.stack([ground, ground, 2 * alive - 1, 2 * trail - 1, ground]).astype(np.int64) * 1024
        after = integer_reference.step(by_field[spec.fields], spec, noise=0)
        around = living_neighbors(alive.astype(int))
        if births_alone(rule):
            lives = (low <= around) & (around <= high) & ~alive & ~trail
        else:
            lives = (low <= 2 * around + alive) & (2 * around + alive <= high)
        np.testing.assert_array_equal(after[spec.fields.index(2)], np.where(lives, 1024, -1024))


def test_patterns_go_on_for_a_while() -> None:
    """In most rollouts cells are still born after a hundred frames."""
    movies = [movie_of(rule, 120) for rule in RULES]
    born = [((movie[2][100:-1] < 0) & (movie[2][101:] > 0)).any() for movie in movies]
    assert sum(born) > len(born) / 2


def test_lifes_own_window_is_among_them() -> None:
    """Birth on 3, survival on 2 or 3: twice the neighbors plus the cell itself is 5, 6 or 7."""
    for alive in (0, 1):
        lives = [around for around in range(9) if 5 <= 2 * around + alive <= 7]
        assert lives == ([2, 3] if alive else [3])
    assert (5, 7) in SURVIVALS
