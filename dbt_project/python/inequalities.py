"""Inequality over groups that have an order, such as fifths of deprivation.

The gap between two groups is a difference, and the relative gap a ratio: :mod:`dbt_project.python.differences`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from dbt_project.python.columns import Column, as_columns, refuse_confidence, refuse_rows

FEWEST_GROUPS: Final = 3
_Z_95: Final = 1.959963984540054


@dataclass(frozen=True)
class SlopeIndex:
    """Slope index of inequality of each row: value and interval, in the unit of the groups' figures; NaN where none."""

    value: Column
    lower: Column
    upper: Column


def slope_index_of_inequality(
    value: ArrayLike, lower_95: ArrayLike, upper_95: ArrayLike, population: ArrayLike, confidence: float = 0.95
) -> SlopeIndex:
    """How much a figure changes from one end of an ordered population to the other, along a straight line.

    Each group stands at the middle of its share of the population, from 0 to 1 in the order given, and weighs the
    inverse square of its figure's standard error. The slope of the line through the groups is the index: the figure at
    the last end less the figure at the first. Its interval comes from the groups' own intervals, not from how well the
    line fits.

    Args:
        value: the groups' figures in their order, shape (rows, groups); NaN where a group has none, which leaves its
            figure out and keeps its share of the population.
        lower_95: lower bounds of their 95 per cent intervals, the same shape.
        upper_95: upper bounds of them.
        population: how many people each group holds, above zero.
        confidence: two-sided, between 0 and 1.

    Returns:
        The index of each row. NaN where fewer than three groups have a figure or a population is missing.

    Raises:
        ValueError: the shapes differ or are not two-dimensional, a population is not above zero, or an upper bound is
            not above its lower bound; the first such row is named.

    Source: Mackenbach and Kunst (1997), Measuring the magnitude of socio-economic inequalities in health; weighted
        least squares by statsmodels.
    """
    values, low, high, people = as_columns(value=value, lower_95=lower_95, upper_95=upper_95, population=population)
    refuse_confidence(confidence)
    if values.ndim != 2:
        raise ValueError(f"value has shape {values.shape}; it must be (rows, groups)")
    refuse_rows(
        {
            "the population is not above zero": people <= 0,
            "the upper bound is not above the lower bound": high <= low,
        },
        population=people,
        lower_95=low,
        upper_95=high,
    )

    import statsmodels.api as sm

    share = people / people.sum(axis=1, keepdims=True)
    middle = np.cumsum(share, axis=1) - share / 2
    weights = (2 * _Z_95 / (high - low)) ** 2
    index = SlopeIndex(*(np.full(values.shape[0], np.nan) for _ in range(3)))
    for row in range(values.shape[0]):
        has_figure = ~(np.isnan(values[row]) | np.isnan(weights[row]) | np.isnan(middle[row]))
        if has_figure.sum() < FEWEST_GROUPS:
            continue
        line = sm.WLS(
            values[row, has_figure],
            sm.add_constant(middle[row, has_figure]),
            weights=weights[row, has_figure],
        ).fit(cov_type="fixed scale")
        index.value[row] = line.params[1]
        index.lower[row], index.upper[row] = line.conf_int(alpha=1 - confidence)[1]
    return index
