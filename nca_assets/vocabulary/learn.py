"""Learning the centroids: MiniBatchKMeans over hidden states of rollouts that no set contains.

Plain rules explore the whole space of states, so most tokens are theirs; the starts of all families add the states that
rules with structure share and dwell in. This makes a few tokens frequent.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from nca_assets.automaton.compiled import hidden_states
from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.catalog import PLAIN
from nca_assets.automaton.fixed_point import CHANNELS, STATE_ONE, TOKENS
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_initial_state, draw_rule, draw_rule_of
from nca_assets.automaton.shape import SHAPE_BLOCK, draw_shape
from nca_assets.ids import VOCABULARY_SEED
from nca_assets.progress import Progress, unwatched
from nca_assets.vocabulary.centroids import to_fixed_point

POPULATION = Population(VOCABULARY_SEED)
"""No set may use its seed."""

BLOCKS = 304
"""Blocks of 32 rollouts with one shape each."""

STARTS_PER_BLOCK = 2
SAMPLED_FRAMES = (8, 32, 128, 255)
STATES_PER_FRAME = 64
"""States taken per frame, so that large and small grids weigh the same."""


def learn_centroids(progress: Progress = unwatched) -> Tensor:
    """The vocabulary: float32 (32, 16) in fixed point. The same on every machine.

    ``progress`` is called with the blocks done and the total.
    """
    samples = []
    for block in range(BLOCKS):
        samples.append(sample_states(block))
        progress(block + 1, BLOCKS)
    return fit_centroids(np.concatenate(samples))


def sample_states(block: int) -> NDArray[np.float64]:
    """Hidden states of a block of the vocabulary's rollouts: float64 (384, 16) in [-1, 1].

    First those of a plain rule, frame by frame, then those of the starts of two rollouts of any family.
    """
    first = block * SHAPE_BLOCK
    rule = draw_rule_of(PLAIN, Draws(VOCABULARY_SEED, first), draw_shape(POPULATION, first))
    plain = hidden_states(rule, SAMPLED_FRAMES[-1] + 1)
    frames = [state for frame, state in enumerate(plain) if frame in SAMPLED_FRAMES]
    starts = [draw_initial_state(draw_rule(POPULATION, first + i)) for i in range(1, STARTS_PER_BLOCK + 1)]
    return np.concatenate([_evenly(state) for state in (*frames, *starts)]) / STATE_ONE


def _evenly(state: NDArray[np.int16]) -> NDArray[np.int16]:
    cells = state.reshape(-1, CHANNELS)
    return cells[np.arange(STATES_PER_FRAME) * len(cells) // STATES_PER_FRAME]


def fit_centroids(states: NDArray[np.float64]) -> Tensor:
    """Cluster states (n, 16) into 32 centroids: float32 (32, 16), normalized, in fixed point; the ground's comes first.

    float64 and a single thread leave differences between machines far below a fixed-point step.
    """
    from sklearn.cluster import MiniBatchKMeans

    kmeans = MiniBatchKMeans(TOKENS, random_state=0, batch_size=4096, max_iter=20)
    with threadpool_limits(1):
        kmeans.fit(states)
    centers = np.asarray(kmeans.cluster_centers_)
    ground = int(centers.sum(axis=1).argmin())
    order = [ground, *(i for i in range(TOKENS) if i != ground)]
    return to_fixed_point(torch.from_numpy(centers[order]))
