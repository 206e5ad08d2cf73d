"""Differences and ratios of two figures with intervals: between two waves, two periods, or two groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from dbt_project.python.columns import Column, as_columns, refuse_confidence, refuse_rows
from dbt_project.python.intervals import (
    byar_interval,
    upper_normal_quantile,
    upper_student_quantile,
    wilson_interval,
)

# Below these a difference says more about who happened to answer than about what changed.
FEWEST_AT_RISK: Final = 10
FEWEST_EVENTS: Final = 10


@dataclass(frozen=True)
class Contrast:
    """A difference (second less first, 0 is no difference) or a ratio (second over first, 1 is no difference).

    ``value``, ``lower`` and ``upper`` are NaN where it cannot be calculated. ``direction`` is 1 where the interval lies
    above no difference, -1 below it, 0 where it holds it, NaN where it cannot be calculated.
    """

    value: Column
    lower: Column
    upper: Column
    direction: Column


def difference_of_proportions(
    first_numerator: ArrayLike,
    first_denominator: ArrayLike,
    second_numerator: ArrayLike,
    second_denominator: ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Difference of two independent proportions, second less first, with Newcombe's interval.

    Args:
        first_numerator: events in the first wave or group; NaN where missing.
        first_denominator: people or occasions at risk in it.
        second_numerator: events in the second.
        second_denominator: people or occasions at risk in it.
        confidence: two-sided, between 0 and 1.

    Returns:
        The difference as a proportion (-1 to 1). It cannot be calculated where a count is missing or where either
        proportion rests on fewer than 10.

    Raises:
        ValueError: as :func:`~dbt_project.python.intervals.wilson_interval` does, for either wave.

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    """
    first_n, first_d, second_n, second_d = as_columns(
        first_numerator=first_numerator,
        first_denominator=first_denominator,
        second_numerator=second_numerator,
        second_denominator=second_denominator,
    )
    first = wilson_interval(first_n, first_d, confidence)
    second = wilson_interval(second_n, second_d, confidence)
    is_enough = (first_d >= FEWEST_AT_RISK) & (second_d >= FEWEST_AT_RISK)
    return _difference(first_n / first_d, first, second_n / second_d, second, is_enough)


def difference_of_rates(
    first_events: ArrayLike,
    first_exposure: ArrayLike,
    second_events: ArrayLike,
    second_exposure: ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Difference of two independent rates, second less first, from the intervals of the two (Byar's, or exact).

    Args:
        first_events: events in the first period or group; NaN where missing.
        first_exposure: what the rate is per, above zero: pupils on roll, or days for a count.
        second_events: events in the second.
        second_exposure: what that rate is per, in the same unit.
        confidence: two-sided, between 0 and 1.

    Returns:
        The difference as events per unit of exposure. It cannot be calculated where a number is missing or where the
        two have fewer than 10 events together.

    Raises:
        ValueError: as :func:`~dbt_project.python.intervals.byar_interval` does, for either period.

    Source: Zou and Donner (2008), Construction of confidence limits about effect measures: a general approach; it is
        Newcombe's way for figures that are not proportions.
    """
    first_x, first_t, second_x, second_t = as_columns(
        first_events=first_events,
        first_exposure=first_exposure,
        second_events=second_events,
        second_exposure=second_exposure,
    )
    first = byar_interval(first_x, first_t, confidence)
    second = byar_interval(second_x, second_t, confidence)
    return _difference(first_x / first_t, first, second_x / second_t, second, first_x + second_x >= FEWEST_EVENTS)


def difference_of_values(
    first_value: ArrayLike,
    first_lower: ArrayLike,
    first_upper: ArrayLike,
    second_value: ArrayLike,
    second_lower: ArrayLike,
    second_upper: ArrayLike,
) -> Contrast:
    """Difference of two independent figures of which only value and interval are known, such as gaps.

    Args:
        first_value: the first figure; NaN where missing.
        first_lower: lower bound of its interval.
        first_upper: upper bound of it.
        second_value: the second figure, in the same unit.
        second_lower: lower bound of its interval, at the same confidence.
        second_upper: upper bound of it.

    Returns:
        The difference, second less first, at the confidence of the intervals that were given.

    Raises:
        ValueError: the shapes differ, or a value lies outside its interval; the first such row is named.

    Source: Zou and Donner (2008), Construction of confidence limits about effect measures: a general approach.
    """
    one, one_low, one_high, two, two_low, two_high = as_columns(
        first_value=first_value,
        first_lower=first_lower,
        first_upper=first_upper,
        second_value=second_value,
        second_lower=second_lower,
        second_upper=second_upper,
    )
    for name, value, low, high in (("first", one, one_low, one_high), ("second", two, two_low, two_high)):
        refuse_rows(
            {f"the {name} value lies outside its interval": (value < low) | (value > high)},
            value=value,
            lower=low,
            upper=high,
        )
    return _difference(one, (one_low, one_high), two, (two_low, two_high), np.ones(one.shape, dtype=bool))


def difference_of_means(
    first_lower: ArrayLike,
    first_upper: ArrayLike,
    first_count: ArrayLike,
    second_lower: ArrayLike,
    second_upper: ArrayLike,
    second_count: ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Difference of two independent means, second less first, with Welch's interval, from their Student t intervals.

    A mean lies in the middle of its interval, and how wide that is says how the measurements scatter, so nothing is
    needed that is not shown.

    Args:
        first_lower: lower bound of the first mean's interval; NaN where missing.
        first_upper: upper bound of it.
        first_count: how many measurements the mean is of.
        second_lower: lower bound of the second mean's interval, in the same unit and at the same confidence.
        second_upper: upper bound of it.
        second_count: how many measurements that mean is of.
        confidence: of both intervals and of the result, two-sided, between 0 and 1.

    Returns:
        The difference in the unit of the measurements. It cannot be calculated where a number is missing, where either
        mean rests on fewer than 10, or where no measurement differs from its mean.

    Raises:
        ValueError: the shapes differ, ``confidence`` is not between 0 and 1, or an upper bound is below its lower
            bound; the first such row is named.

    Source: Welch (1947), The generalization of Student's problem when several different population variances are
        involved; quantiles from SciPy.
    """
    one_low, one_high, one_n, two_low, two_high, two_n = as_columns(
        first_lower=first_lower,
        first_upper=first_upper,
        first_count=first_count,
        second_lower=second_lower,
        second_upper=second_upper,
        second_count=second_count,
    )
    refuse_confidence(confidence)
    for name, low, high in (("first", one_low, one_high), ("second", two_low, two_high)):
        refuse_rows({f"the {name} upper bound is below its lower bound": high < low}, lower=low, upper=high)
    tail = (1 - confidence) / 2
    is_enough = (one_n >= FEWEST_AT_RISK) & (two_n >= FEWEST_AT_RISK)
    one_n, two_n = np.where(is_enough, one_n, np.nan), np.where(is_enough, two_n, np.nan)
    # Of each mean the square of its standard error, which is half the interval's width over the quantile it rests on.
    one_variance = ((one_high - one_low) / 2 / upper_student_quantile(tail, one_n - 1)) ** 2
    two_variance = ((two_high - two_low) / 2 / upper_student_quantile(tail, two_n - 1)) ** 2
    variance = np.where(one_variance + two_variance > 0, one_variance + two_variance, np.nan)
    freedom = variance**2 / (one_variance**2 / (one_n - 1) + two_variance**2 / (two_n - 1))
    half_width = upper_student_quantile(tail, freedom) * np.sqrt(variance)
    difference = np.where(np.isnan(half_width), np.nan, (two_low + two_high) / 2 - (one_low + one_high) / 2)
    return _contrast(difference, difference - half_width, difference + half_width, 0.0)


def ratio_of_proportions(
    first_numerator: ArrayLike,
    first_denominator: ArrayLike,
    second_numerator: ArrayLike,
    second_denominator: ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Ratio of two independent proportions, second over first, with the interval of the log method.

    Args:
        first_numerator: events in the comparator; NaN where missing.
        first_denominator: people or occasions at risk in it.
        second_numerator: events in the group.
        second_denominator: people or occasions at risk in it.
        confidence: two-sided, between 0 and 1.

    Returns:
        The ratio. It cannot be calculated where a count is missing, where either side has no events (there is no
        logarithm of nothing), or where either proportion rests on fewer than 10.

    Raises:
        ValueError: as :func:`~dbt_project.python.intervals.wilson_interval` does, for either side.

    Source: Katz and others (1978), Obtaining confidence intervals for the risk ratio in cohort studies; quantile
        from SciPy.
    """
    first_n, first_d, second_n, second_d = as_columns(
        first_numerator=first_numerator,
        first_denominator=first_denominator,
        second_numerator=second_numerator,
        second_denominator=second_denominator,
    )
    wilson_interval(first_n, first_d, confidence)
    wilson_interval(second_n, second_d, confidence)
    is_enough = (first_n > 0) & (second_n > 0) & (first_d >= FEWEST_AT_RISK) & (second_d >= FEWEST_AT_RISK)
    first_n, second_n = np.where(is_enough, first_n, np.nan), np.where(is_enough, second_n, np.nan)
    variance = 1 / first_n - 1 / first_d + 1 / second_n - 1 / second_d
    return _ratio((second_n / second_d) / (first_n / first_d), variance, confidence)


def ratio_of_rates(
    first_events: ArrayLike,
    first_exposure: ArrayLike,
    second_events: ArrayLike,
    second_exposure: ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Ratio of two independent rates, second over first, with the interval of the log method.

    Args:
        first_events: events in the comparator; NaN where missing.
        first_exposure: what the rate is per, above zero.
        second_events: events in the group.
        second_exposure: what that rate is per, in the same unit.
        confidence: two-sided, between 0 and 1.

    Returns:
        The ratio. It cannot be calculated where a number is missing, where either side has no events, or where the two
        have fewer than 10 together.

    Raises:
        ValueError: as :func:`~dbt_project.python.intervals.byar_interval` does, for either side.

    Source: Rothman and Greenland (1998), Modern epidemiology, for the log method; quantile from SciPy.
    """
    first_x, first_t, second_x, second_t = as_columns(
        first_events=first_events,
        first_exposure=first_exposure,
        second_events=second_events,
        second_exposure=second_exposure,
    )
    byar_interval(first_x, first_t, confidence)
    byar_interval(second_x, second_t, confidence)
    is_enough = (first_x > 0) & (second_x > 0) & (first_x + second_x >= FEWEST_EVENTS)
    first_x, second_x = np.where(is_enough, first_x, np.nan), np.where(is_enough, second_x, np.nan)
    return _ratio((second_x / second_t) / (first_x / first_t), 1 / first_x + 1 / second_x, confidence)


def _difference(
    first: Column,
    first_bounds: tuple[Column, Column],
    second: Column,
    second_bounds: tuple[Column, Column],
    is_enough: np.ndarray,
) -> Contrast:
    # Square and add: the distances of the bounds that face each other, as the sides of a right angle.
    first_lower, first_upper = first_bounds
    second_lower, second_upper = second_bounds
    difference = np.where(is_enough, second - first, np.nan)
    lower = difference - np.hypot(second - second_lower, first_upper - first)
    upper = difference + np.hypot(second_upper - second, first - first_lower)
    return _contrast(difference, lower, upper, 0.0)


def _ratio(ratio: Column, variance_of_log: Column, confidence: float) -> Contrast:
    factor = np.exp(upper_normal_quantile((1 - confidence) / 2) * np.sqrt(variance_of_log))
    return _contrast(ratio, ratio / factor, ratio * factor, 1.0)


def _contrast(value: Column, lower: Column, upper: Column, no_difference: float) -> Contrast:
    direction = np.where(lower > no_difference, 1.0, np.where(upper < no_difference, -1.0, 0.0))
    return Contrast(value, lower, upper, np.where(np.isnan(lower) | np.isnan(upper), np.nan, direction))
