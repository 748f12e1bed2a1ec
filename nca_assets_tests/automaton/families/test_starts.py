"""Starts that families share: mostly noise, else patches, sparse cells or seeds; and marks."""

from collections import Counter

import numpy as np
import pytest

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.families.starts import PATCHES, SPARSE, anywhere, marked, start_of
from nca_assets.automaton.start import Start


def test_kinds_are_drawn_in_sixteenths() -> None:
    drawn = Counter(anywhere(Draws(1, index), 20, 20).kind for index in range(3200))
    for kind, share in {"noise": 10, "patches": 3, "sparse": 2, "seeds": 1}.items():
        assert drawn[kind] == pytest.approx(200 * share, rel=0.2)


def test_each_kind_is_what_it_says() -> None:
    def starts(kind: str) -> list[Start]:
        return [start_of(kind, Draws(2, index), 20, 30, quiet=(1,)) for index in range(300)]

    assert {start.patch for start in starts("patches")} == set(range(PATCHES[0], PATCHES[1] + 1))
    assert {start.density for start in starts("sparse")} <= set(range(SPARSE[0], SPARSE[1] + 1))
    assert {start.density for start in starts("seeds")} == {0}
    assert {len(start.seeds) for start in starts("seeds")} == set(range(1, 2 + 20 * 30 // 120 + 1))
    assert {start.density for start in starts("noise") + starts("patches")} == {256}
    assert {start.quiet for start in starts("noise") + starts("seeds")} == {(1,)}


@pytest.mark.parametrize("kind", ["noise", "patches", "sparse", "ground"])
def test_marks_cover_about_what_they_are_to_cover(kind: str) -> None:
    start = marked(kind, Draws(3, 3), 48, 48, field=4, sides=(1, 3), of_256=30)
    assert start.kind == kind
    assert start.marked == 4
    area = sum(tall * wide for _, _, tall, wide in start.marks)
    assert area / 48**2 == pytest.approx(30 / 256, rel=0.3)
    assert (start.density == 0) == (kind == "ground")


def test_there_are_two_marks_at_least() -> None:
    start = marked("ground", Draws(4, 4), 8, 8, field=4, sides=(3, 5), of_256=1)
    assert len(start.marks) == 2
    assert np.array(start.marks)[:, 2:].min() >= 3
