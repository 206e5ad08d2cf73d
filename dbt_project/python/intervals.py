"""Intervals of confidence: Wilson for proportions, Byar and exact for events, Student for means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, gammaincinv, ndtri, stdtrit

from dbt_project.python.columns import Column, as_columns, refuse_confidence, refuse_rows

# Below it Byar's approximation strays from the exact limits by more than the last digit that is shown.
FEWEST_EVENTS_FOR_BYAR = 10


def wilson_interval(numerator: ArrayLike, denominator: ArrayLike, confidence: float = 0.95) -> tuple[Column, Column]:
    """Wilson score interval for proportions.

    Args:
        numerator: events; missing values (NaN) stay missing.
        denominator: people or occasions at risk, the same shape; NaN where missing.
        confidence: two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds as proportions (0 to 1), of the same shape; NaN where either count is.

    Raises:
        ValueError: the shapes differ, ``confidence`` is not between 0 and 1, a numerator is negative or exceeds its
            denominator, or a denominator is not above zero; the first such row is named.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference; the quantile from
        SciPy. It is the method that Fingertips publishes for proportions.
    """
    events, at_risk = as_columns(numerator=numerator, denominator=denominator)
    refuse_confidence(confidence)
    refuse_rows(
        {
            "the denominator is not above zero": at_risk <= 0,
            "the numerator is negative": events < 0,
            "the numerator exceeds the denominator": events > at_risk,
        },
        numerator=events,
        denominator=at_risk,
    )
    z = upper_normal_quantile((1 - confidence) / 2)
    share = events / at_risk
    middle = share + z**2 / (2 * at_risk)
    half_width = z * np.sqrt(share * (1 - share) / at_risk + (z / (2 * at_risk)) ** 2)
    lower, upper = ((middle + side * half_width) / (1 + z**2 / at_risk) for side in (-1, 1))
    # The bounds are exact at no events and at all events, where the formula leaves a rounding error.
    lower = np.where(events == 0, 0.0, np.clip(lower, 0.0, 1.0))
    upper = np.where(events == at_risk, 1.0, np.clip(upper, 0.0, 1.0))
    return lower, upper


def byar_interval(events: ArrayLike, exposure: ArrayLike = 1.0, confidence: float = 0.95) -> tuple[Column, Column]:
    """Interval for a number of events, or for a rate: Byar's method from 10 events up, exact below.

    Args:
        events: how often it happened, zero or more; missing values (NaN) stay missing.
        exposure: what the rate is per (pupils on roll, days), above zero, of the same shape or one number for all;
            1, the default, gives the interval of the count itself.
        confidence: two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds as events per unit of exposure, of the same shape; NaN where either input is.

    Raises:
        ValueError: the shapes differ, ``confidence`` is not between 0 and 1, a number of events is negative, or an
            exposure is not above zero; the first such row is named.

    Source: Breslow and Day (1987), Statistical methods in cancer research II, for Byar's approximation; the exact
        limits are the chi-square ones of Garwood (1936). It is the method that Fingertips publishes for rates.
    """
    happened = np.atleast_1d(np.asarray(events, dtype=np.float64))
    per = np.asarray(exposure, dtype=np.float64)
    happened, per = as_columns(events=happened, exposure=np.full(happened.shape, per) if per.ndim == 0 else per)
    refuse_confidence(confidence)
    refuse_rows(
        {"the exposure is not above zero": per <= 0, "the number of events is negative": happened < 0},
        events=happened,
        exposure=per,
    )
    tail = (1 - confidence) / 2
    z = upper_normal_quantile(tail)
    is_few = happened < FEWEST_EVENTS_FOR_BYAR
    # Each method is given only what it is for; the other rows carry a harmless number that is not used.
    few = np.where(is_few, happened, 0.0)
    many = np.where(is_few, FEWEST_EVENTS_FOR_BYAR, happened)
    # Half the chi-square quantile of twice as many degrees of freedom is the gamma quantile.
    exact_lower = np.where(few == 0, 0.0, gammaincinv(np.maximum(few, 0.5), tail))
    exact_upper = chdtri(2 * few + 2, tail) / 2
    byar_lower = many * (1 - 1 / (9 * many) - z / (3 * np.sqrt(many))) ** 3
    above = many + 1
    byar_upper = above * (1 - 1 / (9 * above) + z / (3 * np.sqrt(above))) ** 3
    # A missing number of events is not few, and passes through Byar's formula as missing.
    lower = np.where(is_few, exact_lower, byar_lower) / per
    upper = np.where(is_few, exact_upper, byar_upper) / per
    return lower, upper


def student_interval(
    total: ArrayLike, total_of_squares: ArrayLike, count: ArrayLike, confidence: float = 0.95
) -> tuple[Column, Column]:
    """Student's t interval for a mean, from the sums that can be added over rows and files.

    Args:
        total: sum of the measurements; missing values (NaN) stay missing.
        total_of_squares: sum of their squares, the same shape.
        count: how many measurements, the same shape.
        confidence: two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds in the unit of the measurements, of the same shape; NaN where an input is, and where a
        single measurement says nothing of how measurements differ.

    Raises:
        ValueError: the shapes differ, ``confidence`` is not between 0 and 1, a count is not above zero, or a sum of
            squares is smaller than any measurements of that total can have; the first such row is named.

    Source: Student (1908), The probable error of a mean; quantiles from SciPy. It is the method that Fingertips
        publishes for means.
    """
    sums, squares, measured = as_columns(total=total, total_of_squares=total_of_squares, count=count)
    refuse_confidence(confidence)
    refuse_rows({"the count is not above zero": measured <= 0}, count=measured)
    mean = sums / measured
    # What is left of the squares once the mean is taken out; a rounding error below zero is zero.
    left = squares - sums * mean
    refuse_rows(
        {"the sum of squares is smaller than its total allows": left < -1e-9 * np.maximum(squares, 1.0)},
        total=sums,
        total_of_squares=squares,
        count=measured,
    )
    freedom = np.where(measured > 1, measured - 1, np.nan)
    error = np.sqrt(np.maximum(left, 0.0) / freedom / measured)
    half_width = upper_student_quantile((1 - confidence) / 2, freedom) * error
    return mean - half_width, mean + half_width


def upper_normal_quantile(tail: float) -> float:
    """What a standard normal variable exceeds with a probability of ``tail``, by SciPy."""
    return -float(ndtri(tail))


def upper_student_quantile(tail: float, freedom: Column) -> Column:
    """What Student's t exceeds with a probability of ``tail``, by SciPy; missing where the degrees of freedom are."""
    quantile: Column = -stdtrit(freedom, tail)
    return quantile
