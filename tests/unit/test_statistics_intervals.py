"""Intervals of confidence, against published figures, SciPy, and the public-health statistics library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PHStatsMethods import ph_mean, ph_proportion, ph_rate
from scipy.stats import binomtest, poisson, ttest_1samp

from dbt_project.python.intervals import byar_interval, student_interval, wilson_interval

LEVELS = [0.95, 0.998]


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
        ([1, 9], [2, 8], r"row 1: the numerator exceeds the denominator \(numerator 9, denominator 8\)"),
        ([0, 0], [5, 0], r"row 1: the denominator is not above zero \(numerator 0, denominator 0\)"),
        ([-1], [5], r"row 0: the numerator is negative \(numerator -1, denominator 5\)"),
        ([1, 2], [5], r"numerator has shape \(2,\), denominator has shape \(1,\)"),
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


def _grid() -> pd.DataFrame:
    """Counts out of denominators from 1 to a million: 0, 1, 9, 10, half, all but one, all, missing."""
    rows: list[tuple[float, float]] = []
    for denominator in [1, 2, 9, 10, 11, 29, 100, 148, 999, 1000, 34974, 123457, 1_000_000]:
        wanted = {0, 1, 2, 5, 9, 10, 11, 62, 500, denominator // 3, denominator // 2, denominator - 1, denominator}
        rows += [(count, denominator) for count in sorted(wanted) if 0 <= count <= denominator]
    rows += [(np.nan, 10), (np.nan, 34974)]
    grid = pd.DataFrame(rows, columns=["numerator", "denominator"])
    # The oracle adds up what has the same label, and skips a row whose label is missing.
    grid["label"] = [f"{row:05d}" for row in range(len(grid))]
    return grid


def _bounds(frame: pd.DataFrame, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    level = "95" if confidence == 0.95 else "99_8"
    return frame[f"lower_{level}_ci"].to_numpy(), frame[f"upper_{level}_ci"].to_numpy()


@pytest.mark.parametrize("confidence", LEVELS)
def test_proportions_agree_with_the_public_health_library_over_a_wide_grid(confidence: float) -> None:
    grid = _grid()
    found = wilson_interval(grid["numerator"], grid["denominator"], confidence)
    expected = _bounds(ph_proportion(grid, "numerator", "denominator", ["label"], confidence=LEVELS), confidence)
    assert np.isnan(found[0]).sum() == 2
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("confidence", LEVELS)
@pytest.mark.parametrize("multiplier", [1, 100, 100_000])
def test_rates_agree_with_the_public_health_library_over_a_wide_grid(confidence: float, multiplier: int) -> None:
    # That library refuses no events at all; the tests of nought are below.
    grid = _grid().query("numerator != 0").reset_index(drop=True)
    found = byar_interval(grid["numerator"], grid["denominator"], confidence)
    theirs = ph_rate(grid, "numerator", "denominator", ["label"], confidence=LEVELS, multiplier=multiplier)
    assert np.isnan(found[0]).sum() == 2
    for ours, expected in zip(found, _bounds(theirs, confidence), strict=True):
        np.testing.assert_allclose(ours * multiplier, expected, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("confidence", LEVELS)
def test_means_agree_with_the_public_health_library(confidence: float) -> None:
    random = np.random.default_rng(4)
    scores = {size: random.integers(0, 41, size) for size in (2, 3, 9, 10, 57, 400)}
    scores[30] = np.full(30, 17)
    long = pd.DataFrame([(f"{size:03d}", score) for size, group in scores.items() for score in group])
    long.columns = ["label", "score"]
    found = student_interval(
        [group.sum() for _, group in sorted(scores.items())],
        [(group**2).sum() for _, group in sorted(scores.items())],
        sorted(scores),
        confidence,
    )
    for ours, theirs in zip(
        found, _bounds(ph_mean(long, "score", ["label"], confidence=LEVELS), confidence), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("confidence", "upper"), [(0.95, 3.688879454113936), (0.998, 6.907755278982137)])
def test_no_events_have_a_lower_bound_of_zero_and_the_exact_upper_bound(confidence: float, upper: float) -> None:
    # Where no event is expected with probability exp(-m), the bound is -ln(0.025) and -ln(0.001).
    found_lower, found_upper = byar_interval([0.0, 0.0], [1.0, 100.0], confidence)
    assert found_lower.tolist() == [0.0, 0.0]
    assert found_upper[0] == pytest.approx(upper, abs=1e-12)
    assert found_upper[1] == pytest.approx(upper / 100, abs=1e-14)


def test_nine_events_have_exact_bounds_and_ten_have_byars() -> None:
    lower, upper = byar_interval([9, 10])
    # Exact: as few as nine, or as many, have a probability of 2.5 per cent at the bounds.
    assert poisson.sf(8, lower[0]) == pytest.approx(0.025, abs=1e-12)
    assert poisson.cdf(9, upper[0]) == pytest.approx(0.025, abs=1e-12)
    # Byar by hand: 10 (1 - 1/90 - 1.959964/(3 √10))³ and 11 (1 - 1/99 + 1.959964/(3 √11))³.
    assert lower[1] == pytest.approx(4.7874, abs=0.0001)
    assert upper[1] == pytest.approx(18.3915, abs=0.0001)
    assert poisson.sf(9, lower[1]) != pytest.approx(0.025, abs=1e-4)


def test_a_single_measurement_has_no_interval_and_equal_ones_have_none_of_width() -> None:
    lower, upper = student_interval([17, 51, np.nan], [289, 867, 5], [1, 3, 3])
    assert np.isnan([lower[0], upper[0], lower[2], upper[2]]).all()
    assert lower[1] == upper[1] == 17


def test_the_interval_of_a_mean_holds_the_means_that_a_t_test_does_not_refuse() -> None:
    scores = np.array([4, 11, 17, 22, 9, 15])
    (lower,), (upper,) = student_interval([scores.sum()], [(scores**2).sum()], [scores.size])
    assert ttest_1samp(scores, lower).pvalue == pytest.approx(0.05, abs=1e-12)
    assert ttest_1samp(scores, upper).pvalue == pytest.approx(0.05, abs=1e-12)


def test_events_and_sums_that_cannot_be_are_refused_by_row() -> None:
    with pytest.raises(ValueError, match=r"row 1: the number of events is negative \(events -1, exposure 5\)"):
        byar_interval([3, -1], [5, 5])
    with pytest.raises(ValueError, match=r"row 0: the exposure is not above zero \(events 3, exposure 0\)"):
        byar_interval([3, 1], [0, 5])
    with pytest.raises(ValueError, match=r"events has shape \(2,\), exposure has shape \(3,\)"):
        byar_interval([3, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="it must lie between 0 and 1"):
        byar_interval([3], [1], 95)
    with pytest.raises(ValueError, match=r"row 1: the count is not above zero \(count 0\)"):
        student_interval([1, 0], [1, 0], [1, 0])
    # Two scores with a total of 10 have squares of 50 or more.
    with pytest.raises(ValueError, match="row 0: the sum of squares is smaller than its total allows"):
        student_interval([10], [49], [2])


def test_missing_events_and_exposures_stay_missing() -> None:
    lower, upper = byar_interval([np.nan, 12, 12], [100, np.nan, 100])
    assert np.isnan([*lower[:2], *upper[:2]]).all()
    assert not np.isnan([lower[2], upper[2]]).any()
