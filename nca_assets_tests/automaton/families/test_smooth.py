"""Random smooth fields: two fields that are told by nine units, and a pair that turns and is told by none of them."""

import numpy as np

from nca_assets_tests.automaton.families.movies import movies_of
from nca_assets_tests.automaton.rules import rules_of


def test_nine_units_write_to_fields_0_and_1_and_the_pair_writes_to_itself() -> None:
    for rule in rules_of("smooth", 30):
        told, pair = np.array(rule.fields) < 2, np.array(rule.fields) >= 2
        written = rule.weights_out[:, :, 1, 1]
        assert not written[told, :4].any()
        assert not written[pair, 4:].any()
        assert np.abs(written).max() <= 230
        assert not written[:, 13:].any()


def test_no_field_comes_to_rest() -> None:
    for movie in movies_of("smooth", 10, 150):
        assert movie[2][100:].std(axis=0).mean() > 50
