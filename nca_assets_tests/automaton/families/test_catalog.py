"""The families: fourteen names, each with a share."""

from nca_assets.automaton.families.catalog import FAMILIES, PLAIN
from nca_assets.automaton.population import FAMILY_SHARES


def test_every_family_has_a_share_in_the_same_order() -> None:
    assert [family.name for family in FAMILIES] == [name for name, _ in FAMILY_SHARES]


def test_names_differ() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) == 14
    assert PLAIN.name == "plain"
