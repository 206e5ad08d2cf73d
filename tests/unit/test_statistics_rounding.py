"""Rounding half up in decimal."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_project.python.rounding import quotient_half_up, round_half_up


@pytest.mark.parametrize(
    ("value", "decimals", "rounded"),
    [
        (0.125, 2, 0.13),
        # Stored as 2.67499999…, but 2.675 is what stands there.
        (2.675, 2, 2.68),
        (1.005, 2, 1.01),
        (2.5, 0, 3.0),
        (-2.5, 0, -3.0),
        (-0.125, 2, -0.13),
        (4.25, 1, 4.3),
        (4.249999, 1, 4.2),
        (0.0, 2, 0.0),
        (1e22, 2, 1e22),
    ],
)
def test_halves_go_away_from_zero_at_the_decimal_notation(value: float, decimals: int, rounded: float) -> None:
    assert round_half_up([value], decimals).tolist() == [rounded]


def test_missing_stays_missing_and_a_table_keeps_its_shape() -> None:
    found = round_half_up([[0.15, np.nan], [np.inf, -0.15]], 1)
    np.testing.assert_array_equal(found, [[0.2, np.nan], [np.inf, -0.2]])


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimals", "rounded"),
    [
        # Rochdale 2016/17 as printed: 62 and 1,455 of 34,974 for every hundred.
        (6200, 34974, 2, 0.18),
        (145500, 34974, 2, 4.16),
        (1, 80, 3, 0.013),
        (1249, 100000, 3, 0.012),
        (5, 2, 0, 3.0),
        (-5, 2, 0, -3.0),
        (1188 * 100, 1000, 2, 118.8),
        (0, 7, 2, 0.0),
    ],
)
def test_a_quotient_is_rounded_once_and_from_its_exact_value(
    numerator: int, denominator: int, decimals: int, rounded: float
) -> None:
    assert quotient_half_up([numerator], [denominator], decimals).tolist() == [rounded]


def test_a_quotient_with_a_missing_side_is_missing() -> None:
    np.testing.assert_array_equal(quotient_half_up([np.nan, 1, 1], [2, np.nan, 2], 1), [np.nan, np.nan, 0.5])


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**9), st.integers(0, 4))
def test_a_quotient_is_the_nearest_one_and_halves_go_away_from_zero(
    numerator: int, denominator: int, decimals: int
) -> None:
    units = math.floor(abs(Fraction(numerator, denominator)) * 10**decimals + Fraction(1, 2))
    expected = math.copysign(units / 10**decimals, numerator)
    assert quotient_half_up([numerator], [denominator], decimals)[0] == expected


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimals", "message"),
    [
        (1.5, 2, 1, "both must be whole numbers"),
        (1, 0, 1, "the denominator must be above zero"),
        (1, -2, 1, "the denominator must be above zero"),
        (1, 2, -1, "it must be zero or more"),
    ],
)
def test_what_cannot_be_divided_or_kept_is_refused(
    numerator: float, denominator: int, decimals: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quotient_half_up([numerator], [denominator], decimals)


def test_fewer_than_no_places_are_refused() -> None:
    with pytest.raises(ValueError, match="decimals is -1"):
        round_half_up([1.5], -1)
