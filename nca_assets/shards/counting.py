"""How often each token occurs in a rollout, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled

TABLES = 4


def token_counts(tokens: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of 256 tokens occurs in a rollout (frames, height, width): int64 (256,)."""
    return _count(tokens.ravel(order="K"))


@compiled
def _count(tokens: Any) -> Any:
    # In turns over several tables: adding to the number that was just written waits for it, and neighbors are alike.
    counts = np.zeros((TABLES, 256), dtype=np.int64)
    for cell in range(tokens.size):
        counts[cell % TABLES, tokens[cell]] += 1
    return counts.sum(axis=0)
