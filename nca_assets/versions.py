"""Versions of the definitions that determine content; each is part of the code version of its asset.

Raise one whenever the same inputs would give different bytes or numbers.
"""

RECIPE_VERSION = 2
"""How a rollout follows from (set, index)."""

VOCABULARY_VERSION = 2
"""How the centroids are learned."""

LABEL_VERSION = 2
"""How metrics and classes follow from tokens."""
