"""The recent trend of annual series: which points are tested, and each condition on both sides."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import chi2
from statsmodels.stats.contingency_tables import Table

from dbt_project.python.trend import (
    CRITICAL_CHI_SQUARE,
    last_five_points,
    trend_of_proportions,
    trend_of_values,
)


def _years(*first: int) -> tuple[list[str], list[str]]:
    return [f"{year}-09-01" for year in first], [f"{year + 1}-08-31" for year in first]


def test_the_critical_value_is_the_99_8_per_cent_point_of_chi_square() -> None:
    assert chi2.isf(0.002, 1) == pytest.approx(CRITICAL_CHI_SQUARE, abs=1e-12)


# Which points are tested.


def test_the_last_five_points_are_found_in_rows_of_any_order() -> None:
    starts, ends = _years(2016, 2012, 2014, 2011, 2013, 2015)
    points = last_five_points(["a"] * 6, starts, ends)
    assert points.series.tolist() == ["a"]
    assert points.rows.tolist() == [[1, 4, 2, 5, 0]]
    assert points.reason.tolist() == [""]


def test_five_points_are_enough_and_four_are_not() -> None:
    starts, ends = _years(2012, 2013, 2014, 2015, 2016, 2013, 2014, 2015, 2016)
    points = last_five_points(["five"] * 5 + ["four"] * 4, starts, ends)
    assert points.series.tolist() == ["five", "four"]
    assert points.rows.tolist() == [[0, 1, 2, 3, 4], [-1] * 5]
    assert points.reason.tolist() == ["", "fewer_than_five_points"]


def test_a_gap_among_the_last_five_forbids_a_trend_and_one_before_them_does_not() -> None:
    starts, ends = _years(2009, 2012, 2013, 2014, 2015, 2016, 2011, 2012, 2014, 2015, 2016)
    points = last_five_points(["before"] * 6 + ["within"] * 5, starts, ends)
    assert points.rows.tolist() == [[1, 2, 3, 4, 5], [-1] * 5]
    assert points.reason.tolist() == ["", "not_consecutive"]


def test_overlapping_periods_forbid_a_trend_and_adjoining_ones_do_not() -> None:
    starts, ends = _years(2012, 2013, 2014, 2015, 2016)
    rolling = [f"{year}-04-01" for year in (2012, 2013, 2014, 2015, 2016)]
    points = last_five_points(
        ["adjoining"] * 5 + ["overlapping"] * 5,
        starts + rolling,
        [*ends, "2013-04-01", "2014-03-31", "2015-03-31", "2016-03-31", "2017-03-31"],
    )
    assert points.reason.tolist() == ["", "overlapping_periods"]
    assert points.rows[1].tolist() == [-1] * 5


def test_a_year_is_365_or_366_days_and_a_term_or_three_years_are_none() -> None:
    starts, ends = _years(2012, 2013, 2014, 2015, 2016)
    terms = ["2015-09-01", "2016-01-01", "2016-04-01", "2016-09-01", "2017-01-01"]
    until = ["2015-12-31", "2016-03-31", "2016-08-31", "2016-12-31", "2017-03-31"]
    points = last_five_points(["terms"] * 5 + ["years"] * 5, terms + starts, until + ends)
    assert points.reason.tolist() == ["not_annual", ""]


def test_no_series_have_no_points() -> None:
    points = last_five_points([], [], [])
    assert points.rows.shape == (0, 5)


def test_periods_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="row 0: the period ends on 2015-08-31, before it starts on 2015-09-01"):
        last_five_points(["a"], ["2015-09-01"], ["2015-08-31"])
    with pytest.raises(ValueError, match="they must be columns of one length"):
        last_five_points(["a", "b"], ["2015-09-01"], ["2016-08-31"])


# The test of five points.


def test_the_chi_square_for_trend_is_statsmodels_test_of_ordinal_association() -> None:
    events, at_risk = np.array([[62, 70, 81, 77, 95]]), np.array([[1000, 1010, 990, 1005, 1000]])
    trend = trend_of_proportions(events, at_risk)
    table = Table(np.vstack([events[0], at_risk[0] - events[0]]).T, shift_zeros=False)
    association = table.test_ordinal_association(row_scores=np.arange(5), col_scores=np.array([1, 0]))
    # That test divides by n - 1 where the one for trend divides by n.
    total = at_risk.sum()
    assert trend.chi_square[0] == pytest.approx(association.zscore**2 * total / (total - 1), rel=1e-9)
    assert trend.chi_square[0] == pytest.approx(_armitage(events[0], at_risk[0]), rel=1e-12)


def _armitage(events: np.ndarray, at_risk: np.ndarray) -> float:
    """The textbook's formula, in deviations from the mean time."""
    rate = events.sum() / at_risk.sum()
    time = np.arange(5) - (np.arange(5) * at_risk).sum() / at_risk.sum()
    return float(((events - at_risk * rate) * time).sum() ** 2 / (rate * (1 - rate) * (at_risk * time**2).sum()))


def test_the_chi_square_of_values_is_that_of_weighted_least_squares() -> None:
    value = np.array([5.62, 4.49, 5.46, 4.97, 4.37])
    half_width = np.array([0.26, 0.23, 0.25, 0.24, 0.22])
    trend = trend_of_values([value], [value - half_width], [value + half_width])
    errors = half_width / 1.959963984540054
    line = sm.WLS(value, sm.add_constant(np.arange(1, 6)), weights=errors**-2).fit(cov_type="fixed scale")
    assert trend.slope[0] == pytest.approx(line.params[1], rel=1e-10)
    assert trend.chi_square[0] == pytest.approx(line.tvalues[1] ** 2, rel=1e-10)
    for left_out in range(5):
        kept = np.arange(5) != left_out
        rest = sm.WLS(value[kept], sm.add_constant(np.arange(1, 6)[kept]), weights=errors[kept] ** -2).fit()
        assert trend.slopes_leaving_one_out[0, left_out] == pytest.approx(rest.params[1], rel=1e-10)


def _straight(chi_square: float) -> tuple[list[list[float]], list[list[float]], list[list[float]]]:
    """A straight line of slope 1 whose errors are such that its chi-square, 10 / error², is the one wanted."""
    half_width = 1.959963984540054 * (10 / chi_square) ** 0.5
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    return [values], [[value - half_width for value in values]], [[value + half_width for value in values]]


def test_a_chi_square_above_the_critical_value_is_a_trend_and_one_just_below_is_not() -> None:
    above = trend_of_values(*_straight(CRITICAL_CHI_SQUARE + 1e-9))
    below = trend_of_values(*_straight(CRITICAL_CHI_SQUARE - 1e-9))
    assert above.chi_square[0] > CRITICAL_CHI_SQUARE > below.chi_square[0]
    assert above.chi_square[0] == pytest.approx(below.chi_square[0], abs=1e-8)
    assert (above.direction[0], below.direction[0]) == (1, 0)


def test_a_proportion_is_a_trend_on_one_side_of_the_critical_value_and_not_on_the_other() -> None:
    at_risk = np.full((1, 5), 1000.0)
    shape = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    # Of 1,000 a year, one in ten on average: chi-square is (step Σt²)² / (n p q Σt²) = step² · 10 / 90.
    step = (CRITICAL_CHI_SQUARE * 1000 * 0.1 * 0.9 / 10) ** 0.5
    for slightly, direction in ((1e-6, 1), (-1e-6, 0)):
        trend = trend_of_proportions(100 + shape * (step + slightly), at_risk)
        assert trend.direction[0] == direction
        assert (trend.slopes_leaving_one_out > 0).all()


@pytest.mark.parametrize("left_out", range(5))
@pytest.mark.parametrize("sign", [1, -1])
def test_there_is_no_trend_where_the_slope_without_one_point_has_the_other_sign(left_out: int, sign: int) -> None:
    # The one point tilts the line; whether there is a trend hangs on which way the others go by themselves.
    time = np.arange(1.0, 6)
    lever = np.array([-1.0, -1.0, 1.0, 1.0, 1.0])[left_out]
    others = np.delete(time, left_out)
    # The middle point has no lever on a line whose points weigh the same, so there the right-hand ones weigh less.
    half_width = np.array([1.0, 1.0, 1.0, 40.0, 40.0]) if left_out == 2 else np.ones(5)
    for other_slope, direction in ((-0.05, 0), (0.05, sign)):
        values = other_slope * (time - others.mean())
        values[left_out] += lever * 40
        trend = trend_of_values([sign * values], [sign * values - half_width], [sign * values + half_width])
        assert trend.chi_square[0] > CRITICAL_CHI_SQUARE
        assert np.sign(trend.slopes_leaving_one_out[0, left_out]) == sign * np.sign(other_slope)
        assert trend.direction[0] == direction


def test_a_level_slope_is_of_neither_sign() -> None:
    values = np.array([[0.0, 0.0, 0.0, 0.0, 50.0]])
    trend = trend_of_values(values, values - 1, values + 1)
    assert trend.slopes_leaving_one_out[0, 4] == 0
    assert trend.chi_square[0] > CRITICAL_CHI_SQUARE
    assert trend.direction[0] == 0


def test_a_falling_series_falls() -> None:
    trend = trend_of_proportions([[500, 450, 400, 350, 300]], [[1000] * 5])
    assert trend.direction[0] == -1
    assert (trend.slopes_leaving_one_out < 0).all()


def test_a_missing_point_makes_the_trend_incalculable_and_leaves_the_next_series_alone() -> None:
    events = [[500, np.nan, 400, 350, 300], [500, 450, 400, 350, 300]]
    trend = trend_of_proportions(events, np.full((2, 5), 1000))
    assert np.isnan(trend.direction[0])
    assert trend.direction[1] == -1
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    lower = values - 0.1
    lower[0, 2] = np.nan
    assert np.isnan(trend_of_values(values, lower, values + 0.1).direction[0])


def test_points_of_none_or_all_have_a_trend_and_a_series_of_only_such_points_has_none() -> None:
    events = [[0, 20, 40, 60, 80], [0] * 5, [100] * 5, [100, 80, 60, 40, 20]]
    trend = trend_of_proportions(events, np.full((4, 5), 100))
    assert trend.direction.tolist() == [1, 0, 0, -1]
    assert np.isfinite(trend.slopes_leaving_one_out).all()


def test_counts_and_intervals_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="row 0, 2: the numerator exceeds the denominator"):
        trend_of_proportions([[1, 1, 9, 1, 1]], [[8] * 5])
    with pytest.raises(ValueError, match=r"numerator has shape \(1, 4\); it must be \(series, 5\)"):
        trend_of_proportions([[1] * 4], [[8] * 4])
    with pytest.raises(ValueError, match="row 0, 1: the upper bound is not above the lower bound"):
        trend_of_values([[1] * 5], [[0, 1, 0, 0, 0]], [[2, 1, 2, 2, 2]])
