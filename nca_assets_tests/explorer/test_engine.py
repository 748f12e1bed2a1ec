"""The explorer's engine, in WebAssembly, computes what the package computes, bit for bit."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nca_assets.automaton.compiled import simulate
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.automaton.recipe import Rule, draw_initial_state, draw_rule
from nca_assets.explorer.page import ENGINE
from nca_assets.shards.manifest import rollout_digest
from nca_assets_tests.automaton.rules import populations, specified_of, word
from nca_assets_tests.conftest import GOLDEN
from nca_assets_tests.explorer.build_engine import compile_engine
from nca_assets_tests.explorer.engine import Engine


@pytest.fixture(scope="module")
def engine(centroids: torch.Tensor) -> Engine:
    return Engine(centroids)


def test_the_committed_engine_is_the_compiled_source(tmp_path: Path) -> None:
    compile_engine(tmp_path / "engine.wasm")
    assert (tmp_path / "engine.wasm").read_bytes() == ENGINE.read_bytes(), "run 'make engine' and commit the result"


def test_golden_digests_of_all_families(engine: Engine) -> None:
    golden = json.loads((GOLDEN / "rollouts.json").read_text())
    families = set()
    for name, (digest, _) in golden.items():
        families.add(engine.draw(Population(1), int(name.removeprefix("set1/")))["family"])
        engine.frames(500)
        assert engine.digest == digest, name
    assert families == {family for family, _ in FAMILY_SHARES}


def require_same_rule(engine: Engine, population: Population, index: int) -> Rule:
    """Draw a rule in the engine and in the package."""
    rule, drawn = draw_rule(population, index), engine.draw(population, index)
    scalars = dataclasses.asdict(rule.scalars)
    assert {name: scalars[name] for name in drawn.keys() & scalars.keys()} == {
        name: drawn[name] for name in drawn.keys() & scalars.keys()
    }
    start = rule.start
    assert (start.kind, start.patch, start.density, len(start.seeds), len(start.marks)) == tuple(
        drawn[name] for name in ("kind", "patch", "density", "seeds", "marks")
    )
    assert drawn["words"] == specified_of(population, index).words
    arrays = rule.weights_in, rule.bias_in, rule.weights_out, rule.bias_out
    np.testing.assert_array_equal(engine.weights(), np.concatenate([array.ravel() for array in arrays]))
    return rule


@settings(max_examples=40)
@given(populations(largest=24), word)
@example(Population(2**32 - 1, (("plain", 1),), 4, 4), 2**32 - 1)
@example(Population(3, (("breathers", 1),), 128, 128), 5)
def test_any_rollout_of_any_population(
    engine: Engine, centroids: torch.Tensor, population: Population, index: int
) -> None:
    rule = require_same_rule(engine, population, index)
    tokens = simulate(rule, centroids, 6)
    np.testing.assert_array_equal(engine.frames(6), tokens)
    assert engine.digest == rollout_digest(tokens)


@pytest.mark.slow
def test_hundreds_of_rollouts_of_the_card(engine: Engine, centroids: torch.Tensor) -> None:
    families = set()
    for block in range(150):
        rule = require_same_rule(engine, Population(2), 32 * block + block % 32)
        engine.frames(40)
        assert engine.digest == rollout_digest(simulate(rule, centroids, 40)), rule.scalars
        families.add(rule.scalars.family)
    assert len(families) == len(FAMILY_SHARES)


@settings(max_examples=15)
@given(populations(largest=16), word, word, word, st.data())
def test_changes(
    engine: Engine,
    centroids: torch.Tensor,
    population: Population,
    index: int,
    start: int,
    noise: int,
    data: st.DataObject,
) -> None:
    """Another rollout's start and noise, and a flip: what a person does in the page, done by the package."""
    rule = draw_rule(population, index)
    height, width = rule.shape
    y, x, frame = (data.draw(st.integers(*ends)) for ends in ((1, height - 2), (1, width - 2), (0, 5)))
    flip = Flip(frame, y, x)

    def of(other: int) -> Rule:
        return dataclasses.replace(rule, scalars=dataclasses.replace(rule.scalars, index=other))

    expected = simulate(of(noise), centroids, 6, start=draw_initial_state(of(start)), flip=flip)
    engine.draw(population, index)
    np.testing.assert_array_equal(engine.frames(6, start=start, noise=noise, flip=flip), expected)


def test_without_noise_it_is_the_rule_alone(engine: Engine) -> None:
    """It makes no difference then whose noise it would be."""
    engine.draw(Population(1), 36)
    quiet, as_quiet = (engine.frames(30, noise=noise, noisy=False) for noise in (1, 2))
    np.testing.assert_array_equal(quiet, as_quiet)
    assert not np.array_equal(quiet, engine.frames(30))
