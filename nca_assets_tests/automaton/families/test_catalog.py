"""The families: fourteen names, and shares that add up."""

from nca_assets.automaton.families.catalog import FAMILIES, PLAIN


def test_shares_add_up_to_512() -> None:
    assert sum(family.share for family in FAMILIES) == 512
    assert min(family.share for family in FAMILIES) > 0


def test_names_differ() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) == 14
    assert PLAIN.name == "plain"
