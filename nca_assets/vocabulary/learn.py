"""Learning the centroids: MiniBatchKMeans over hidden states of rollouts that no set contains."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from nca_assets.automaton.compiled import hidden_states
from nca_assets.automaton.lattice import CHANNELS, STATE_ONE, TOKENS
from nca_assets.automaton.recipe import SHAPE_BLOCK, Rule, draw_rule
from nca_assets.naming import VOCABULARY_SEED
from nca_assets.progress import Progress, unwatched
from nca_assets.vocabulary.centroids import to_lattice

BLOCKS = 16
"""Blocks of 32 rollouts, each block of one shape."""

ROLLOUTS_PER_BLOCK = 8
SAMPLED_FRAMES = (0, 8, 16, 32, 64, 128, 255)
STATES_PER_FRAME = 64
"""States taken from each rollout at each sampled frame, so that a large grid weighs no more than a small one."""


def learn_centroids(progress: Progress = unwatched) -> Tensor:
    """The vocabulary: float32 (32, 16) on the lattice. The same on every machine.

    ``progress`` is called with the blocks done and their number.
    """
    samples = []
    for block in range(BLOCKS):
        samples.append(sample_states(block))
        progress(block + 1, BLOCKS)
    return fit_centroids(np.concatenate(samples))


def sample_states(block: int) -> NDArray[np.float64]:
    """Hidden states of one block of the vocabulary's rollouts: float64 (states, 16) in [-1, 1]."""
    rules = [draw_rule(VOCABULARY_SEED, block * SHAPE_BLOCK + i) for i in range(ROLLOUTS_PER_BLOCK)]
    by_rollout = np.stack([_sample_rollout(rule) for rule in rules])
    return by_rollout.transpose(1, 0, 2, 3).reshape(-1, CHANNELS) / STATE_ONE


def _sample_rollout(rule: Rule) -> NDArray[np.int16]:
    """Its states at the sampled frames, at cells evenly spread: int16 (frames, cells, 16)."""
    states = hidden_states(rule, SAMPLED_FRAMES[-1] + 1)
    sampled = [state.reshape(-1, CHANNELS) for frame, state in enumerate(states) if frame in SAMPLED_FRAMES]
    evenly = np.arange(STATES_PER_FRAME) * len(sampled[0]) // STATES_PER_FRAME
    return np.stack([cells[evenly] for cells in sampled])


def fit_centroids(states: NDArray[np.float64]) -> Tensor:
    """Cluster directions of states (n, 16) into 32 centroids: float32 (32, 16), normalized, on the lattice.

    float64 and a single thread leave differences between machines far below the lattice's step.
    """
    from sklearn.cluster import MiniBatchKMeans

    lengths = np.sqrt((states**2).sum(axis=1, keepdims=True))
    directions = (states / np.where(lengths == 0, 1, lengths))[lengths[:, 0] > 0]
    kmeans = MiniBatchKMeans(TOKENS, random_state=0, batch_size=4096, max_iter=20)
    with threadpool_limits(1):
        kmeans.fit(directions)
    return to_lattice(torch.from_numpy(kmeans.cluster_centers_))
