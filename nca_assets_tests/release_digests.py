"""Writes the digests that a release promises: python -m nca_assets_tests.release_digests, on any machine.

Due when the version of the package, the recipe or the labels is raised; a test says so.
"""

import tomllib
from collections.abc import Iterator

from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.recipe import draw_rule
from nca_assets.description import card_sets
from nca_assets.ids import RolloutId
from nca_assets.release import FILE, FRAMES, Release, recomputed
from nca_assets.settings import Resources, load
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets.vocabulary.centroids import read_centroids
from nca_assets_tests.conftest import GOLDEN, PROJECT


def first_of_each_family() -> Iterator[RolloutId]:
    """Of each of the card's sets, the first rollout of every family, by index."""
    for name, rollout_set in card_sets(FRAMES).items():
        left, index = set(rollout_set.families), 0
        while left:
            family = draw_rule(rollout_set.population, index).scalars.family
            if family in left:
                yield RolloutId(name, index)
                left.remove(family)
            index += 1


def promised() -> Release:
    centroids = read_centroids(GOLDEN / "centroids.pt")
    names = [str(rollout) for rollout in first_of_each_family()]
    return Release(
        version=tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"],
        recipe=RECIPE_VERSION,
        labels=LABEL_VERSION,
        centroids=[" ".join(map(str, row)) for row in (centroids * STATE_ONE).int().tolist()],
        rollouts=dict(recomputed(names, centroids, load(Resources))),
    )


if __name__ == "__main__":
    FILE.write_text(promised().model_dump_json(indent=1) + "\n")
