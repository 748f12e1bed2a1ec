"""Metrics of one rollout, each a plain number; ``docs/LABELS.md`` defines them.

d(s, t) is the share of cells whose tokens differ between frames s and t. Shares are quotients of integer counts, and
entropies are rounded to 1e-9 bits, so that labels are equal on every machine.
"""

from __future__ import annotations

import math

import numpy as np
import zstandard
from numpy.typing import NDArray
from torch import Tensor

from nca_assets.automaton.recipe import Rule
from nca_assets.labels.behavior import SAMPLED, TAIL, Behavior, Traits, classify, frozen_share
from nca_assets.labels.counting import Counts, Frames, count_transitions
from nca_assets.labels.curves import ENTROPY_STEPS, Curves
from nca_assets.labels.damage import Damage, flip_in_the_middle, measure_damage
from nca_assets.labels.ground import IN_PLACE, Ground
from nca_assets.labels.learnability import measure_learnability
from nca_assets.labels.matching import MatchCounter
from nca_assets.labels.motion import renamed_change, synchrony
from nca_assets.labels.rhythm import recovery
from nca_assets.labels.schema import ENTROPY_FRAMES, SIMILARITY_LAGS, SIMILARITY_STARTS
from nca_assets.labels.states import StateStatistics, measure_states
from nca_assets.labels.translation import Shift, moved, repeats

Value = str | int | float | None

ZSTD_LEVEL = 3


def measure_simulated(
    rule: Rule, tokens: Frames, replica: Frames, centroids: Tensor
) -> tuple[dict[str, Value], Curves]:
    """As ``measure``, with the damage to the ``replica`` of a rollout, which differs by a flip in the middle, and with
    its states. ``centroids`` is float32 (32, 16) in fixed point."""
    damage = measure_damage(tokens, replica, flip_in_the_middle(rule))
    return measure(tokens, damage, measure_states(rule, centroids))


def measure(
    tokens: Frames, damage: Damage | None = None, states: StateStatistics | None = None
) -> tuple[dict[str, Value], Curves]:
    """All metrics and the class of a rollout (frames, height, width), under the names of ``schema.LABEL_COLUMNS``, and
    its curves. Metrics that need ``damage`` or ``states`` are null without them."""
    tokens = np.ascontiguousarray(tokens)
    counter = MatchCounter(tokens)
    traits = Traits.of(tokens, counter)
    by_frame, space, ground, travel = traits.counts, traits.space, traits.ground, traits.travel
    curves, counts = Curves.of(counter, by_frame), by_frame.sum(axis=0)
    behavior, learned = classify(tokens, traits), measure_learnability(tokens)
    tail, cells, changed = tokens[-TAIL:], tokens[0].size, curves.changed[1:]

    def share(steps: NDArray[np.int64]) -> float:
        return int(steps.sum()) / (len(steps) * cells)

    return {
        "behavior": behavior.name,
        "period": behavior.period,
        "dy": behavior.dy,
        "dx": behavior.dx,
        "speed": _speed(behavior),
        "transient": transient(tokens, behavior, changed),
        "mean_change": share(changed),
        "tail_change": share(changed[-TAIL:]),
        "early_change": share(changed[:16]),
        "late_change": share(changed[99:]),
        "change_48_112": int(np.count_nonzero(tokens[48] != tokens[112])) / cells,
        "change_renamed_48_112": renamed_change(tokens[48], tokens[112]),
        "frozen_share": frozen_share(tail),
        "domains": space.domains,
        "correlation_length": space.correlation_length,
        "wavelength": space.wavelength,
        "wave_direction": space.wave_direction,
        "ground_share": ground.share,
        "ground_still": ground.still,
        "objects": ground.objects,
        "object_size": ground.object_size,
        "objects_in_place": ground.home,
        "object_speed": _object_speed(ground),
        "synchrony": synchrony(tail[:-1:SAMPLED], tail[1::SAMPLED]),
        "traveling": travel.share,
        "streaming": travel.one_way,
        "token_entropy": entropy(counts),
        "tail_entropy": int(curves.entropy[-TAIL:].sum()) / (TAIL * ENTROPY_STEPS),
        "block_entropy": block_entropy(tail[::SAMPLED]),
        "conditional_entropy": conditional_entropy(count_transitions(tokens)),
        **{f"entropy_{t}": entropy(by_frame[t]) if t < len(tokens) else None for t in ENTROPY_FRAMES},
        "tokens_used": int(np.count_nonzero(counts)),
        "top_token": int(counts.argmax()),
        "top_token_share": int(counts.max()) / int(counts.sum()),
        "compression_ratio": len(zstandard.compress(tokens.tobytes(), ZSTD_LEVEL)) / tokens.size,
        "student": learned and learned.student,
        "noise_bits": learned and learned.noise,
        "learnable_bits": learned and learned.learnable,
        "epiplexity": learned and learned.epiplexity,
        "difficulty": learned and learned.difficulty,
        "rhythm_prominence": float(recovery(traits.lag_match).max()),
        **_similarities(counter),
        "damage": damage and damage.share,
        "damage_independent": damage and damage.independent,
        "damage_speed": damage and damage.speed,
        "saturation": states and states.saturation,
        "clear_tokens": states and states.clear_tokens,
    }, curves


def transient(tokens: Frames, behavior: Behavior, changed: NDArray[np.int64]) -> int:
    """The first frame from which the rollout behaves as in its tail.

    If every frame of the tail equals the (shifted) frame a period earlier, the frame from which that holds. Else the
    frame from which the number of changing cells stays within its range in the tail.
    """
    shift = Shift(behavior.period or 1, behavior.dy or 0, behavior.dx or 0)
    if repeats(tokens[-TAIL:], shift):
        as_before = (tokens[shift.period :] == moved(tokens[: -shift.period], shift)).all(axis=(1, 2))
        return _end_of(~as_before)
    tail = changed[-(TAIL - 1) :]
    return _end_of((changed < tail.min()) | (changed > tail.max()))


def _end_of(frames: NDArray[np.bool_]) -> int:
    """The index after the last True, or 0."""
    found = np.flatnonzero(frames)
    return int(found[-1]) + 1 if len(found) else 0


def entropy(counts: Counts) -> float:
    """Shannon entropy, in bits, of the distribution given by ``counts``; 0 if a single value occurs."""
    shares = counts[counts > 0] / counts.sum()
    return abs(round(float((shares * np.log2(shares)).sum()), 9))


def block_entropy(frames: Frames) -> float:
    """The entropy, in bits, of the 2x2 blocks of frames (frames, height, width), with a corner in every cell."""
    right = np.roll(frames, -1, axis=2)
    pairs = frames.astype(np.uint32) * 256 + right
    blocks = pairs * 65536 + np.roll(pairs, -1, axis=1)
    return entropy(np.unique(blocks, return_counts=True)[1])


def conditional_entropy(transitions: Counts) -> float:
    """H(x_{t+1} | x_t) of a cell's token, in bits, from its transition counts (32, 32)."""
    return round(entropy(transitions.ravel()) - entropy(transitions.sum(axis=1)), 9) + 0.0


def _speed(behavior: Behavior) -> float | None:
    if behavior.dy is None or behavior.dx is None or behavior.period is None:
        return None
    return math.hypot(behavior.dy, behavior.dx) / behavior.period


def _object_speed(ground: Ground) -> float | None:
    if ground.shift:
        return math.hypot(ground.shift.dy, ground.shift.dx) / ground.shift.period
    return 0.0 if ground.home is not None and ground.home >= IN_PLACE else None


def _similarities(counter: MatchCounter) -> dict[str, Value]:
    """The share of cells with X_s = X_{s+L}; null where frame s + L is beyond the last."""
    pairs = [(start, lag) for start in SIMILARITY_STARTS for lag in SIMILARITY_LAGS if start + lag < counter.frames]
    first = np.array([start for start, _ in pairs])
    matches = counter.matches(first, first + np.array([lag for _, lag in pairs])) / counter.cells
    found: dict[tuple[int, int], float] = dict(zip(pairs, matches.tolist(), strict=True))
    return {
        f"similarity_{start}_{lag}": found.get((start, lag)) for start in SIMILARITY_STARTS for lag in SIMILARITY_LAGS
    }
