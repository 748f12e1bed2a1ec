"""Learnability equals its definition, coded cell by cell in plain Python, and tells known movies apart."""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.labels.learnability import Learnability, measure_learnability
from nca_assets.labels.names import STUDENTS, TIERS
from nca_assets.labels.students import BIT, MOST, SAMPLE, logarithms, teach
from nca_assets_tests.conftest import PROJECT
from nca_assets_tests.labels import movies

Cell = tuple[Hashable, int]
"""What a student sees, and the token to predict."""


def soup(side: int = 48, seed: int = 0) -> np.ndarray:
    """Life from a random third of the cells."""
    alive = np.argwhere(np.random.default_rng(seed).random((side, side)) < 1 / 3)
    return movies.life([(int(y), int(x)) for y, x in alive], side)


def flipped(movie: np.ndarray, share: float) -> np.ndarray:
    """A movie of two tokens with that share of its cells changed to the other one."""
    return movie ^ (np.random.default_rng(0).random(movie.shape) < share)


def elementary_rows(rule: int, height: int = 24, width: int = 40) -> np.ndarray:
    """An elementary cellular automaton in every row, each from a random one of its own."""
    rows = [movies.random_elementary(rule, width, seed)[:, 0] for seed in range(height)]
    return np.stack(rows, axis=1)


KNOWN = {
    "a single token": movies.uniform(7),
    "32 random tokens": movies.noise(),
    "a still picture": movies.frozen(movies.picture()),
    "cells that turn in their own phases": movies.own_phases(),
    "gliders of Life": movies.gliders(),
    "a target": movies.target(),
    "a spiral": movies.spiral(),
    "Life from random cells": soup(),
    "rule 110 from a random row each": elementary_rows(110),
    "the same, 2 % of the cells flipped": flipped(elementary_rows(110), 0.02),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_movies_are_as_documented(name: str) -> None:
    document = (PROJECT / "docs" / "LABELS.md").read_text()
    [row] = re.findall(rf"^\| {name} \| (.+) \|$", document, re.MULTILINE)
    found = measured(KNOWN[name])
    numbers = f"{found.noise:.3f} | {found.learnable:.3f} | {found.epiplexity:,}"
    assert row == f"`{found.student}` | {numbers} | `{found.difficulty}`"


@pytest.mark.parametrize(
    ("name", "noise", "learnable", "tier"),
    [
        ("a single token", (0, 0.001), (0, 0), "none"),
        ("32 random tokens", (4.99, 5.01), (0, 0), "none"),
        ("a still picture", (0, 0.01), (4.5, 5), "easy"),
        ("rule 110 from a random row each", (0, 0.05), (0.9, 1), "hard"),
        ("Life from random cells", (0, 0.05), (0.45, 0.6), "hard"),
        # Two in a hundred are 0.14 bits; a cell that was flipped also misleads its neighbors.
        ("the same, 2 % of the cells flipped", (0.14, 0.5), (0.5, 0.86), "hard"),
    ],
)
def test_noise_is_told_from_what_can_be_learned(
    name: str, noise: tuple[float, float], learnable: tuple[float, float], tier: str
) -> None:
    found = measured(KNOWN[name])
    assert noise[0] <= found.noise <= noise[1]
    assert learnable[0] <= found.learnable <= learnable[1]
    assert found.difficulty == tier


@pytest.mark.parametrize("movie", [movies.flickering(movies.spiral(12, 9), 0.1), movies.noise(5, 7)[:140]])
def test_lessons_are_prequential_codes_coded_cell_by_cell_in_any_order(movie: np.ndarray) -> None:
    lessons, cells = teach(movie)
    assert cells == (len(movie) - 2) * movie[0].size
    for student in STUDENTS:
        seen = shown(movie, student)
        shuffled = [seen[i] for i in np.random.default_rng(0).permutation(len(seen))]
        assert lessons[student].whole / BIT == pytest.approx(code_length(seen), abs=cells / BIT)
        assert lessons[student].whole / BIT == pytest.approx(code_length(shuffled), abs=cells / BIT)
        assert lessons[student].final / BIT == pytest.approx(code_length_from_all_others(seen), abs=cells / BIT)


def test_the_loss_from_all_others_is_the_end_of_the_curve_averaged_over_all_orders() -> None:
    cells: list[Cell] = [(0, 5), (0, 5), (0, 3), (1, 5), (1, 5), (2, 8)]
    ends = [code_length(list(order)) - code_length(list(order[:-1])) for order in itertools.permutations(cells)]
    assert code_length_from_all_others(cells) / len(cells) == pytest.approx(float(np.mean(ends)))


def test_every_logarithm_rounds_alike_on_every_machine() -> None:
    numbers = np.concatenate([np.arange(MOST) + 1, 32 * np.arange(MOST) + 1])
    exact = np.log2(numbers) * BIT
    from_a_tie = np.abs(exact - np.floor(exact) - 0.5).min()
    assert from_a_tie > 1000 * np.spacing(exact.max())
    assert logarithms(2 ** np.arange(21)).tolist() == [BIT * power for power in range(21)]


@given(st.integers(0, 100), st.integers(0, 8), st.integers(0, 8))
def test_a_shift_on_the_torus_changes_nothing(seed: int, down: int, right: int) -> None:
    movie = movies.flickering(movies.spiral(9, 11), 0.05, seed)[:150]
    assert measured(np.roll(movie, (down, right), axis=(1, 2))) == measured(movie)


def test_other_names_of_the_tokens_change_nothing() -> None:
    movie = movies.spiral()
    assert measured(movie + np.uint8(200)) == measured(movie)


def test_more_than_32_tokens_are_left_out() -> None:
    assert measure_learnability(np.arange(140 * 33, dtype=np.int64).reshape(140, 3, 11).astype(np.uint8)) is None


@pytest.mark.parametrize(("height", "width"), [(150, 150), (200, 200), (260, 250), (1, 40_000)])
def test_large_frames_are_sampled(height: int, width: int) -> None:
    movie = np.random.default_rng(0).integers(0, 2, (3, height, width), dtype=np.uint8)
    lessons, cells = teach(movie)
    assert SAMPLE / 2 < cells <= max(SAMPLE, width)
    assert lessons["frequency"].final / (cells * BIT) == pytest.approx(1, abs=0.01)


def test_lessons_are_the_same_to_the_last_unit() -> None:
    lessons, cells = teach(movies.flickering(soup(20), 0.02))
    assert cells == 32_400
    assert [(lesson.whole, lesson.final) for lesson in lessons.values()] == [
        (925_731_640, 915_750_699),
        (753_061_988, 727_578_076),
        (758_397_537, 718_087_035),
        (759_876_559, 695_040_764),
        (755_111_368, 630_342_773),
    ]


def test_tiers_have_their_order() -> None:
    cases = [(0.04, 9000), (1, 499), (1, 500), (1, 1999), (1, 2000)]
    found = [Learnability("past", 0.5, learnable, epiplexity).difficulty for learnable, epiplexity in cases]
    assert found == ["none", "easy", "medium", "medium", "hard"]
    assert list(dict.fromkeys(found)) == list(TIERS)


def measured(movie: np.ndarray) -> Learnability:
    found = measure_learnability(movie)
    assert found is not None
    return found


def shown(movie: np.ndarray, student: str) -> list[Cell]:
    """What a student sees of each cell from frame 2 on, and the cell's token."""
    frames, height, width = movie.shape
    cells: list[Cell] = []
    for t, y, x in itertools.product(range(2, frames), range(height), range(width)):
        last = movie[t - 1].tolist()
        around = [last[(y + dy) % height][(x + dx) % width] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        own, before = around[4], int(movie[t - 2, y, x])
        others = Counter(around[i] for i in (1, 3, 5, 7) if around[i] != own).most_common(2)
        tied = len(others) == 2 and others[0][1] == others[1][1]
        sights: dict[str, Hashable] = {
            "frequency": None,
            "past": own,
            "history": (own, before),
            "front": (own, before, "several" if tied else others[0][0] if others else own),
            "square": (own, *(near == own for near in around)),
        }
        cells.append((sights[student], int(movie[t, y, x])))
    return cells


def code_length(cells: list[Cell]) -> float:
    """In bits, each cell predicted from those before it."""
    contexts, tokens, bits = Counter(), defaultdict(Counter), 0.0
    for context, token in cells:
        bits -= math.log2((tokens[context][token] + 1 / 32) / (contexts[context] + 1))
        contexts[context] += 1
        tokens[context][token] += 1
    return bits


def code_length_from_all_others(cells: list[Cell]) -> float:
    """In bits, each cell predicted from all others."""
    contexts, both = Counter(context for context, _ in cells), Counter(cells)
    return sum(-math.log2((both[cell] - 1 + 1 / 32) / contexts[cell[0]]) for cell in cells)
