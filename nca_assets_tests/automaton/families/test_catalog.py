"""The families: fourteen names, and shares that add up."""

from nca_assets.automaton.families.catalog import FAMILIES, PLAIN
from nca_assets.law import SHARES


def test_shares_add_up_to_512() -> None:
    assert sum(SHARES.values()) == 512
    assert min(SHARES.values()) > 0


def test_names_differ() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) == 14
    assert PLAIN.name == "plain"
