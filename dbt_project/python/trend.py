"""Recent trend of annual series: the last five points, as Fingertips tests them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.columns import Column, as_columns, refuse_rows

POINTS: Final = 5
# The 99.8 per cent point of chi-square with one degree of freedom.
CRITICAL_CHI_SQUARE: Final = 9.54953570608324

TOO_FEW_POINTS: Final = "fewer_than_five_points"
NOT_ANNUAL: Final = "not_annual"
OVERLAPPING: Final = "overlapping_periods"
NOT_CONSECUTIVE: Final = "not_consecutive"

# Normal quantile of a two-sided 95 per cent interval: what turns its width back into a standard error.
_Z_95: Final = 1.959963984540054
_SHORTEST_YEAR_DAYS: Final = 365
_LONGEST_YEAR_DAYS: Final = 366
_TIME: Final = np.arange(1.0, POINTS + 1)


@dataclass(frozen=True)
class RecentPoints:
    """Which rows of a long table are the last five points of each series.

    ``series`` holds each series' name once, in sorted order; ``rows`` the positions of its five rows, oldest first,
    shape (series, 5), -1 where a trend cannot be calculated; ``reason`` why it cannot, empty where it can.
    """

    series: NDArray[np.object_]
    rows: NDArray[np.int64]
    reason: NDArray[np.object_]


@dataclass(frozen=True)
class RecentTrend:
    """The trend test of each series of five points.

    ``chi_square`` has one degree of freedom; ``slope`` is per period, in the unit of the values (of proportions: in
    log odds); ``slopes_leaving_one_out`` has shape (series, 5), the point that is left out from oldest to newest;
    ``direction`` is 1 or -1 where the trend is significant, 0 where it is not, NaN where it cannot be calculated.
    """

    chi_square: Column
    slope: Column
    slopes_leaving_one_out: Column
    direction: Column


def last_five_points(series: ArrayLike, period_start: ArrayLike, period_end: ArrayLike) -> RecentPoints:
    """Finds the last five points of each series and whether a trend may be tested on them.

    Args:
        series: the series that a row belongs to; rows in any order, only rows that have a value.
        period_start: first day of the row's period, anything NumPy reads as a date.
        period_end: last day of it.

    Returns:
        The rows of each series' last five points. There is none where the series has fewer than five points, where
        one of the last five is not a year, where two of them overlap, or where there is a gap between two of them.

    Raises:
        ValueError: the columns differ in length, or a period ends before it starts.

    Source: the criteria of Fingertips' trend markers: annual, independent periods without a break, five or more.
    """
    names = np.asarray(series, dtype=object)
    starts = np.asarray(period_start, dtype="datetime64[D]")
    ends = np.asarray(period_end, dtype="datetime64[D]")
    if not names.shape == starts.shape == ends.shape or names.ndim != 1:
        raise ValueError(
            f"series has shape {names.shape}, period_start {starts.shape} and period_end {ends.shape}; "
            "they must be columns of one length"
        )
    if (ends < starts).any():
        row = int(np.flatnonzero(ends < starts)[0])
        raise ValueError(f"row {row}: the period ends on {ends[row]}, before it starts on {starts[row]}")
    unique, codes = np.unique(names, return_inverse=True)
    order = np.lexsort((starts, codes))
    last = np.searchsorted(codes[order], np.arange(unique.size), side="right")
    counts = np.bincount(codes, minlength=unique.size)
    has_five = counts >= POINTS
    rows = np.full((unique.size, POINTS), -1, dtype=np.int64)
    reason = np.where(has_five, "", TOO_FEW_POINTS).astype(object)
    rows[has_five] = order[last[has_five, None] + np.arange(-POINTS, 0)]

    days = (ends - starts).astype(np.int64) + 1
    is_year = (days >= _SHORTEST_YEAR_DAYS) & (days <= _LONGEST_YEAR_DAYS)
    between = (starts[rows[:, 1:]] - ends[rows[:, :-1]]).astype(np.int64)
    for problem, found in (
        (NOT_CONSECUTIVE, (between > 1).any(axis=1)),
        (OVERLAPPING, (between < 1).any(axis=1)),
        (NOT_ANNUAL, ~is_year[rows].all(axis=1)),
    ):
        reason[has_five & found] = problem
    rows[reason != ""] = -1
    return RecentPoints(unique, rows, reason)


def trend_of_proportions(numerator: ArrayLike, denominator: ArrayLike) -> RecentTrend:
    """Tests five proportions in a row for a trend.

    Args:
        numerator: events, shape (series, 5), oldest first; NaN where missing.
        denominator: people or occasions at risk, the same shape.

    Returns:
        The chi-square for trend of the counts, and slopes of the log odds on time. Significant where the chi-square is
        above 9.54953570608324 and all five slopes that leave one point out have one sign. NaN where a count is
        missing. Where a point has no events, or nothing but events, half an event is added to both sides of every
        point of the series, so that its log odds exist; a series of only such points has no trend.

    Raises:
        ValueError: the shapes are not (series, 5) or differ, a numerator is negative or exceeds its denominator, or a
            denominator is not above zero; the first such row is named.

    Source: Armitage (1955), Tests for linear trends in proportions and frequencies; applied as Fingertips does.
    """
    events, at_risk = _five_points(numerator=numerator, denominator=denominator)
    refuse_rows(
        {
            "the denominator is not above zero": at_risk <= 0,
            "the numerator is negative": events < 0,
            "the numerator exceeds the denominator": events > at_risk,
        },
        numerator=events,
        denominator=at_risk,
    )
    sum_n, sum_r = at_risk.sum(axis=1), events.sum(axis=1)
    sum_nt, sum_rt = (at_risk * _TIME).sum(axis=1), (events * _TIME).sum(axis=1)
    sum_ntt = (at_risk * _TIME**2).sum(axis=1)
    covariance = sum_n * sum_rt - sum_r * sum_nt
    spread = sum_r * (sum_n - sum_r) * (sum_n * sum_ntt - sum_nt**2)
    # Nobody, or everybody, in every year: nothing varies, so nothing moves.
    chi_square = np.where(spread == 0, 0.0, sum_n * covariance**2 / np.where(spread == 0, 1.0, spread))
    is_extreme = ((events == 0) | (events == at_risk)).any(axis=1, keepdims=True)
    half = np.where(is_extreme, 0.5, 0.0)
    log_odds = np.log((events + half) / (at_risk - events + half))
    return _judged(chi_square, log_odds, np.ones_like(log_odds))


def trend_of_values(value: ArrayLike, lower_95: ArrayLike, upper_95: ArrayLike) -> RecentTrend:
    """Tests five values with intervals in a row for a trend: rates, counts, means, gaps.

    Args:
        value: the figures, shape (series, 5), oldest first; NaN where missing.
        lower_95: lower bounds of their 95 per cent intervals, the same shape and unit.
        upper_95: upper bounds of them.

    Returns:
        Slope and chi-square of a straight line through the points, each weighted by the inverse square of its standard
        error (the width of its interval over twice 1.96). Significant where the chi-square is above 9.54953570608324
        and all five slopes that leave one point out have one sign. NaN where a number is missing.

    Raises:
        ValueError: the shapes are not (series, 5) or differ, or an upper bound is not above its lower bound; the first
            such row is named.

    Source: the method of Fingertips' trend markers for everything that is not a proportion.
    """
    values, low, high = _five_points(value=value, lower_95=lower_95, upper_95=upper_95)
    refuse_rows({"the upper bound is not above the lower bound": high <= low}, lower_95=low, upper_95=high)
    weights = (2 * _Z_95 / (high - low)) ** 2
    slope = _slope(values, weights)
    centred = _TIME - (weights * _TIME).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    chi_square = slope**2 * (weights * centred**2).sum(axis=1)
    return _judged(chi_square, values, weights)


def _five_points(**columns: ArrayLike) -> list[Column]:
    arrays = as_columns(**columns)
    if arrays[0].ndim != 2 or arrays[0].shape[1] != POINTS:
        raise ValueError(f"{next(iter(columns))} has shape {arrays[0].shape}; it must be (series, {POINTS})")
    return arrays


def _judged(chi_square: Column, values: Column, weights: Column) -> RecentTrend:
    slopes = np.stack([_slope(values, np.where(left_out == _TIME, 0.0, weights)) for left_out in _TIME], axis=1)
    # The slope through all five is a weighted mean of these, so it has their sign where they agree.
    sign = np.where((slopes > 0).all(axis=1), 1.0, np.where((slopes < 0).all(axis=1), -1.0, 0.0))
    direction = np.where(chi_square > CRITICAL_CHI_SQUARE, sign, 0.0)
    is_missing = np.isnan(chi_square) | np.isnan(slopes).any(axis=1)
    return RecentTrend(chi_square, _slope(values, weights), slopes, np.where(is_missing, np.nan, direction))


def _slope(values: Column, weights: Column) -> Column:
    # Weighted least squares in closed form: a library fits one series at a time, and there are thousands.
    total = weights.sum(axis=1)
    centred = _TIME - ((weights * _TIME).sum(axis=1) / total)[:, None]
    slope: Column = (weights * centred * values).sum(axis=1) / (weights * centred**2).sum(axis=1)
    return slope
