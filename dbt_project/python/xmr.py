"""Process behaviour (XmR) charts of monthly and termly series: limits, signals, provisional or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.columns import Column

# Limits lie this many mean moving ranges from the mean: three standard deviations of a series without a change.
LIMIT_FACTOR: Final = 2.66
# A moving range of this many mean moving ranges or more is a jump, not the ordinary variation that limits describe.
LARGEST_RANGE_FACTOR: Final = 3.267
RUN: Final = 7
FEWEST_POINTS: Final = 5
# As many as five points in a row have.
FEWEST_RANGES: Final = 4
POINTS_FOR_FIRM_LIMITS: Final = 13

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class XmrChart:
    """The chart of each series; one row per series, one column per point.

    ``mean``, ``lower_limit``, ``upper_limit`` and ``outer_third_lower``, ``outer_third_upper`` (where the outer thirds
    begin) are in the unit of the values, shape (series,); ``limit_points`` is how many points the limits rest on and
    ``is_provisional`` says that they are fewer than 13. The signals have the shape of the values: ``is_beyond_limits``,
    ``is_in_run_on_one_side``, ``is_in_run_of_rises_or_falls``, ``is_near_limit`` (two of three in an outer third), and
    ``direction``: 1 or -1 the way that a point's signals lie, 0 without one, NaN where there is no point or no limits.
    """

    mean: Column
    lower_limit: Column
    upper_limit: Column
    outer_third_lower: Column
    outer_third_upper: Column
    limit_points: NDArray[np.int64]
    is_provisional: Flags
    is_beyond_limits: Flags
    is_in_run_on_one_side: Flags
    is_in_run_of_rises_or_falls: Flags
    is_near_limit: Flags
    direction: Column

    @property
    def is_signal(self) -> Flags:
        """Which points carry a signal of any kind, shape (series, points)."""
        return (
            self.is_beyond_limits | self.is_in_run_on_one_side | self.is_in_run_of_rises_or_falls | self.is_near_limit
        )

    @property
    def latest_direction(self) -> Column:
        """The direction of each series' last point, shape (series,): what the series says now; NaN without limits."""
        is_point = ~np.isnan(self.direction)
        last = self.direction.shape[1] - 1 - np.argmax(is_point[:, ::-1], axis=1)
        latest: Column = self.direction[np.arange(self.direction.shape[0]), last]
        return latest


def xmr_chart(
    values: ArrayLike,
    is_baseline: ArrayLike | None = None,
    least: ArrayLike = -np.inf,
    most: ArrayLike = np.inf,
) -> XmrChart:
    """Works out the limits and signals of series of single values.

    A moving range is the difference of two successive points. Limits are mean ± 2.66 × mean moving range, from which
    moving ranges of 3.267 × the mean moving range or more are left out, once. Signals are a point beyond a limit; seven
    points in a row on one side of the mean; seven in a row each above, or each below, the one before; and of three in a
    row two or more in the outer third on the same side, or beyond it. Every point of a run is marked; of two in three,
    the two.

    A new baseline is a new series: hand over the points from its recorded start on as a row of their own. Nothing here
    starts one.

    Args:
        values: one row per series, oldest point first, one column per period, shape (series, points); NaN where a
            series has no point that may be shown. A missing point breaks every run, and no range spans it: what lies
            behind it is not known.
        is_baseline: which points the limits rest on, the same shape; all of them where it is not given.
        least: what no value of the series can be below, such as 0 for counts, one for all or one for each series.
            Limits end there: a chart that said -3 would promise what cannot happen. The outer third begins where it
            would without, so that what is near a limit does not depend on it.
        most: what none can be above, such as 100 for percentages.

    Returns:
        The charts. Where fewer than five points, or fewer than four ranges between neighbours, bear the limits, these
        and the directions are NaN.

    Raises:
        ValueError: ``values`` is not two-dimensional or has no points, or ``is_baseline`` has another shape.

    Source: Wheeler (2000), Understanding variation; with the rules that NHS England's Making Data Count teaches.
    """
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"values has shape {points.shape}; it must be (series, points), with a point or more")
    bears_limits = np.ones(points.shape, dtype=bool) if is_baseline is None else np.asarray(is_baseline, dtype=bool)
    if bears_limits.shape != points.shape:
        raise ValueError(f"values has shape {points.shape} and is_baseline {bears_limits.shape}; they must be the same")
    lowest, highest = (
        np.broadcast_to(np.asarray(bound, dtype=np.float64), points.shape[:1]) for bound in (least, most)
    )
    mean, spread, limit_points = _limits(points, bears_limits & ~np.isnan(points))

    # A missing point is on no side and takes no step, so every run ends there.
    side = _sides(points, mean, mean)
    steps = np.sign(np.diff(points, axis=1))
    lower, upper = np.maximum(mean - spread, lowest), np.minimum(mean + spread, highest)
    beyond = _sides(points, lower, upper)
    outer = _sides(points, mean - spread * 2 / 3, mean + spread * 2 / 3)
    on_one_side = _runs(side, RUN)
    # Seven points that rise are six rises; the point before the first rise belongs to the run.
    moving = _runs(steps, RUN - 1)
    drifting = np.zeros_like(points)
    drifting[:, 1:] = moving
    starts_run = (drifting[:, :-1] == 0) & (moving != 0)
    drifting[:, :-1] = np.where(starts_run, moving, drifting[:, :-1])
    near = _two_of_three(outer, ~np.isnan(points))
    # Where signals of one point lie on different sides, the stronger evidence leads: beyond, near, one side, drift.
    direction = np.select([beyond != 0, near != 0, on_one_side != 0], [beyond, near, on_one_side], default=drifting)
    direction = np.where(np.isnan(points) | np.isnan(mean)[:, None], np.nan, direction)
    has_limits = ~np.isnan(mean)[:, None]
    return XmrChart(
        mean=mean,
        lower_limit=lower,
        upper_limit=upper,
        outer_third_lower=np.maximum(mean - spread * 2 / 3, lowest),
        outer_third_upper=np.minimum(mean + spread * 2 / 3, highest),
        limit_points=limit_points,
        is_provisional=limit_points < POINTS_FOR_FIRM_LIMITS,
        is_beyond_limits=(beyond != 0) & has_limits,
        is_in_run_on_one_side=(on_one_side != 0) & has_limits,
        is_in_run_of_rises_or_falls=(drifting != 0) & has_limits,
        is_near_limit=(near != 0) & has_limits,
        direction=direction,
    )


def _limits(points: Column, bears_limits: Flags) -> tuple[Column, Column, NDArray[np.int64]]:
    """Mean, distance of the limits from it, and how many points bear them; NaN where these are too few."""
    limit_points = bears_limits.sum(axis=1)
    ranges = np.abs(np.diff(points, axis=1))
    is_range = bears_limits[:, 1:] & bears_limits[:, :-1]
    has_limits = (limit_points >= FEWEST_POINTS) & (is_range.sum(axis=1) >= FEWEST_RANGES)
    # Where nothing varies there is no jump: a range of zero is not left out.
    is_jump = (ranges >= LARGEST_RANGE_FACTOR * _mean(ranges, is_range)[:, None]) & (ranges > 0)
    mean = np.where(has_limits, _mean(points, bears_limits), np.nan)
    spread = np.where(has_limits, LIMIT_FACTOR * _mean(ranges, is_range & ~is_jump), np.nan)
    return mean, spread, limit_points


def _mean(values: Column, counts: Flags) -> Column:
    total = np.where(counts, values, 0.0).sum(axis=1)
    number = counts.sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _sides(points: Column, lower: Column, upper: Column) -> Column:
    """1 above the upper bound, -1 below the lower one, else 0."""
    # The mean of equal points can differ from them in the last binary digit, which is on neither side.
    slack = 1e-12 * np.nanmax(np.abs(points), axis=1, initial=0.0)
    side: Column = (points > (upper + slack)[:, None]).astype(np.float64) - (points < (lower - slack)[:, None])
    return side


def _runs(signs: Column, length: int) -> Column:
    """The sign of every place that lies in a run of ``length`` or more equal signs; 0 elsewhere."""
    found = np.zeros_like(signs)
    for sign in (1.0, -1.0):
        is_run = _has_at_least(length, signs == sign, length)
        for shift in range(length):
            found[:, shift : shift + is_run.shape[1]][is_run] = sign
    return found


def _two_of_three(outer: Column, is_point: Flags) -> Column:
    """The sign of every place in an outer third beside which, within three, another is in the same; 0 elsewhere."""
    found = np.zeros_like(outer)
    is_whole = _has_at_least(3, is_point, 3)
    for sign in (1.0, -1.0):
        is_there = outer == sign
        is_pair = _has_at_least(2, is_there, 3) & is_whole
        for shift in range(3):
            places = slice(shift, shift + is_pair.shape[1])
            found[:, places][is_pair & is_there[:, places]] = sign
    return found


def _has_at_least(fewest: int, flags: Flags, length: int) -> Flags:
    """For every ``length`` places in a row whether ``fewest`` of them are flagged; no columns if there are fewer."""
    if flags.shape[1] < length:
        return np.zeros((flags.shape[0], 0), dtype=bool)
    enough: Flags = sliding_window_view(flags, length, axis=1).sum(axis=2) >= fewest
    return enough
