"""Movies of hidden states, read by field."""

import numpy as np

from nca_assets.automaton.compiled import hidden_states
from nca_assets.automaton.recipe import Rule
from nca_assets_tests.automaton.rules import rules_of

MARK = 4

Movie = dict[int, np.ndarray]
"""Of each field, int16 (frames, height, width): the first channel that carries it."""


def movie_of(rule: Rule, frames: int) -> Movie:
    states = np.stack(list(hidden_states(rule, frames)))
    return {field: states[..., rule.fields.index(field)] for field in sorted(set(rule.fields))}


def movies_of(name: str, count: int, frames: int) -> list[Movie]:
    return [movie_of(rule, frames) for rule in rules_of(name, count)]
