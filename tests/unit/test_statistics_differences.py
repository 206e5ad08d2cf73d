"""Differences and ratios between two waves, periods or groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.rates import confint_poisson_2indep

from dbt_project.python.differences import (
    difference_of_means,
    difference_of_proportions,
    difference_of_rates,
    difference_of_values,
    ratio_of_proportions,
    ratio_of_rates,
)
from dbt_project.python.intervals import byar_interval, student_interval


@pytest.mark.parametrize(
    ("first", "second", "lower", "upper"),
    [
        # Newcombe (1998), table II, method 10; the paper takes the first less the second.
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((0, 10), (10, 10), 0.6075, 1.0000),
        ((0, 20), (10, 10), 0.6791, 1.0000),
        ((3, 10), (9, 10), 0.1705, 0.8090),
    ],
)
def test_the_interval_of_a_difference_is_the_one_printed_by_newcombe_in_1998(
    first: tuple[int, int], second: tuple[int, int], lower: float, upper: float
) -> None:
    change = difference_of_proportions([first[0]], [first[1]], [second[0]], [second[1]])
    assert change.value[0] == pytest.approx(second[0] / second[1] - first[0] / first[1])
    assert change.lower[0] == pytest.approx(lower, abs=0.00005)
    assert change.upper[0] == pytest.approx(upper, abs=0.00005)
    assert change.direction[0] == 1


@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_differences_of_proportions_are_statsmodels_over_a_grid(confidence: float) -> None:
    random = np.random.default_rng(1)
    first_d, second_d = random.integers(10, 400, (2, 500))
    first_n, second_n = random.integers(0, first_d + 1), random.integers(0, second_d + 1)
    change = difference_of_proportions(first_n, first_d, second_n, second_d, confidence)
    lower, upper = confint_proportions_2indep(
        second_n, second_d, first_n, first_d, method="newcomb", compare="diff", alpha=1 - confidence
    )
    np.testing.assert_allclose(change.lower, lower, rtol=0, atol=1e-12)
    np.testing.assert_allclose(change.upper, upper, rtol=0, atol=1e-12)


def test_a_change_is_significant_on_one_side_of_its_bound_and_not_on_the_other() -> None:
    # From 100 of 200 to 119 is not yet a change at 95 per cent, to 120 it is; and the same downwards.
    change = difference_of_proportions([100] * 4, [200] * 4, [119, 120, 80, 81], [200] * 4)
    assert change.lower[0] < 0 < change.lower[1]
    assert change.upper[2] < 0 < change.upper[3]
    assert change.direction.tolist() == [0, 1, -1, 0]


def test_ten_answers_in_each_wave_are_enough_and_nine_are_not() -> None:
    change = difference_of_proportions([0, 0, 0, np.nan], [10, 9, 10, 10], [10, 10, 9, 10], [10, 10, 9, 10])
    np.testing.assert_array_equal(np.isnan(change.value), [False, True, True, True])
    np.testing.assert_array_equal(change.direction, [1, np.nan, np.nan, np.nan])


def test_differences_of_rates_are_worked_out_from_the_two_intervals() -> None:
    # 30 of 1,000 and 60 of 1,000, bounds by Byar: 20.24 to 42.83, and 45.78 to 77.23.
    change = difference_of_rates([30], [1000], [60], [1000])
    assert change.value[0] == pytest.approx(0.030)
    (first_lower, second_lower), (first_upper, second_upper) = byar_interval([30, 60])
    assert [first_lower, first_upper] == pytest.approx([20.24, 42.83], abs=0.005)
    assert [second_lower, second_upper] == pytest.approx([45.78, 77.23], abs=0.005)
    assert change.lower[0] == pytest.approx(0.030 - np.hypot(60 - 45.78, 42.83 - 30) / 1000, abs=0.00001)
    assert change.upper[0] == pytest.approx(0.030 + np.hypot(77.23 - 60, 30 - 20.24) / 1000, abs=0.00001)
    assert change.direction[0] == 1


def test_differences_of_rates_with_few_events_are_statsmodels_way_with_exact_intervals() -> None:
    first_x, second_x = np.array([9, 1, 5]), np.array([1, 9, 5])
    change = difference_of_rates(first_x, [100] * 3, second_x, [250] * 3)
    lower, upper = confint_poisson_2indep(
        second_x, np.full(3, 250), first_x, np.full(3, 100), method="mover", method_mover="exact-c", compare="diff"
    )
    np.testing.assert_allclose(change.lower, lower, rtol=0, atol=1e-12)
    np.testing.assert_allclose(change.upper, upper, rtol=0, atol=1e-12)


def test_ten_events_together_are_enough_for_rates_and_nine_are_not() -> None:
    change = difference_of_rates([0, 0, 4, np.nan], [100] * 4, [10, 9, 5, 30], [100] * 4)
    np.testing.assert_array_equal(change.direction, [1, np.nan, np.nan, np.nan])
    ratio = ratio_of_rates([1, 1], [100] * 2, [9, 8], [100] * 2)
    np.testing.assert_array_equal(np.isnan(ratio.direction), [False, True])


def test_a_difference_of_means_takes_each_ones_own_interval() -> None:
    lower, upper = student_interval([160, 220], [2800, 5000], [10, 10])
    change = difference_of_values([16], lower[:1], upper[:1], [22], lower[1:], upper[1:])
    # Half widths 2.262157 √(240/9/10) = 3.694 and 2.262157 √(160/9/10) = 3.016; √(3.694² + 3.016²) = 4.769.
    assert change.value[0] == 6
    assert change.lower[0] == pytest.approx(6 - 4.769, abs=0.001)
    assert change.upper[0] == pytest.approx(6 + 4.769, abs=0.001)
    assert change.direction[0] == 1


def _student(*measurements: float) -> tuple[float, float, int]:
    """Bounds of the mean's interval, and how many measurements it is of."""
    squares = sum(one * one for one in measurements)
    low, high = student_interval([sum(measurements)], [squares], [len(measurements)])
    return float(low[0]), float(high[0]), len(measurements)


def test_a_difference_of_means_has_welchs_interval() -> None:
    # Means 5 and 10; squared standard errors 10/9/10 and 40/9/10, together 5/9; (5/9)² over (1/81 + 16/81)/9 is 13.235
    # degrees of freedom, of which the quantile is 2.15647: 5 ± 2.15647 × 0.74536.
    first, second = [4.0, 6.0] * 5, [8.0, 12.0] * 5
    change = difference_of_means(*([part] for part in (*_student(*first), *_student(*second))))
    assert change.value[0] == pytest.approx(5)
    assert change.lower[0] == pytest.approx(5 - 1.607339, abs=1e-6)
    assert change.upper[0] == pytest.approx(5 + 1.607339, abs=1e-6)
    assert change.direction[0] == 1


def test_differences_of_means_are_scipys_for_samples_of_different_size_and_scatter() -> None:
    random = np.random.default_rng(5)
    for size, scatter in ((10, 1.0), (10, 9.0), (37, 0.2), (400, 3.0)):
        first, second = random.normal(14, 6, 25), random.normal(13, scatter, size)
        change = difference_of_means(*([part] for part in (*_student(*first), *_student(*second))))
        expected = ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
        assert [change.lower[0], change.upper[0]] == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_a_change_of_a_mean_is_announced_beyond_its_interval_and_not_within() -> None:
    for shift, direction in ((0.98, 0), (0.99, 1), (-0.98, 0), (-0.99, -1)):
        # Equal scatter: 18 degrees of freedom, quantile 2.10092, standard error √(2/9): half a width of 0.99038.
        first, second = [4.0, 6.0] * 5, [4.0 + shift + 0.001 * np.sign(shift), 6.0 + shift + 0.001 * np.sign(shift)] * 5
        change = difference_of_means(*([part] for part in (*_student(*first), *_student(*second))))
        assert change.direction[0] == direction


def test_a_difference_of_means_needs_ten_measurements_on_either_side_that_scatter() -> None:
    ten, nine, equal = _student(*[4.0, 6.0] * 5), _student(*[4.0, 6.0] * 4, 5.0), _student(*[5.0] * 10)
    for first, second in ((ten, nine), (nine, ten), (equal, equal), ((np.nan, np.nan, 10), ten)):
        change = difference_of_means(*([part] for part in (*first, *second)))
        assert np.isnan([change.value[0], change.lower[0], change.upper[0], change.direction[0]]).all()
    assert difference_of_means(*([part] for part in (*ten, *equal))).direction[0] == 0


def test_bounds_that_change_places_are_refused() -> None:
    with pytest.raises(ValueError, match="row 0: the second upper bound is below its lower bound"):
        difference_of_means([4], [6], [10], [8], [7], [10])
    with pytest.raises(ValueError, match="confidence is 95"):
        difference_of_means([4], [6], [10], [7], [8], [10], confidence=95)


def test_a_value_outside_its_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="row 0: the second value lies outside its interval"):
        difference_of_values([1], [0], [2], [5], [0], [2])
    with pytest.raises(ValueError, match="row 0: the first value lies outside its interval"):
        difference_of_values([3], [0], [2], [1], [0], [2])


def test_a_ratio_of_proportions_has_the_interval_of_the_log_method() -> None:
    # 30 of 100 against 15 of 100: 2, times or over exp(1.959964 √(1/30 - 1/100 + 1/15 - 1/100)) = exp(0.554362).
    ratio = ratio_of_proportions([15], [100], [30], [100])
    assert ratio.value[0] == 2
    assert ratio.lower[0] == pytest.approx(2 / np.exp(0.554362), abs=1e-5)
    assert ratio.upper[0] == pytest.approx(2 * np.exp(0.554362), abs=1e-5)
    assert ratio.direction[0] == 1


def test_a_ratio_of_rates_has_the_interval_of_the_log_method() -> None:
    # 30 of 100 against 15 of 100: 2, times or over exp(1.959964 √(1/30 + 1/15)) = exp(0.619795).
    ratio = ratio_of_rates([15], [100], [30], [100])
    assert ratio.value[0] == 2
    assert ratio.lower[0] == pytest.approx(2 / np.exp(0.619795), abs=1e-5)
    assert ratio.upper[0] == pytest.approx(2 * np.exp(0.619795), abs=1e-5)
    assert ratio.direction[0] == 1


def test_a_ratio_below_one_points_down_and_one_that_may_be_one_points_nowhere() -> None:
    ratio = ratio_of_proportions([60, 60], [100, 100], [20, 55], [100, 100])
    assert ratio.direction.tolist() == [-1, 0]


def test_a_ratio_to_nothing_or_of_nothing_or_of_few_cannot_be_calculated() -> None:
    ratio = ratio_of_proportions([0, 5, 5, np.nan], [20, 20, 9, 20], [5, 0, 5, 5], [20, 20, 20, 20])
    for bound in (ratio.value, ratio.lower, ratio.upper, ratio.direction):
        assert np.isnan(bound).all()
    rates = ratio_of_rates([0, 30], [20, 20], [30, 0], [20, 20])
    assert np.isnan(rates.direction).all()


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="row 0: the numerator exceeds the denominator"):
        difference_of_proportions([5], [10], [11], [10])
    with pytest.raises(ValueError, match="row 0: the exposure is not above zero"):
        ratio_of_rates([5], [0], [5], [10])
    with pytest.raises(ValueError, match="they must be of one shape"):
        difference_of_rates([5, 6], [10, 10], [5], [10])
