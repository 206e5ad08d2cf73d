"""How a figure changed from one period to the next, and which way that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.differences import (
    difference_of_means,
    difference_of_proportions,
    difference_of_rates,
    difference_of_values,
)

TOO_FEW = "too few data points"
NOT_JUDGED = "not judged"
NO_CLEAR_CHANGE = "no clear change"


def change_of_value(
    value: Sequence[float | None], previous_value: Sequence[float | None], decimals: Sequence[int]
) -> list[float | None]:
    """The value less the one before, each rounded already, without the rounding error of binary fractions.

    Args:
        value: latest values, in the unit of each; None where none is shown.
        previous_value: the values before, the same length.
        decimals: decimal places of each pair.

    Returns:
        The differences; None where either value is.
    """
    return [
        None if now is None or before is None else round(now - before, places)
        for now, before, places in zip(value, previous_value, decimals, strict=True)
    ]


def change_interval(
    measure_type: Sequence[str],
    numerator: ArrayLike,
    exposure: ArrayLike,
    previous_numerator: ArrayLike,
    previous_exposure: ArrayLike,
    multiplier: ArrayLike,
    confidence: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of the difference between two periods, the later less the earlier, on the scale of the value.

    Both periods are taken as independent samples; where the same people are in both, the interval is wider than it
    need be.

    Args:
        measure_type: ``proportion``, ``rate`` or ``count``, one per row.
        numerator: events or people of the later period; missing values (NaN) stay missing.
        exposure: what they are out of; 1 for a plain count.
        previous_numerator: the same of the earlier period.
        previous_exposure: the same of the earlier period.
        multiplier: what the quotient is multiplied with, such as 100.
        confidence: two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds, one per row; NaN where a count is missing, or where the two rest on too little to say
        anything, as :mod:`~dbt_project.python.differences` has it.

    Raises:
        ValueError: counts that are not possible, as :mod:`~dbt_project.python.differences` says them.
    """
    before, at_risk_before, now, at_risk = (
        np.atleast_1d(np.asarray(column, dtype=np.float64))
        for column in (previous_numerator, previous_exposure, numerator, exposure)
    )
    unit = np.atleast_1d(np.asarray(multiplier, dtype=np.float64))
    is_proportion = np.asarray(measure_type, dtype=object) == "proportion"
    lower, upper = np.full(unit.shape, np.nan), np.full(unit.shape, np.nan)
    for rows, difference in ((is_proportion, difference_of_proportions), (~is_proportion, difference_of_rates)):
        if rows.any():
            found = difference(before[rows], at_risk_before[rows], now[rows], at_risk[rows], confidence)
            lower[rows], upper[rows] = found.lower * unit[rows], found.upper * unit[rows]
    return lower, upper


def change_of_gap(
    previous_gap: ArrayLike,
    previous_lower: ArrayLike,
    previous_upper: ArrayLike,
    gap: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of how much a gap between two groups changed, the later gap less the earlier.

    Args:
        previous_gap: gaps of the earlier period, in their unit; NaN where none is shown.
        previous_lower: lower bounds of their intervals, NaN where there is none.
        previous_upper: upper bounds of them.
        gap: the same of the later period.
        lower: the same.
        upper: the same.

    Returns:
        Lower and upper bounds, at the confidence of the intervals that were given; NaN where a number is missing.

    Raises:
        ValueError: a gap lies outside its interval.
    """
    found = difference_of_values(previous_gap, previous_lower, previous_upper, gap, lower, upper)
    return found.lower, found.upper


def change_of_mean(
    previous_lower: ArrayLike,
    previous_upper: ArrayLike,
    previous_count: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    count: ArrayLike,
    confidence: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of how much a mean changed, the later less the earlier.

    Args:
        previous_lower: lower bounds of the Student t intervals of the earlier means, NaN where there is none.
        previous_upper: upper bounds of them.
        previous_count: how many measurements the earlier means are of.
        lower: the same of the later period.
        upper: the same.
        count: the same.
        confidence: of the intervals given and returned, two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds, Welch's, in the unit of the means; NaN where a number is missing, or where the two rest
        on too little to say anything.

    Raises:
        ValueError: as :func:`~dbt_project.python.differences.difference_of_means` does.
    """
    found = difference_of_means(previous_lower, previous_upper, previous_count, lower, upper, count, confidence)
    return found.lower, found.upper


def directions(
    change: Sequence[float | None],
    lower: ArrayLike,
    upper: ArrayLike,
    polarity: Sequence[str],
    has_counts: Sequence[bool],
) -> list[str]:
    """Which way each value went.

    Args:
        change: the differences; None where there are not two values to compare.
        lower: lower bounds of the intervals of the differences, NaN where unknown; the same length.
        upper: upper bounds.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``, one per row.
        has_counts: whether the counts behind both values are known, so that an interval could be looked for.

    Returns:
        ``too few data points`` without a difference, or where the counts are too small for an interval; ``not judged``
        where no direction is better or the counts are not known; ``no clear change`` where the interval holds zero;
        else ``improving`` or ``worsening``.
    """
    found = []
    rows = zip(change, np.atleast_1d(lower), np.atleast_1d(upper), polarity, has_counts, strict=True)
    for difference, low, high, which, is_counted in rows:
        if difference is None or (is_counted and np.isnan(low) and which != "none"):
            found.append(TOO_FEW)
        elif which == "none" or np.isnan(low) or np.isnan(high):
            found.append(NOT_JUDGED)
        elif low <= 0 <= high:
            found.append(NO_CLEAR_CHANGE)
        else:
            found.append("improving" if (low > 0) == (which == "higher_is_better") else "worsening")
    return found
