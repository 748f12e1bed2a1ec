"""A release promises digests, which any machine recomputes from nothing but the package."""

import tomllib

import pytest
import torch

from nca_assets.automaton.population import FAMILY_SHARES
from nca_assets.automaton.recipe import draw_rule
from nca_assets.cli import verification
from nca_assets.description import card_sets
from nca_assets.errors import NcaError
from nca_assets.ids import RolloutId
from nca_assets.release import FRAMES, NOT_OURS, Release, differences, labels_digest, read_release
from nca_assets.settings import Resources
from nca_assets.versions import LABEL_VERSION, RECIPE_VERSION
from nca_assets_tests.conftest import PROJECT


@pytest.fixture
def release() -> Release:
    return read_release()


@pytest.fixture
def few(release: Release) -> Release:
    """The same with the first two of its rollouts."""
    return release.model_copy(update={"rollouts": dict(list(release.rollouts.items())[:2])})


def other(digest: str) -> str:
    return ("0" if digest[0] != "0" else "1") + digest[1:]


def test_it_is_of_this_package_its_recipe_its_labels_and_the_learned_vocabulary(
    release: Release, centroids: torch.Tensor
) -> None:
    """Where this fails for a reason, write it anew: python -m nca_assets_tests.release_digests."""
    assert release.version == tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert (release.recipe, release.labels) == (RECIPE_VERSION, LABEL_VERSION)
    assert torch.equal(release.vocabulary, centroids)


@pytest.mark.slow
def test_it_has_a_rollout_of_every_family_in_every_set(release: Release) -> None:
    sets = card_sets(FRAMES)
    rollouts = [RolloutId.parse(name) for name in release.rollouts]
    drawn = {(r.set, draw_rule(sets[r.set].population, r.index).scalars.family) for r in rollouts}
    assert drawn == {(name, family) for name in sets for family, _ in FAMILY_SHARES}
    assert len(drawn) == len(rollouts)


def test_what_is_recomputed_equals_it(few: Release, resources: Resources) -> None:
    done: list[tuple[int, int]] = []
    assert differences(few, resources, lambda *counts: done.append(counts)) == []
    assert done == [(1, 2), (2, 2)]


def test_a_difference_names_the_rollout_and_what_differs(few: Release, resources: Resources) -> None:
    first, second = few.rollouts
    few.rollouts[first].tokens = other(few.rollouts[first].tokens)
    few.rollouts[second].labels = other(few.rollouts[second].labels)
    wrong = {name: digests.model_copy() for name, digests in few.rollouts.items()}
    findings = differences(few, resources)
    assert [finding.split(" is ")[0] for finding in findings] == [
        f"{first}: the digest of its tokens",
        f"{second}: the digest of its labels",
    ]
    assert findings[0].endswith(f"not {wrong[first].tokens[:12]}")


def test_another_recipe_is_no_rollout_that_differs(few: Release, resources: Resources) -> None:
    [finding] = differences(few.model_copy(update={"recipe": 1}), resources)
    assert f"the code has recipe {RECIPE_VERSION}" in finding
    assert f"release {few.version} recipe 1" in finding


def test_the_digest_of_labels_is_that_of_six_digits() -> None:
    labels = {"behavior": "noisy", "period": None, "domains": 0.1 + 0.2, NOT_OURS: 0.5}
    assert labels_digest(labels) == labels_digest(labels | {"domains": 0.3, NOT_OURS: 0.25})
    for change in ({"domains": 0.30001}, {"behavior": "static"}, {"period": 0}):
        assert labels_digest(labels) != labels_digest(labels | change)


def test_the_command_says_it_in_a_line_and_fails_on_a_difference(
    few: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nca_assets.release.read_release", lambda: few)
    verification.verify(release=True)
    assert capsys.readouterr().out == f"2 rollouts recomputed, all equal to release {few.version}\n"
    first, *_ = few.rollouts
    few.rollouts[first].tokens = other(few.rollouts[first].tokens)
    with pytest.raises(NcaError, match=f"this machine differs from release {few.version}: 1 difference"):
        verification.verify(release=True)
    assert capsys.readouterr().err.startswith(f"{first}: the digest of its tokens is ")
