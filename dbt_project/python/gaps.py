"""How far apart two groups are, whichever of them is ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dbt_project.python.columns import Column, as_columns


def absolute_gap(
    difference: Sequence[float | None], lower: ArrayLike, upper: ArrayLike
) -> tuple[Column, Column, Column]:
    """The size of a difference with its interval: the sizes of all the differences that the interval holds.

    Args:
        difference: one group's figure less the other's; None where either is not shown.
        lower: lower bounds of the intervals of the differences, NaN where unknown; the same length.
        upper: upper bounds.

    Returns:
        The gaps and their lower and upper bounds, in the unit of the differences. A lower bound is 0 where the interval
        holds no difference; both bounds are NaN where there is no gap or no interval.

    Raises:
        ValueError: the arguments are of different lengths.
    """
    number, low, high = as_columns(
        difference=[np.nan if one is None else one for one in difference], lower=lower, upper=upper
    )
    is_known = ~(np.isnan(number) | np.isnan(low) | np.isnan(high))
    nearest = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    farthest = np.maximum(np.abs(low), np.abs(high))
    return np.abs(number), np.where(is_known, nearest, np.nan), np.where(is_known, farthest, np.nan)
