"""What a person reads of a run: numbers that are short enough to be compared."""

import pytest

from nca_assets.orchestration.reporting import as_metadata, rounded


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.454432732999976, "1.454"),
        (11154864.458073406, "11150000"),
        (999.96, "1000"),
        (0.000123456, "0.0001235"),
        (0.0, "0.0"),
        (-12345.6, "-12350"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_have_four_digits(value: float, shown: str) -> None:
    assert str(rounded(value)) == shown


def test_facts_are_rounded_and_counts_are_not() -> None:
    assert as_metadata({"seconds": 1.454432732999976, "tokens": 123456789}) == {"seconds": 1.454, "tokens": 123456789}
