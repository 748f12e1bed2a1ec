"""Versions of what decides content; each is part of the code version of the asset that it shapes.

Raise one whenever the same inputs would give other bytes or other numbers than before.
"""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

RECIPE_VERSION = 2
"""How a rollout follows from (set, index)."""

VOCABULARY_VERSION = 2
"""How the centroids are learned."""

LABEL_VERSION = 2
"""How metrics and classes follow from tokens."""


@cache
def code_version() -> str:
    """The release and a digest of this package's sources, like 0.1.0+3f2a9c81."""
    package, digest = Path(__file__).parent, sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return f"{version('nca-assets')}+{digest.hexdigest()[:8]}"
