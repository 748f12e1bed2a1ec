"""Metrics of one rollout's tokens, each a plain number.

d(s, t) is the share of cells whose tokens differ between frames s and t. Shares are quotients of integer counts, and
entropies are rounded to 1e-9 bits, so that labels are equal on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nca_assets.automaton.lattice import TOKENS
from nca_assets.labels.behavior import TAIL, Tokens, classify, lag_match_curve, rise_above_minimum

Value = str | int | float | None


def measure(tokens: Tokens) -> dict[str, Value]:
    """Every metric and the class of a rollout (frames, height, width), under the names of ``schema.LABEL_COLUMNS``."""
    changed = changed_cells(tokens)
    counts = token_counts(tokens)
    lag_match = lag_match_curve(tokens)
    behavior = classify(tokens, lag_match)
    cells = tokens[0].size

    def share(steps: NDArray[np.int64]) -> float:
        return int(steps.sum()) / (len(steps) * cells)

    return {
        "behavior": behavior.name,
        "period": behavior.period,
        "dy": behavior.dy,
        "dx": behavior.dx,
        "mean_change": share(changed),
        "tail_change": share(changed[-TAIL:]),
        "early_change": share(changed[:16]),
        "late_change": share(changed[99:]),
        "change_48_112": int(np.count_nonzero(tokens[48] != tokens[112])) / cells,
        "token_entropy": entropy(counts),
        "tokens_used": int(np.count_nonzero(counts)),
        "rhythm_prominence": float(rise_above_minimum(lag_match).max()),
    }


def changed_cells(tokens: Tokens) -> NDArray[np.int64]:
    """How many cells differ between frames t - 1 and t, for t = 1 … frames - 1: int64 (frames - 1,)."""
    return np.count_nonzero(tokens[1:] != tokens[:-1], axis=(1, 2))


def token_counts(tokens: Tokens) -> NDArray[np.int64]:
    """How often each of the 32 tokens occurs: int64 (32,)."""
    return np.bincount(tokens.ravel(), minlength=TOKENS)


def entropy(counts: NDArray[np.int64]) -> float:
    """Shannon's entropy, in bits, of the distribution that ``counts`` gives; 0 when a single value occurs."""
    shares = counts[counts > 0] / counts.sum()
    return abs(round(float((shares * np.log2(shares)).sum()), 9))
