"""The learned vocabulary is the same bytes on every machine."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.automaton.compiled import hidden_states
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_initial_state, draw_rule
from nca_assets.vocabulary.centroids import digest, is_fixed_point
from nca_assets.vocabulary.learn import BLOCKS, fit_centroids, learn_centroids, sample_states
from nca_assets_tests.automaton.rules import rule_of
from nca_assets_tests.automaton.torch_reference import assign_tokens

pytestmark = pytest.mark.slow

FIT = """
import sys, numpy, torch
torch.set_num_threads({threads})
from nca_assets.vocabulary.centroids import digest
from nca_assets.vocabulary.learn import fit_centroids
print(digest(fit_centroids(numpy.load(sys.argv[1], allow_pickle=False))))
"""


@pytest.mark.usefixtures("threads")
@pytest.mark.long
def test_learning_gives_the_golden_vocabulary(centroids: torch.Tensor) -> None:
    steps = []
    learned = learn_centroids(progress=lambda done, total: steps.append((done, total)))
    assert digest(learned) == digest(centroids)
    assert steps == [(block, BLOCKS) for block in range(1, BLOCKS + 1)]


@pytest.mark.long
def test_threads_and_processor_features_do_not_matter(tmp_path: Path) -> None:
    """1 and 2 threads, and linear algebra as on older processors."""
    states = np.concatenate([sample_states(block) for block in range(8)])
    np.save(tmp_path / "states.npy", states)
    expected = digest(fit_centroids(states))
    for threads, cores in [(1, ""), (2, ""), (1, "Haswell"), (2, "Nehalem")]:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        if cores:
            environment["OPENBLAS_CORETYPE"] = cores
        code = FIT.format(threads=threads)
        command = [sys.executable, "-c", code, str(tmp_path / "states.npy")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected, (threads, cores)


def test_the_vocabulary_is_32_distinct_directions(centroids: torch.Tensor) -> None:
    assert is_fixed_point(centroids)
    cosines = centroids @ centroids.T - 2 * torch.eye(32)
    assert cosines.max() < 0.95


def test_the_ground_is_the_first_token(centroids: torch.Tensor) -> None:
    """All fields at -1, which the starts of most families share."""
    ground = -torch.ones(1, 16, 1, 1)
    assert assign_tokens(ground, centroids).item() == 0
    assert centroids[0].sum() == centroids.sum(dim=1).min() < -3.9


def test_states_are_sampled_evenly_over_frames_of_a_plain_rule_and_two_starts() -> None:
    states = sample_states(3)
    assert states.shape == (6 * 64, 16)
    assert states.dtype == np.float64
    assert (states * 1024 == np.rint(states * 1024)).all()
    frames = list(hidden_states(rule_of("plain", 0, 96), 256))
    starts = [draw_initial_state(draw_rule(Population(0), index)) for index in (97, 98)]
    for sampled, state in zip(
        states.reshape(6, 64, 16), [*(frames[t] for t in (8, 32, 128, 255)), *starts], strict=True
    ):
        cells = state.reshape(-1, 16)
        np.testing.assert_array_equal(sampled * 1024, [cells[n * len(cells) // 64] for n in range(64)])
