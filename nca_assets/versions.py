"""Versions of what decides content; each is part of the code version of the asset that it shapes.

Raise one whenever the same inputs would give other bytes or other numbers than before.
"""

RECIPE_VERSION = 2
"""How a rollout follows from (set, index)."""

VOCABULARY_VERSION = 2
"""How the centroids are learned."""

LABEL_VERSION = 2
"""How metrics and classes follow from tokens."""
