"""A population is checked when it is made, compares by what it says, and costs nothing to import."""

import pickle
import subprocess
import sys

import pytest
from hypothesis import given

from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.errors import NcaError
from nca_assets_tests.automaton.rules import populations


def test_the_default_is_all_families_on_sides_from_8_to_48() -> None:
    assert Population(1) == Population(1, FAMILY_SHARES, 8, 48)
    assert sum(share for _, share in FAMILY_SHARES) == 512


@given(population=populations())
def test_it_is_hashable_and_survives_pickling(population: Population) -> None:
    again = pickle.loads(pickle.dumps(population))
    assert again == population
    assert {again, population} == {population}


def test_families_are_kept_in_the_catalogs_order() -> None:
    assert Population(1, (("plain", 2), ("waves", 3))) == Population(1, (("waves", 3), ("plain", 2)))
    assert Population(1, (("plain", 2), ("waves", 3))).families == (("waves", 3), ("plain", 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "^seed is -1: use a whole number from 0 to 4294967295$"),
        ({"seed": 2**32}, "^seed is 4294967296: use"),
        ({"seed": 1.0}, "^seed is 1.0: use a whole number"),
        ({"seed": True}, "^seed is True: use a whole number"),
        ({"families": ()}, "^families is empty: list at least one of spirals, .*, plain$"),
        ({"families": (("spiral", 1),)}, "^unknown family 'spiral': use spirals, .*, plain$"),
        ({"families": (("waves", 0),)}, "^the share of waves is 0: use a whole number from 1 to 65536$"),
        ({"families": (("waves", 0.5),)}, "^the share of waves is 0.5: use"),
        ({"families": (("waves", 2), ("waves", 3))}, "^families lists a family twice: give each one share$"),
        ({"smallest_side": 3}, "^smallest_side is 3: use a whole number from 4 to 128$"),
        ({"largest_side": 129}, "^largest_side is 129: use a whole number from 8 to 128$"),
        ({"smallest_side": 20, "largest_side": 19}, "^largest_side is 19: use a whole number from 20 to 128$"),
    ],
)
def test_what_is_out_of_range_is_an_error_of_one_line(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(NcaError, match=message):
        Population(**{"seed": 1, **arguments})  # pyright: ignore[reportArgumentType]


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, nca_assets.automaton.population; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numba", "numpy", "dagster", "pydantic"} & set(done.stdout.split())
