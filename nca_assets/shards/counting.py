"""How often each token occurs in a rollout, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.jit import compiled

TABLES = 4
"""Used in turn: neighbors often share a token, and a count has to be written before it can be read again."""


def token_counts(tokens: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of 256 tokens occurs in a rollout (frames, height, width): int64 (256,)."""
    return tally(tokens.ravel(order="K"), 256)


@compiled
def tally(tokens: Any, alphabet: Any) -> Any:
    """How often each of ``alphabet`` tokens occurs among ``tokens``, uint8 (n,): int64 (alphabet,)."""
    tables = np.zeros((TABLES, alphabet), dtype=np.int64)
    for cell in range(tokens.size):
        tables[cell % TABLES, tokens[cell]] += 1
    return tables.sum(axis=0)
