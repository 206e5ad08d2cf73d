"""The pure functions of dbt_project/python, against published figures and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dbt_project.python.intervals import wilson_interval


@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_95_per_cent_interval_is_the_one_printed_by_newcombe_in_1998(
    numerator: int, denominator: int, lower: float, upper: float
) -> None:
    found_lower, found_upper = wilson_interval([numerator], [denominator])
    assert found_lower[0] == pytest.approx(lower, abs=0.00005)
    assert found_upper[0] == pytest.approx(upper, abs=0.00005)


@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_the_interval_is_scipys_for_every_count_out_of_ten_and_out_of_a_headcount(confidence: float) -> None:
    pairs = [(count, 10) for count in range(11)] + [(62, 34974), (773, 34974), (174, 556)]
    lower, upper = wilson_interval([n for n, _ in pairs], [d for _, d in pairs], confidence)
    for row, (numerator, denominator) in enumerate(pairs):
        expected = binomtest(numerator, denominator).proportion_ci(confidence, method="wilson")
        assert lower[row] == pytest.approx(expected.low, abs=1e-12)
        assert upper[row] == pytest.approx(expected.high, abs=1e-12)


def test_no_events_begin_at_exactly_zero_and_all_events_end_at_exactly_one() -> None:
    lower, upper = wilson_interval([0, 7], [7, 7])
    assert lower[0] == 0
    assert upper[1] == 1


def test_missing_counts_stay_missing_and_their_neighbours_do_not() -> None:
    lower, upper = wilson_interval([np.nan, 5, 5], [10, np.nan, 10])
    assert np.isnan(lower[:2]).all()
    assert np.isnan(upper[:2]).all()
    assert lower[2] == pytest.approx(0.2366, abs=0.00005)
    assert upper[2] == pytest.approx(0.7634, abs=0.00005)


def test_no_rows_in_is_no_rows_out() -> None:
    lower, upper = wilson_interval([], [])
    assert (lower.size, upper.size) == (0, 0)


@pytest.mark.parametrize(
    ("numerator", "denominator", "message"),
    [
        ([1, 9], [2, 8], r"row 1: the numerator exceeds the denominator \(9 of 8\)"),
        ([0, 0], [5, 0], r"row 1: the denominator is not above zero \(0 of 0\)"),
        ([-1], [5], r"row 0: the numerator is negative \(-1 of 5\)"),
        ([1, 2], [5], r"numerator has shape \(2,\) and denominator \(1,\)"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_row(numerator: list[int], denominator: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wilson_interval(numerator, denominator)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_zero_and_one_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="it must lie between 0 and 1"):
        wilson_interval([1], [2], confidence)


@given(st.integers(1, 1_000_000).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d))))
def test_the_wider_interval_contains_the_narrower_one_and_both_the_proportion(pair: tuple[int, int]) -> None:
    numerator, denominator = pair
    (lower_95,), (upper_95,) = wilson_interval([numerator], [denominator], 0.95)
    (lower_998,), (upper_998,) = wilson_interval([numerator], [denominator], 0.998)
    slack = 1e-12
    assert 0 <= lower_998 <= lower_95 + slack
    assert lower_95 <= numerator / denominator + slack
    assert numerator / denominator <= upper_95 + slack
    assert upper_95 <= upper_998 + slack
    assert upper_998 <= 1
