"""Comparison of an area with a benchmark, and its place among its statistical neighbours."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.columns import Column, as_columns, refuse_rows
from dbt_project.python.verdicts import CANNOT_BE_CALCULATED, good_direction

BEST: Final = "best"
BETTER: Final = "better"
SIMILAR: Final = "similar"
WORSE: Final = "worse"
WORST: Final = "worst"
NOT_JUDGED: Final = "not_judged"

# A quarter of fewer than four areas is less than one area.
FEWEST_AREAS_FOR_QUARTILES: Final = 4


def compare_with_benchmark(
    lower_95: ArrayLike,
    upper_95: ArrayLike,
    lower_998: ArrayLike,
    upper_998: ArrayLike,
    benchmark: ArrayLike,
    polarity: ArrayLike,
) -> NDArray[np.object_]:
    """Says whether an area differs from a benchmark by more than chance explains, and whether that is good.

    The benchmark is taken as known without error, as England's figure is beside an authority's.

    Args:
        lower_95: lower bound of the area's 95 per cent interval, in the benchmark's unit; NaN where missing.
        upper_95: upper bound of it.
        lower_998: lower bound of the area's 99.8 per cent interval.
        upper_998: upper bound of it.
        benchmark: the figure to compare with; NaN where missing.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``; one for all or one for each.

    Returns:
        ``similar`` where the benchmark lies inside the 95 per cent interval or on its bounds; ``better`` or ``worse``
        where it lies outside that but not outside the 99.8 per cent interval; ``best`` or ``worst`` where it lies
        outside both; ``not_judged`` where the polarity is none; ``cannot_be_calculated`` where a number is missing.

    Raises:
        ValueError: the shapes differ, a polarity is unknown, or the 99.8 per cent interval does not contain the 95 per
            cent one; the first such row is named.

    Source: the comparison that Fingertips publishes, with intervals at 95 and 99.8 per cent.
    """
    low_95, high_95, low_998, high_998, other = as_columns(
        lower_95=lower_95, upper_95=upper_95, lower_998=lower_998, upper_998=upper_998, benchmark=benchmark
    )
    refuse_rows(
        {
            "the lower bound is above the upper bound": low_95 > high_95,
            "the 99.8 per cent interval does not contain the 95 per cent one": (low_998 > low_95)
            | (high_998 < high_95),
        },
        lower_998=low_998,
        lower_95=low_95,
        upper_95=high_95,
        upper_998=high_998,
    )
    good = good_direction(polarity, other.shape)
    # 1 where the area lies above the benchmark, 2 where it does so at 99.8 per cent; negative below it.
    above = (other < low_95).astype(int) + (other < low_998)
    below = (other > high_95).astype(int) + (other > high_998)
    score = (above - below) * good
    verdict = np.select(
        [score == 0, score == 1, score == 2, score == -1, score == -2],
        [SIMILAR, BETTER, BEST, WORSE, WORST],
        default=CANNOT_BE_CALCULATED,
    ).astype(object)
    verdict[good == 0] = NOT_JUDGED
    missing = np.isnan(low_95) | np.isnan(high_95) | np.isnan(low_998) | np.isnan(high_998) | np.isnan(other)
    verdict[missing] = CANNOT_BE_CALCULATED
    return verdict


def rank_among_neighbours(
    value: ArrayLike, neighbours: ArrayLike, polarity: ArrayLike
) -> tuple[Column, Column, NDArray[np.int64]]:
    """Places each area among itself and its neighbours; first is best.

    Args:
        value: the area's figure, shape (rows,); NaN where missing.
        neighbours: its neighbours' figures, shape (rows, neighbours); NaN where one has none.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``; one for all or one for each row.

    Returns:
        Rank (1 is best, equal figures share the better rank), quartile (1 is best; from the rank), and how many areas
        stand in the ranking, the area included. Rank and quartile are NaN where the area or all its neighbours have no
        figure and where the polarity is none; the quartile also where fewer than four areas stand in the ranking.

    Raises:
        ValueError: the shapes do not fit, or a polarity is unknown.

    Source: ranks of the Department for Education's local authority tool, which gives equal figures the better rank.
    """
    (own,) = as_columns(value=value)
    others = np.asarray(neighbours, dtype=np.float64)
    if own.ndim != 1 or others.ndim != 2 or others.shape[0] != own.shape[0]:
        raise ValueError(f"value has shape {own.shape} and neighbours {others.shape}; (rows,) and (rows, neighbours)")
    good = good_direction(polarity, own.shape)
    better = ((others - own[:, None]) * good[:, None] > 0).sum(axis=1)
    areas = (~np.isnan(others)).sum(axis=1) + ~np.isnan(own)
    can_rank = ~np.isnan(own) & (areas > 1) & (good != 0)
    rank = np.where(can_rank, 1.0 + better, np.nan)
    enough = areas >= FEWEST_AREAS_FOR_QUARTILES
    quartile = np.where(enough, np.floor(4 * (rank - 1) / np.maximum(areas, 1)) + 1, np.nan)
    return rank, quartile, areas


def median_of_neighbours(neighbours: ArrayLike) -> Column:
    """The middle figure of each area's neighbours that have one.

    Args:
        neighbours: figures, shape (rows, neighbours); NaN where one has none.

    Returns:
        The median, shape (rows,); of an even number the mean of the middle two; NaN where no neighbour has a figure.

    Raises:
        ValueError: ``neighbours`` is not two-dimensional.
    """
    others = np.asarray(neighbours, dtype=np.float64)
    if others.ndim != 2:
        raise ValueError(f"neighbours has shape {others.shape}; it must be (rows, neighbours)")
    median = np.full(others.shape[0], np.nan)
    has_any = ~np.isnan(others).all(axis=1)
    median[has_any] = np.nanmedian(others[has_any], axis=1)
    return median
