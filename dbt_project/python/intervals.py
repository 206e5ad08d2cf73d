"""Intervals of confidence for proportions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wilson_interval(
    numerator: ArrayLike, denominator: ArrayLike, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson score interval for proportions.

    Args:
        numerator: events, one per row; missing values (NaN) stay missing.
        denominator: people or occasions at risk, the same length; NaN where missing.
        confidence: two-sided, between 0 and 1.

    Returns:
        Lower and upper bounds as proportions (0 to 1), each as long as ``numerator``; NaN where either count is.

    Raises:
        ValueError: the lengths differ, ``confidence`` is not between 0 and 1, a numerator is negative or exceeds its
            denominator, or a denominator is not above zero; the first such row is named.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference; computed by
        statsmodels. It is the method that Fingertips publishes for proportions.
    """
    events = np.atleast_1d(np.asarray(numerator, dtype=np.float64))
    at_risk = np.atleast_1d(np.asarray(denominator, dtype=np.float64))
    if events.shape != at_risk.shape or events.ndim != 1:
        raise ValueError(f"numerator has shape {events.shape} and denominator {at_risk.shape}; they must be one column")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
    _refuse_impossible_counts(events, at_risk)
    if events.size == 0:
        return events.copy(), events.copy()

    # Costs two seconds, so only where it is called.
    from statsmodels.stats.proportion import proportion_confint

    lower, upper = proportion_confint(events, at_risk, alpha=1 - confidence, method="wilson")
    # The bounds are exact at no events and at all events, where the formula leaves a rounding error.
    lower = np.where(events == 0, 0.0, np.clip(lower, 0.0, 1.0))
    upper = np.where(events == at_risk, 1.0, np.clip(upper, 0.0, 1.0))
    return lower, upper


def _refuse_impossible_counts(events: NDArray[np.float64], at_risk: NDArray[np.float64]) -> None:
    # A comparison with a missing value is false, so missing rows pass here and stay missing.
    for problem, rows in (
        ("the denominator is not above zero", at_risk <= 0),
        ("the numerator is negative", events < 0),
        ("the numerator exceeds the denominator", events > at_risk),
    ):
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            raise ValueError(f"row {row}: {problem} ({events[row]:g} of {at_risk[row]:g})")
