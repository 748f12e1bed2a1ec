"""Colonies: the mark spreads, with waves inside, over a ground that rests."""

from nca_assets_tests.automaton.families.movies import MARK, movies_of


def test_a_colony_never_loses_a_cell_and_grows() -> None:
    for movie in movies_of("colonies", 15, 80):
        colony = movie[MARK] > 0
        assert (colony[:-1] <= colony[1:]).all()
        assert colony[-1].sum() > 1.5 * colony[0].sum()


def test_inside_it_turns_and_outside_it_rests() -> None:
    for movie in movies_of("colonies", 15, 80):
        inside, outside = movie[MARK][40] > 900, movie[MARK].max(axis=0) < -900
        assert movie[0][40:, inside].std(axis=0).mean() > 200
        assert (movie[0][10:, outside] < -900).all()
