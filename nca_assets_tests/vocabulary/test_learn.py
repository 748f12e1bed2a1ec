"""The learned vocabulary is the same bytes on every machine."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nca_assets.vocabulary.centroids import digest, is_on_lattice
from nca_assets.vocabulary.learn import fit_centroids, learn_centroids, sample_states

pytestmark = pytest.mark.slow

FIT = """
import sys, numpy, torch
torch.set_num_threads({threads})
from nca_assets.vocabulary.learn import fit_centroids
from nca_assets.vocabulary.centroids import digest
print(digest(fit_centroids(numpy.load(sys.argv[1], allow_pickle=False))))
"""


@pytest.mark.usefixtures("threads")
def test_learning_gives_the_golden_vocabulary(centroids: torch.Tensor) -> None:
    steps = []
    learned = learn_centroids(progress=lambda done, total: steps.append((done, total)))
    assert digest(learned) == digest(centroids)
    assert steps == [(block, 16) for block in range(1, 17)]


def test_threads_and_processor_features_do_not_matter(tmp_path: Path) -> None:
    """1 and 2 threads, and linear algebra as on older processors."""
    states = np.concatenate([sample_states(block) for block in (1, 2, 3, 4)])
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
    assert is_on_lattice(centroids)
    cosines = centroids @ centroids.T - 2 * torch.eye(32)
    assert cosines.max() < 0.95


def test_states_are_sampled_evenly_over_rollouts_and_frames() -> None:
    states = sample_states(0)
    assert states.shape == (8 * 7 * 64, 16)
    assert states.dtype == np.float64
    assert (states * 1024 == np.rint(states * 1024)).all()
