"""The digests that this release promises: rollouts of every set and family, which any machine must reproduce.

``release.json`` holds them with the vocabulary they follow from, so no data are needed to recompute them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.recipe import Rule, draw_rule
from nca_assets.description import card_sets
from nca_assets.ids import RolloutId
from nca_assets.labels.damage import REPLICA_FRAMES, flip_in_the_middle
from nca_assets.labels.metrics import Value, measure_simulated
from nca_assets.progress import Progress, unwatched
from nca_assets.settings import Resources
from nca_assets.shards.manifest import rollout_digest
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION

FILE = Path(__file__).with_name("release.json")

FRAMES = 500

NOT_OURS = "compression_ratio"
"""The label that also depends on the installed version of zstd."""


class Digests(BaseModel):
    """SHA-256, in hex, of a rollout's tokens and of its labels (``labels_digest``)."""

    tokens: str
    labels: str


class Release(BaseModel):
    """A release: its version and those of recipe and labels, its vocabulary as 32 lines of 16 integers in units of
    1/1024, and the digests of some rollouts by name."""

    version: str
    recipe: int
    labels: int
    centroids: list[str]
    rollouts: dict[str, Digests]

    @property
    def vocabulary(self) -> Tensor:
        """The centroids: float32 (32, 16)."""
        return torch.tensor([[int(unit) for unit in line.split()] for line in self.centroids]) / STATE_ONE


def read_release() -> Release:
    """The release that this installation is of."""
    return Release.model_validate_json(FILE.read_text(encoding="utf-8"))


def differences(release: Release, resources: Resources, progress: Progress = unwatched) -> list[str]:
    """Recompute the rollouts of ``release`` on this machine; returns a line for each that differs, none if all agree.

    ``progress`` is called with the rollouts done and the total.
    """
    if (release.recipe, release.labels) != (RECIPE_VERSION, LABEL_VERSION):
        return [
            f"the code has recipe {RECIPE_VERSION} and labels {LABEL_VERSION}, release {release.version} recipe "
            f"{release.recipe} and labels {release.labels}"
        ]
    found = []
    for done, (name, made) in enumerate(recomputed(release.rollouts, release.vocabulary, resources), start=1):
        for what, promised in release.rollouts[name]:
            if (ours := getattr(made, what)) != promised:
                found.append(f"{name}: the digest of its {what} is {ours[:12]}, not {promised[:12]}")
        progress(done, len(release.rollouts))
    return found


def recomputed(names: Iterable[str], centroids: Tensor, resources: Resources) -> Iterator[tuple[str, Digests]]:
    """Simulate and label these rollouts of the card's sets, in order."""
    names, sets, machine = list(names), card_sets(FRAMES), choose_machine(resources)
    rollouts = [RolloutId.parse(name) for name in names]
    rules = [draw_rule(sets[rollout.set].population, rollout.index) for rollout in rollouts]
    tokens = list(simulate_each(rules, centroids, FRAMES, machine, lambda _, tokens: tokens))
    place = {(rule.scalars.seed, rule.scalars.index): number for number, rule in enumerate(rules)}

    def digests(rule: Rule, replica: NDArray[np.uint8]) -> Digests:
        ours = tokens[place[rule.scalars.seed, rule.scalars.index]]
        labels, _ = measure_simulated(rule, ours, replica, centroids)
        return Digests(tokens=rollout_digest(ours), labels=labels_digest(labels))

    made = simulate_each(rules, centroids, REPLICA_FRAMES, machine, digests, flip_in_the_middle)
    yield from zip(names, made, strict=True)


def labels_digest(labels: Mapping[str, Value]) -> str:
    """SHA-256, in hex, of labels by name as JSON; floats to six digits, since libraries may round the last ones
    differently, and without ``NOT_OURS``."""
    rounded = {
        name: f"{value:.6g}" if isinstance(value, float) else value
        for name, value in labels.items()
        if name != NOT_OURS
    }
    return hashlib.sha256(json.dumps(rounded, sort_keys=True).encode()).hexdigest()
