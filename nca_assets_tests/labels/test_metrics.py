"""Metrics equal their plain definitions, written here once more in NumPy, and closed forms where there are any."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nca_assets.automaton.compiled import hidden_states, simulate
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import MAX_SIDE, MIN_SIDE, Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.labels.counting import count_tokens, count_transitions
from nca_assets.labels.damage import REPLICA_FRAMES, Damage, flip_in_the_middle, measure_damage
from nca_assets.labels.matching import MatchCounter
from nca_assets.labels.metrics import block_entropy, conditional_entropy, entropy, measure
from nca_assets.labels.schema import CURVE_COLUMNS, LABEL_COLUMNS
from nca_assets.labels.states import measure_states, state_statistics
from nca_assets.labels.table import to_table
from nca_assets_tests.labels import movies

MOVIES = {
    "rhythm": movies.flickering(movies.cycle(7), 0.1),
    "noise": movies.noise(8, 9),
    "settling": movies.settling(),
    "still": movies.frozen(movies.picture()),
    "long": np.concatenate([movies.noise(9, 8), movies.noise(9, 8, seed=5)]),
}


def d(movie: np.ndarray, s: int, t: int) -> float:
    return float(np.mean(movie[s] != movie[t]))


def shannon(values: object) -> float:
    counts = Counter(values)  # pyright: ignore[reportArgumentType, reportCallIssue]
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


@pytest.mark.parametrize("movie", MOVIES.values(), ids=MOVIES)
def test_metrics_equal_their_definitions(movie: np.ndarray) -> None:
    measured, curves = measure(movie)
    steps = [d(movie, t - 1, t) for t in range(1, len(movie))]
    tail = movie[-128:]
    expected: dict[str, float] = {
        "mean_change": float(np.mean(steps)),
        "tail_change": float(np.mean(steps[-128:])),
        "early_change": float(np.mean(steps[:16])),
        "late_change": float(np.mean([d(movie, t - 1, t) for t in range(100, len(movie))])),
        "change_48_112": d(movie, 48, 112),
        "ground_share": float(np.mean([max(Counter(f.ravel().tolist()).values()) / f.size for f in tail])),
        "frozen_share": float(np.mean([[(cell == cell[0]).all() for cell in row] for row in tail.transpose(1, 2, 0)])),
        "token_entropy": shannon(movie.ravel().tolist()),
        "conditional_entropy": shannon(zip(movie[:-1].ravel().tolist(), movie[1:].ravel().tolist(), strict=True))
        - shannon(movie[:-1].ravel().tolist()),
        "block_entropy": shannon(
            (int(f[y, x]), int(f[y, x - 1]), int(f[y - 1, x]), int(f[y - 1, x - 1]))
            for f in tail[::7]
            for y in range(f.shape[0])
            for x in range(f.shape[1])
        ),
        "tokens_used": len(np.unique(movie)),
        "top_token": Counter(sorted(movie.ravel().tolist())).most_common(1)[0][0],
        "top_token_share": max(Counter(movie.ravel().tolist()).values()) / movie.size,
        **{f"entropy_{t}": shannon(movie[t].ravel().tolist()) for t in (0, 16, 100)},
        **{
            f"similarity_{s}_{lag}": 1 - d(movie, s, s + lag) for s in (0, 100) for lag in (1, 2, 4, 8, 16, 32, 64, 128)
        },
    }
    assert {name: measured[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert curves.entropy.tolist() == [round(4096 * shannon(f.ravel().tolist())) for f in movie]
    cells = movie[0].size
    assert curves.changed.tolist() == [0, *(round(step * cells) for step in steps)]
    assert curves.differing.tolist() == [round(d(movie, 0, t) * cells) for t in range(len(movie))]
    assert curves.matching_100.tolist() == [round((1 - d(movie, 100, t)) * cells) for t in range(100, len(movie))]


def test_what_lies_beyond_the_last_frame_is_null() -> None:
    short, _ = measure(movies.noise()[:140])
    assert short["entropy_499"] is short["similarity_0_256"] is short["similarity_100_64"] is None
    assert short["similarity_100_32"] is not None
    long, _ = measure(MOVIES["long"])
    assert long["entropy_499"] is not None
    assert long["similarity_100_256"] == pytest.approx(1 - d(MOVIES["long"], 100, 356))


def test_without_a_recipe_what_needs_one_is_null() -> None:
    measured, _ = measure(movies.noise())
    assert {name for name, value in measured.items() if value is None} >= {
        "damage", "damage_independent", "damage_speed", "saturation", "clear_tokens",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("movie", "transient", "speed"),
    [
        (movies.settled_at(movies.noise(), 57), 57, None),
        (np.concatenate([movies.noise(12, 17)[:90], movies.cycle(7)[:210]]), 90, None),
        (np.concatenate([movies.noise(12, 17)[:90], movies.moving(movies.picture(), 4, 3, -4)[:210]]), 90, 1.25),
        (movies.cycle(7), 0, None),
        (np.concatenate([movies.frozen(movies.picture(20, 20))[:80], movies.noise()[:220]]), 81, None),
    ],
    ids=["static", "periodic", "translating", "from the start", "noise after rest"],
)
def test_transients_and_speeds(movie: np.ndarray, transient: int, speed: float | None) -> None:
    measured, _ = measure(movie)
    assert measured["speed"] == speed
    if measured["behavior"] in ("noisy", "quiet"):
        # Noise may leave the range that it has in the tail now and then.
        assert isinstance(measured["transient"], int)
        assert measured["transient"] >= transient - 1
    else:
        assert measured["transient"] == transient


@given(st.integers(0, 100), st.integers(1, 50), st.integers(1, 50), st.integers(2, 20))
def test_counts_are_numpys(seed: int, height: int, width: int, frames: int) -> None:
    movie = np.random.default_rng(seed).integers(0, 32, (frames, height, width), dtype=np.uint8)
    first, second = np.random.default_rng(seed).integers(0, frames, (2, 10))
    expected = [(movie[s] == movie[t]).sum() for s, t in zip(first, second, strict=True)]
    assert MatchCounter(movie).matches(first, second).tolist() == expected
    assert count_tokens(movie).tolist() == [np.bincount(f.ravel(), minlength=32).tolist() for f in movie]
    transitions = np.zeros((32, 32), dtype=int)
    np.add.at(transitions, (movie[:-1].ravel(), movie[1:].ravel()), 1)
    assert count_transitions(movie).tolist() == transitions.tolist()


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([7], 0), ([0, 3, 0], 0), ([1, 1], 1), ([5] * 32, 5), ([1, 1, 2], 1.5), ([1, 3], 2 - 0.75 * math.log2(3))],
)
def test_entropy_in_closed_form(counts: list[int], bits: float) -> None:
    value = entropy(np.array(counts))
    assert value == pytest.approx(bits, abs=1e-9)
    assert math.copysign(1, value) == 1


def test_block_and_conditional_entropy_in_closed_form() -> None:
    checkers = np.indices((8, 8)).sum(axis=0) % 2
    frames = np.repeat(checkers[None], 16, axis=0).astype(np.uint8)
    assert block_entropy(frames) == 1
    assert block_entropy(np.zeros_like(frames)) == 0
    assert block_entropy(np.arange(4, dtype=np.uint8).reshape(1, 2, 2)) == 2
    assert conditional_entropy(np.diag([5] * 32)) == 0
    assert conditional_entropy(np.ones((32, 32), dtype=np.int64)) == 5
    assert conditional_entropy(np.array([[1, 1], [0, 2]])) == 0.5


def test_compression_ratios_of_nothing_and_of_noise() -> None:
    still, random = measure(movies.uniform())[0], measure(movies.noise(40, 40))[0]
    assert isinstance(still["compression_ratio"], float)
    assert isinstance(random["compression_ratio"], float)
    assert still["compression_ratio"] < 0.001
    assert 5 / 8 <= random["compression_ratio"] < 0.68  # 32 equally likely tokens are 5 of 8 bits


def test_a_still_movie_has_no_change_and_one_changing_cell_counts_once() -> None:
    movie = movies.frozen(movies.picture(10, 10))
    assert measure(movie)[0]["mean_change"] == 0
    movie[200:, 4, 4] ^= 1
    assert measure(movie)[1].changed.nonzero()[0].tolist() == [200]


def test_damage_of_a_light_cone_has_its_speed_and_share() -> None:
    """A square of damage that grows by one cell a frame to each side, on a movie of two equally frequent tokens."""
    base = np.indices((REPLICA_FRAMES, 20, 40)).sum(axis=0).astype(np.uint8) % 2
    replica = base.copy()
    distance = np.maximum(abs(np.arange(20) - 10)[:, None], abs(np.arange(40) - 20)[None, :])
    for t in range(32, REPLICA_FRAMES):
        replica[t][distance <= t - 32] ^= 1
    damage = measure_damage(base, replica, Flip(32, 10, 20))
    assert damage == Damage(share=1.0, independent=0.5, speed=1.0)
    assert measure_damage(base, base, Flip(32, 10, 20)) == Damage(0.0, 0.5, 0.0)


def test_damage_on_the_torus_is_as_near_over_the_edge() -> None:
    base = np.zeros((112, 8, 8), dtype=np.uint8)
    replica = base.copy()
    replica[5:, 7, 7] = 1
    assert measure_damage(base, replica, Flip(0, 0, 0)).speed == 0
    replica[5:, 6, 6] = 1
    assert measure_damage(base, replica, Flip(0, 0, 0)) == Damage(2 / 64, 0.0, 2 / 5)


def test_damage_and_states_of_a_recipe(centroids: torch.Tensor) -> None:
    rule = draw_rule(Population(1), 33)
    flip = flip_in_the_middle(rule)
    tokens, replica = simulate(rule, centroids, 150), simulate(rule, centroids, REPLICA_FRAMES, flip=flip)
    assert np.array_equal(tokens[:32], replica[:32])
    damage = measure_damage(tokens, replica, flip)
    assert damage.share == pytest.approx(np.mean(tokens[96:112] != replica[96:]))
    shares = np.bincount(tokens[96:112].ravel()) / tokens[96:112].size
    assert damage.independent == pytest.approx(1 - (shares**2).sum())
    *_, state = hidden_states(rule, 17)
    statistics = measure_states(rule, centroids)
    assert statistics == state_statistics(state, centroids)
    assert statistics.saturation == np.mean(abs(state) == 1024)
    cosines = np.sort(state.reshape(-1, 16) / 1024 @ centroids.double().numpy().T, axis=1)
    assert statistics.clear_tokens == pytest.approx(np.mean(cosines[:, -1] >= 1.1 * cosines[:, -2] - 1e-12))


@pytest.mark.parametrize("side", [MIN_SIDE, MAX_SIDE])
def test_the_smallest_and_the_largest_grid_have_labels_that_their_columns_hold(
    centroids: torch.Tensor, side: int
) -> None:
    rule = draw_rule(Population(1, smallest_side=side, largest_side=side), 33)
    flip = flip_in_the_middle(rule)
    tokens, replica = simulate(rule, centroids, 129), simulate(rule, centroids, REPLICA_FRAMES, flip=flip)
    metrics, curves = measure(tokens, measure_damage(tokens, replica, flip), measure_states(rule, centroids))
    assert all(value is None or isinstance(value, str) or math.isfinite(value) for value in metrics.values())
    identity = {"rollout_id": "set1/000033", "set_name": "set1", "rollout_index": 33, "cells": side**2}
    [row] = to_table([identity | vars(curves)], CURVE_COLUMNS).to_dicts()
    assert row["differing"] == curves.differing.tolist()
    assert 0 < max(row["differing"]) <= side**2


@given(
    st.integers(0, 1000),
    st.sampled_from(["cycle", "rhythm", "noise", "settling", "gliders", "stream", "breathers", "turbulence"]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_columns_do_not_depend_on_names_places_or_directions(seed: int, kind: str, shift: tuple[int, int]) -> None:
    movie = {
        "cycle": lambda: movies.cycle(5, 10, 11),
        "rhythm": lambda: movies.flickering(movies.cycle(9, 10, 11), 0.01, seed),
        "noise": lambda: movies.noise(10, 11, seed),
        "settling": lambda: movies.settling(10, 11, seed),
        "gliders": movies.gliders,
        "stream": movies.stream,
        "breathers": lambda: movies.flickering(movies.breathers(movies.blinking(4, 5), 12), 0.005, seed),
        "turbulence": lambda: movies.turbulence(16, 20, seed),
    }[kind]()
    expected = unnamed(movie)
    permutation = np.random.default_rng(seed).permutation(32).astype(np.uint8)
    for same in (permutation[movie], np.roll(movie, shift, axis=(1, 2))):
        assert unnamed(same) == pytest.approx(expected, abs=1e-9)
    for same in (movie.transpose(0, 2, 1), movie[:, ::-1]):
        assert undirected(same) == pytest.approx(undirected(movie), abs=1e-9)


def undirected(movie: np.ndarray) -> dict[str, object]:
    """All metrics but those that mirroring and transposing turn as well."""
    return {n: v for n, v in unnamed(movie).items() if n not in ("dy", "dx", "wave_direction")}


def unnamed(movie: np.ndarray) -> dict[str, object]:
    """All metrics but those that look at a token's name or at the order of bytes."""
    return {n: v for n, v in measure(movie)[0].items() if n not in ("top_token", "compression_ratio")}


def test_every_metric_is_a_column() -> None:
    names = [column.name for column in LABEL_COLUMNS]
    measured = list(measure(movies.noise())[0])
    assert names[names.index("behavior") :] == measured
