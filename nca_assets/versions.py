"""Versions of what decides content; each is part of the code version of the asset that it shapes.

Raise one whenever the same inputs would give other bytes or other numbers than before.
"""

RECIPE_VERSION = 0
"""How a rollout follows from (set, index). 0 until the mix of gains, scales and leaks is calibrated and frozen."""

VOCABULARY_VERSION = 0
"""How the centroids are learned."""

LABEL_VERSION = 0
"""How metrics and classes follow from tokens."""
