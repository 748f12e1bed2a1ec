"""Versions of the definitions that determine content; each is part of the code version of its asset.

Raise one whenever the same inputs would give different bytes or numbers.
"""

RECIPE_VERSION = 2
"""How a rollout follows from (set, index)."""

VOCABULARY_VERSION = 2
"""How the centroids are learned."""

LABEL_VERSION = 3
"""How metrics and classes follow from tokens."""

VERSIONS_DATE = "2026-11-25"
"""The day since which these versions are the present ones. A published dataset bears it, not the day on which it is
published, so that the same data give the same bytes."""

CENTROIDS_CODE = f"recipe {RECIPE_VERSION}, vocabulary {VOCABULARY_VERSION}"
"""Code version of the vocabulary."""

IMPORT_CODE = "1"
"""Code version of imported shards."""


def shards_code(recipe_version: int) -> str:
    """Code version of shards of a recipe."""
    return f"recipe {recipe_version}"


def labels_code(label_version: int, recipe_version: int | None) -> str:
    """Code version of labels, of imported shards if there is no recipe."""
    labels = f"labels {label_version}"
    return labels if recipe_version is None else f"{shards_code(recipe_version)}, {labels}"
