"""How a figure changed from one period to the next, and which way that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        Lower and upper bounds, one per row; NaN where a count is missing.

    Raises:
        ValueError: an exposure is not above zero, a numerator is negative, or that of a proportion exceeds its
            exposure; the first such row is named.

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10; for
        rates the same construction (MOVER) from the score intervals of both; computed by statsmodels.
    """
    counts = np.column_stack(
        [
            np.atleast_1d(np.asarray(column, dtype=np.float64))
            for column in (numerator, exposure, previous_numerator, previous_exposure)
        ]
    )
    is_proportion = np.asarray(measure_type) == "proportion"
    for row, (events, at_risk, events_before, at_risk_before) in enumerate(counts):
        for some, of in ((events, at_risk), (events_before, at_risk_before)):
            # A comparison with a missing value is false, so missing rows pass here and stay missing.
            if some < 0 or of <= 0 or (is_proportion[row] and some > of):
                raise ValueError(f"row {row}: {some:g} of {of:g} is not possible")
    bounds = np.full((len(counts), 2), np.nan)
    is_known = ~np.isnan(counts).any(axis=1)
    if not is_known.any():
        return bounds[:, 0], bounds[:, 1]

    # Cost two seconds, so only where they are called.
    from statsmodels.stats.proportion import confint_proportions_2indep
    from statsmodels.stats.rates import confint_poisson_2indep

    shares, rates = is_known & is_proportion, is_known & ~is_proportion
    if shares.any():
        bounds[shares] = np.column_stack(
            confint_proportions_2indep(*counts[shares].T, method="newcomb", compare="diff", alpha=1 - confidence)
        )
    if rates.any():
        bounds[rates] = np.column_stack(
            confint_poisson_2indep(*counts[rates].T, method="mover", compare="diff", alpha=1 - confidence)
        )
    bounds *= np.atleast_1d(np.asarray(multiplier, dtype=np.float64))[:, np.newaxis]
    return bounds[:, 0], bounds[:, 1]


def directions(
    change: Sequence[float | None], lower: ArrayLike, upper: ArrayLike, polarity: Sequence[str]
) -> list[str]:
    """Which way each value went.

    Args:
        change: the differences; None where there are not two values to compare.
        lower: lower bounds of the intervals of the differences, NaN where unknown; the same length.
        upper: upper bounds.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``, one per row.

    Returns:
        ``too few data points`` without a difference; ``not judged`` where no direction is better or the interval is
        unknown; ``no clear change`` where the interval holds zero; else ``improving`` or ``worsening``.
    """
    found = []
    for difference, low, high, which in zip(change, np.atleast_1d(lower), np.atleast_1d(upper), polarity, strict=True):
        if difference is None:
            found.append(TOO_FEW)
        elif which == "none" or np.isnan(low) or np.isnan(high):
            found.append(NOT_JUDGED)
        elif low <= 0 <= high:
            found.append(NO_CLEAR_CHANGE)
        else:
            found.append("improving" if (low > 0) == (which == "higher_is_better") else "worsening")
    return found
