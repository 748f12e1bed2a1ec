"""Excitable media: marked cells fire by themselves, again and again, and what fired recovers."""

from nca_assets_tests.automaton.families.movies import MARK, movies_of


def test_marked_cells_fire_again_and_again() -> None:
    for movie in movies_of("excitable", 15, 200):
        firing = movie[0][50:] > 0
        at_marks = firing[:, movie[MARK][0] > 0]
        assert at_marks.any(axis=0).all()
        begins = (~at_marks[:-1] & at_marks[1:]).sum(axis=0)
        assert begins.mean() >= 2


def test_recovery_follows_the_excitation() -> None:
    """Averaged over cells that have just fired, it is higher than over those that fired not at all lately."""
    for movie in movies_of("excitable", 15, 100):
        fired = movie[0][50:-1] > 0
        recovery = movie[1][51:].astype(float)
        assert recovery[fired].mean() > recovery[~fired].mean()
