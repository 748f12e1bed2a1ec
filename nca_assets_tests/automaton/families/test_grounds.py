"""What families on a ground share: marks that last, grounds that rest or turn as a whole."""

import numpy as np
import pytest

from nca_assets_tests.automaton.families.movies import MARK, movies_of

ON_A_GROUND = (
    "excitable", "colonies", "breathers", "pulsing_breathers", "gliders", "pulsing_gliders", "lifelike",
)  # fmt: skip


@pytest.mark.parametrize("name", ["excitable", "breathers", "pulsing_breathers"])
def test_marks_are_kept_where_they_are(name: str) -> None:
    for movie in movies_of(name, 10, 100):
        marks = movie[MARK] > 0
        assert marks[0].any()
        assert (marks == marks[0]).all()


@pytest.mark.parametrize(("name", "fields"), [("excitable", (2, 3)), ("breathers", (2, 3)), ("colonies", (2, 3))])
def test_what_rests_is_at_minus_1_after_a_few_frames(name: str, fields: tuple[int, ...]) -> None:
    for movie in movies_of(name, 10, 40):
        for field in fields:
            assert movie[field][30:].max() < -900


@pytest.mark.parametrize("name", ["pulsing_gliders", "pulsing_breathers", "lifelike"])
def test_a_ground_that_turns_keeps_in_step_and_has_a_period_of_12_to_35_frames(name: str) -> None:
    for movie in movies_of(name, 10, 200):
        ground = movie[0][60:].astype(float)
        assert ground.std(axis=(1, 2)).max() < 60
        as_a_whole = ground.mean(axis=(1, 2))
        assert as_a_whole.std() > 600
        turns = (np.diff(np.sign(as_a_whole)) != 0).sum() / 2
        assert 10 <= len(ground) / turns <= 40


@pytest.mark.parametrize("name", ON_A_GROUND)
def test_a_mark_is_1_or_minus_1_all_along(name: str) -> None:
    """Noise does not wear it away."""
    for movie in movies_of(name, 5, 60):
        assert (np.abs(movie[MARK].astype(int)) > 700).mean() > 0.9
